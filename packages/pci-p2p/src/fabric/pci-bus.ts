import type { FunctionDescription } from '../config/function-description.ts';
import { PCI_HEADER_TYPE, PCI_HEADER_TYPE_MFD } from '../spec/header.ts';
import { CONVENTIONAL_PCI, PCI_EXP_TYPE_PCI_BRIDGE, PCI_EXP_TYPE_UPSTREAM } from '../spec/port-type.ts';
import { AddressDecoder } from './address-decoder.ts';
import { PciFabricError } from './errors.ts';
import type { HostBridge } from './host-bridge.ts';
import type { PciFabric } from './pci-fabric.ts';
import { PciFunction } from './pci-function.ts';

/** A bus: the root bus of a host bridge, or what is below one bridge function (spec T1). */
export class PciBus {
  readonly fabric: PciFabric;
  readonly hostBridge: HostBridge;
  /** The bridge function that owns this bus; null for a root bus. */
  readonly bridge: PciFunction | null;
  /** In devfn order, which is discovery order. */
  readonly functions: PciFunction[] = [];
  readonly decoder = new AddressDecoder();
  /** Conventional PCI: every function on the bus sees every request. */
  readonly isShared: boolean;

  constructor(fabric: PciFabric, hostBridge: HostBridge, bridge: PciFunction | null) {
    this.fabric = fabric;
    this.hostBridge = hostBridge;
    this.bridge = bridge;
    this.isShared = bridge?.portType === CONVENTIONAL_PCI || bridge?.portType === PCI_EXP_TYPE_PCI_BRIDGE;
  }

  /** What software numbered it: the secondary bus register of its bridge. */
  get number(): number {
    return this.bridge === null ? this.hostBridge.rootBusNumber : this.bridge.secondaryNumber;
  }

  /** Plugs a function in; a VF names its PF (spec T11). @throws {PciFabricError} when the place is taken, {PciDescriptionError} for impossible hardware */
  add(devfn: number, description: FunctionDescription, physicalFunction: PciFunction | null = null): PciFunction {
    if (!(devfn >= 0 && devfn < 256)) throw new PciFabricError(`devfn ${devfn} is not in 0..255`);
    if (this.get(devfn) !== undefined)
      throw new PciFabricError(`devfn 0x${devfn.toString(16)} of bus ${this.number} is taken`);
    const added = new PciFunction(this, devfn, description, physicalFunction);
    if (added.isBridge) added.secondaryBus = new PciBus(this.fabric, this.hostBridge, added);
    this.functions.push(added);
    this.functions.sort((a, b) => a.devfn - b.devfn);
    this.#markMultiFunction(devfn >>> 3);
    this.fabric.decodeChanged();
    return added;
  }

  get(devfn: number): PciFunction | undefined {
    return this.functions.find((candidate) => candidate.devfn === devfn);
  }

  /** Surprise removal: whatever was there, and everything below it, answers nothing from now on. */
  remove(gone: PciFunction): void {
    const at = this.functions.indexOf(gone);
    if (at < 0) throw new PciFabricError(`${gone.name} is not on bus ${this.number}`);
    this.functions.splice(at, 1);
    gone.markRemoved();
    this.fabric.decodeChanged();
  }

  /** Works out anew who claims what; called by the fabric after config writes. */
  rebuildDecoder(): void {
    this.decoder.clear();
    for (const here of this.functions) here.claim(this.decoder);
    // The upstream port's own BARs are decoded inside the switch too (spec T14).
    if (this.bridge?.portType === PCI_EXP_TYPE_UPSTREAM) this.bridge.claimBars(this.decoder);
    this.decoder.seal();
    for (const here of this.functions) {
      here.forgetPath();
      here.secondaryBus?.rebuildDecoder();
    }
  }

  /** Function 0 says whether there are others (spec T3). */
  #markMultiFunction(device: number): void {
    const siblings = this.functions.filter((candidate) => candidate.devfn >>> 3 === device);
    if (siblings.length < 2) return;
    for (const { config } of siblings) config.bytes[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_MFD;
  }
}
