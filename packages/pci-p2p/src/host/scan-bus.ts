import { findCapability } from '../config/capability-walk.ts';
import { devfn, requesterId } from '../fabric/address.ts';
import { PciFabricError } from '../fabric/errors.ts';
import { PCI_CAP_ID_EXP, PCI_EXP_FLAGS } from '../spec/capability-ids.ts';
import {
  PCI_HEADER_TYPE,
  PCI_HEADER_TYPE_BRIDGE,
  PCI_HEADER_TYPE_MASK,
  PCI_HEADER_TYPE_MFD,
  PCI_PRIMARY_BUS,
  PCI_SECONDARY_BUS,
  PCI_SUBORDINATE_BUS,
  PCI_VENDOR_ID,
} from '../spec/header.ts';
import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT } from '../spec/port-type.ts';
import { type ConfigAccess, ConfigWindow } from './config-access.ts';

/** A function that answered, and the bus below it when it is a bridge. */
export interface FoundFunction {
  readonly config: ConfigWindow;
  readonly below: readonly FoundFunction[] | null;
}

const LAST_BUS = 0xff;

/**
 * Finds every function below a root bus and numbers the buses depth first by writing each bridge's primary, secondary
 * and subordinate number (spec T1).
 * @throws {PciFabricError} when a domain's 256 buses are not enough
 */
export function scanBus(access: ConfigAccess, domain: number, rootBus: number): readonly FoundFunction[] {
  return new BusScan(access, domain, rootBus).scan(rootBus, false);
}

class BusScan {
  readonly #access: ConfigAccess;
  readonly #domain: number;
  #lastBus: number;

  constructor(access: ConfigAccess, domain: number, rootBus: number) {
    this.#access = access;
    this.#domain = domain;
    this.#lastBus = rootBus;
  }

  /** On a PCIe link there is one device, number 0 (spec T2). */
  scan(bus: number, isLink: boolean): FoundFunction[] {
    const found: FoundFunction[] = [];
    for (let device = 0; device < (isLink ? 1 : 32); device++) {
      let functions = 1;
      for (let fn = 0; fn < functions; fn++) {
        const config = new ConfigWindow(this.#access, this.#domain, requesterId(bus, devfn(device, fn)));
        if (config.read(PCI_VENDOR_ID, 2) === 0xffff) continue;
        if (fn === 0 && config.read(PCI_HEADER_TYPE, 1) & PCI_HEADER_TYPE_MFD) functions = 8;
        found.push({ config, below: this.#below(config, bus) });
      }
    }
    return found;
  }

  #below(config: ConfigWindow, bus: number): FoundFunction[] | null {
    if ((config.read(PCI_HEADER_TYPE, 1) & PCI_HEADER_TYPE_MASK) !== PCI_HEADER_TYPE_BRIDGE) return null;
    if (this.#lastBus === LAST_BUS)
      throw new PciFabricError(`no bus number is left in domain ${this.#domain} for the bridge on bus ${bus}`);
    const secondary = ++this.#lastBus;
    config.write(PCI_PRIMARY_BUS, 1, bus);
    config.write(PCI_SECONDARY_BUS, 1, secondary);
    config.write(PCI_SUBORDINATE_BUS, 1, LAST_BUS); // open while the buses below are being numbered
    const below = this.scan(secondary, leadsToLink(config));
    config.write(PCI_SUBORDINATE_BUS, 1, this.#lastBus);
    return below;
  }
}

function leadsToLink(config: ConfigWindow): boolean {
  const at = findCapability(config, PCI_CAP_ID_EXP);
  if (at === 0) return false;
  const portType = (config.read(at + PCI_EXP_FLAGS, 2) >>> 4) & 0xf;
  return portType === PCI_EXP_TYPE_ROOT_PORT || portType === PCI_EXP_TYPE_DOWNSTREAM;
}
