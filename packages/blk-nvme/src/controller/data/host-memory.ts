import { type BusMasterPort, MemoryBar } from '@dmalab/pci-p2p';
import { ADDRESS_LIMIT } from '@dmalab/phys-memory';

/** The controller was reset while a request of it was on its way: drop everything (spec B40). */
export const FAULT_RESET = -0x10001;

/** An address past what the bus carries: no request goes out. */
export const FAULT_ADDRESS = -0x10002;

/**
 * What the controller reaches by address: its own memory buffer while enabled (spec N144), else the machine through its
 * port. Invariant: no request goes out, and no result is believed, for a controller that was reset meanwhile.
 */
export class HostMemory {
  /** The controller memory buffer as a BAR, and its bytes; empty when there is none. */
  readonly cmbBar: MemoryBar;
  readonly cmb: Uint8Array;
  /** Address of the buffer as the host set it, or -1 while the buffer is not decoded. */
  cmbBase = -1;
  /** Counts resets; a change during a port call means that the caller's work is void. */
  generation = 0;
  /** Bus-master faults since power on: what a test compares with the IOMMU's own record. */
  faultCount = 0;
  readonly #port: BusMasterPort;

  constructor(port: BusMasterPort, cmbBytes: number) {
    this.#port = port;
    this.cmbBar = new MemoryBar(cmbBytes);
    this.cmb = this.cmbBar.bytes;
  }

  /** 0, or a negative fault. */
  read(at: number, into: Uint8Array, offset: number, lengthBytes: number): number {
    if (this.inCmb(at, lengthBytes)) {
      into.set(this.cmb.subarray(at - this.cmbBase, at - this.cmbBase + lengthBytes), offset);
      return 0;
    }
    if (at + lengthBytes > ADDRESS_LIMIT) return this.#judge(FAULT_ADDRESS, this.generation);
    const generation = this.generation;
    return this.#judge(this.#port.read(at, into, offset, lengthBytes), generation);
  }

  /** 0, or a negative fault. */
  write(at: number, from: Uint8Array, offset: number, lengthBytes: number): number {
    if (this.inCmb(at, lengthBytes)) {
      this.cmb.set(from.subarray(offset, offset + lengthBytes), at - this.cmbBase);
      return 0;
    }
    if (at + lengthBytes > ADDRESS_LIMIT) return this.#judge(FAULT_ADDRESS, this.generation);
    const generation = this.generation;
    return this.#judge(this.#port.write(at, from, offset, lengthBytes), generation);
  }

  interrupt(vector: number): void {
    this.#port.interrupt(vector);
  }

  /** True when all of the range lies in the enabled buffer. */
  inCmb(at: number, lengthBytes: number): boolean {
    return this.cmbBase >= 0 && at >= this.cmbBase && at + lengthBytes <= this.cmbBase + this.cmb.length;
  }

  #judge(fault: number, generation: number): number {
    if (fault !== 0) {
      this.faultCount++;
      return fault;
    }
    return generation === this.generation ? 0 : FAULT_RESET;
  }
}
