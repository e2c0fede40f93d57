import type { RegisterBacking } from '@dmalab/phys-memory';

/**
 * All that the driver may see of its device besides memory (spec bridges 8): registers, interrupts that are seen by
 * looking, and the PCI services that a probe needs. `PciDevice` of `@dmalab/pci-p2p` is one; a bridge to another
 * emulator's device is another.
 */
export interface DeviceBacking extends RegisterBacking {
  /** PCI name of the function: `0000:00:03.0`. */
  readonly id: string;
  /** True once after that vector's interrupt; looking takes it. */
  interruptPending(vector: number): boolean;
  /** Memory decoding and bus mastering on. */
  enable(): void;
  /** Bus mastering off. */
  disable(): void;
  /** Vectors that the function offers. */
  msixVectors(): number;
  enableMsix(count: number): void;
  /** The same for MSI, whose count is a power of two; absent: no MSI. */
  msiVectors?(): number;
  enableMsi?(count: number): void;
  /** Makes vector 0 the interrupt wire; false, or absent, where there is none. */
  enableWire?(): boolean;
  /** PCI error handling has cut the device off for now (spec N94). Absent: it never does. */
  channelOffline?(): boolean;
  /** Status register of config space, for the log. */
  pciStatus?(): number;
  /**
   * Stores by the CPU into memory that the device offers in a BAR (spec N65), at a physical address. Absent where the
   * backing reaches registers only: then a controller memory buffer stays unused.
   */
  writeMemory?(phys: number, from: Uint8Array, offset: number, lengthBytes: number): void;
}
