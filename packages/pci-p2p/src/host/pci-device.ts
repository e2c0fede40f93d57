import type { RegisterBacking } from '@dmalab/phys-memory';
import { barBusAddress } from '../config/bars.ts';
import { findCapability } from '../config/capability-walk.ts';
import { functionName } from '../fabric/address.ts';
import { PciFabricError } from '../fabric/errors.ts';
import {
  PCI_CAP_ID_MSI,
  PCI_CAP_ID_MSIX,
  PCI_MSI_ADDRESS,
  PCI_MSI_FLAGS,
  PCI_MSI_FLAGS_64BIT,
  PCI_MSI_FLAGS_ENABLE,
  PCI_MSIX_ENTRY_SIZE,
  PCI_MSIX_FLAGS,
  PCI_MSIX_FLAGS_ENABLE,
  PCI_MSIX_FLAGS_QSIZE,
  PCI_MSIX_TABLE,
} from '../spec/capability-ids.ts';
import { PCI_COMMAND, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY, PCI_INTERRUPT_PIN, PCI_STATUS } from '../spec/header.ts';
import { ConfigWindow } from './config-access.ts';
import type { PciHost } from './pci-host.ts';

export interface PciDeviceOptions {
  /** The BAR that register accesses go to; default 0. */
  readonly bar?: number;
  /** Lets the device work for that long: usually its `step()`. */
  readonly advance?: (nanoseconds: number) => void;
  /** What the device has to write to for a message to get to that address, behind an IOMMU that translates messages. */
  readonly messageAddress?: (phys: number) => number;
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
  readonly #messageAddress: (phys: number) => number;
  #base = -1;
  /** Pairs of the interrupt controller, by vector. */
  #pairs: number[] = [];

  constructor(host: PciHost, domain: number, rid: number, options: PciDeviceOptions = {}) {
    this.id = functionName(domain, rid);
    this.config = new ConfigWindow(host, domain, rid);
    this.#host = host;
    this.#bar = options.bar ?? 0;
    this.#advance = options.advance ?? (() => {});
    this.#messageAddress = options.messageAddress ?? ((phys) => phys);
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
      const address = this.#messageAddress(interrupts.address(pair));
      this.#host.writeMmio(entry, address >>> 0);
      this.#host.writeMmio(entry + 4, Math.floor(address / 2 ** 32));
      this.#host.writeMmio(entry + 8, interrupts.data(pair));
      this.#host.writeMmio(entry + 12, 0);
    }
    this.config.write(at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
  }

  /** Vectors that MSI offers, 0 without it. */
  msiVectors(): number {
    const at = findCapability(this.config, PCI_CAP_ID_MSI);
    if (at === 0) return 0;
    const offered = 1 << ((this.config.read(at + PCI_MSI_FLAGS, 2) >>> 1) & 7);
    return this.#host.interrupts.allocateBlock === undefined ? 1 : offered;
  }

  /** Gives the first `count` vectors, a power of two, a message each and enables MSI. */
  enableMsi(count: number): void {
    const at = findCapability(this.config, PCI_CAP_ID_MSI);
    const { interrupts } = this.#host;
    const first = interrupts.allocateBlock?.(count) ?? interrupts.allocate();
    this.#pairs = Array.from({ length: count }, (_, i) => first + i);
    const isWide = (this.config.read(at + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_64BIT) !== 0;
    const address = this.#messageAddress(interrupts.address(first));
    this.config.write(at + PCI_MSI_ADDRESS, 4, address >>> 0);
    if (isWide) this.config.write(at + PCI_MSI_ADDRESS + 4, 4, Math.floor(address / 2 ** 32));
    this.config.write(at + PCI_MSI_ADDRESS + (isWide ? 8 : 4), 2, interrupts.data(first));
    this.config.write(at + PCI_MSI_FLAGS, 2, (Math.log2(count) << 4) | PCI_MSI_FLAGS_ENABLE);
  }

  /** Has an interrupt wire, which is then what vector 0 looks at. */
  enableWire(): boolean {
    this.#pairs = [];
    return this.config.read(PCI_INTERRUPT_PIN, 1) !== 0 && this.#host.wireAsserted !== undefined;
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

  /** True once after that vector's message arrived; looking takes it. A wire, vector 0, stays until the device lets go. */
  interruptPending(vector: number): boolean {
    const pair = this.#pairs[vector];
    const { domain, rid } = this.config;
    if (pair === undefined && vector === 0) return this.#host.wireAsserted?.(domain, rid) ?? false;
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
