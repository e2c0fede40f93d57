import type { RegisterBacking } from '@dmalab/phys-memory';
import { barBusAddress } from '../config/bars.ts';
import { findCapability } from '../config/capability-walk.ts';
import { functionName } from '../fabric/address.ts';
import { PciFabricError } from '../fabric/errors.ts';
import {
  PCI_CAP_ID_MSIX,
  PCI_MSIX_ENTRY_SIZE,
  PCI_MSIX_FLAGS,
  PCI_MSIX_FLAGS_ENABLE,
  PCI_MSIX_FLAGS_QSIZE,
  PCI_MSIX_TABLE,
} from '../spec/capability-ids.ts';
import { PCI_COMMAND, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY, PCI_STATUS } from '../spec/header.ts';
import { ConfigWindow } from './config-access.ts';
import type { PciHost } from './pci-host.ts';

export interface PciDeviceOptions {
  /** The BAR that register accesses go to; default 0. */
  readonly bar?: number;
  /** Lets the device work for that long: usually its `step()`. */
  readonly advance?: (nanoseconds: number) => void;
}

/**
 * A function as its driver has it: found by number, reached by config and MMIO accesses, heard by looking whether an
 * interrupt came (spec bridges 8). It knows nothing of the model behind.
 */
export class PciDevice implements RegisterBacking {
  readonly id: string;
  readonly config: ConfigWindow;
  readonly #host: PciHost;
  readonly #bar: number;
  readonly #advance: (nanoseconds: number) => void;
  #base = -1;
  /** Pairs of the interrupt controller, by vector. */
  #pairs: number[] = [];

  constructor(host: PciHost, domain: number, rid: number, options: PciDeviceOptions = {}) {
    this.id = functionName(domain, rid);
    this.config = new ConfigWindow(host, domain, rid);
    this.#host = host;
    this.#bar = options.bar ?? 0;
    this.#advance = options.advance ?? (() => {});
  }

  /** Physical address of a memory BAR: `pci_resource_start`. */
  resourceStart(bar: number): number {
    const bus = barBusAddress(this.config, bar);
    for (const bridge of this.#host.hostBridges) {
      if (bridge.domain !== this.config.domain) continue;
      for (const { kind, cpuStart, lengthBytes, offset = 0 } of bridge.windows)
        if (kind !== 'io' && bus >= cpuStart - offset && bus < cpuStart - offset + lengthBytes) return bus + offset;
    }
    throw new PciFabricError(`${this.id}: BAR ${bar} at bus address 0x${bus.toString(16)} is in no host bridge window`);
  }

  /** `pci_enable_device_mem` and `pci_set_master`. */
  enable(): void {
    this.config.write(PCI_COMMAND, 2, this.config.read(PCI_COMMAND, 2) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    this.#base = this.resourceStart(this.#bar);
  }

  /** `pci_disable_device`: no more DMA, interrupts included. */
  disable(): void {
    this.config.write(PCI_COMMAND, 2, this.config.read(PCI_COMMAND, 2) & ~PCI_COMMAND_MASTER);
  }

  /** Status register of config space. */
  pciStatus(): number {
    return this.config.read(PCI_STATUS, 2);
  }

  /** Vectors that the function offers, 0 without MSI-X. */
  msixVectors(): number {
    const at = findCapability(this.config, PCI_CAP_ID_MSIX);
    return at === 0 ? 0 : (this.config.read(at + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
  }

  /**
   * Gives the first `count` vectors a message each and enables MSI-X.
   * @throws {PciFabricError} when the function has fewer
   */
  enableMsix(count: number): void {
    const at = findCapability(this.config, PCI_CAP_ID_MSIX);
    const offered = this.msixVectors();
    if (count > offered) throw new PciFabricError(`${this.id} has ${offered} MSI-X vectors, not ${count}`);
    const table = this.config.read(at + PCI_MSIX_TABLE, 4);
    const tableAt = this.resourceStart(table & 7) + (table & ~7);
    const { interrupts } = this.#host;
    this.#pairs = Array.from({ length: count }, () => interrupts.allocate());
    for (const [vector, pair] of this.#pairs.entries()) {
      const entry = tableAt + PCI_MSIX_ENTRY_SIZE * vector;
      this.#host.writeMmio(entry, interrupts.address(pair));
      this.#host.writeMmio(entry + 4, 0);
      this.#host.writeMmio(entry + 8, interrupts.data(pair));
      this.#host.writeMmio(entry + 12, 0);
    }
    this.config.write(at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
  }

  readRegister(offset: number): number {
    return this.#host.readMmio(this.#registers(offset));
  }

  writeRegister(offset: number, value: number): void {
    this.#host.writeMmio(this.#registers(offset), value);
  }

  /** Stores by the CPU into memory behind a BAR, word by word as over the bus; whole words only. */
  writeMemory(phys: number, from: Uint8Array, offset: number, lengthBytes: number): void {
    for (let done = 0; done < lengthBytes; done += 4) {
      const at = offset + done;
      const word = from[at] | (from[at + 1] << 8) | (from[at + 2] << 16) | (from[at + 3] << 24);
      this.#host.writeMmio(phys + done, word >>> 0);
    }
  }

  /** True once after that vector's message arrived; looking takes it. */
  interruptPending(vector: number): boolean {
    const pair = this.#pairs[vector];
    return pair !== undefined && this.#host.interrupts.take(pair);
  }

  advance(nanoseconds: number): void {
    this.#advance(nanoseconds);
  }

  #registers(offset: number): number {
    if (this.#base < 0) throw new PciFabricError(`${this.id}: enable() the device before its registers are used`);
    return this.#base + offset;
  }
}
