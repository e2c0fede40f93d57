import type { BusMasterPort } from '@dmalab/pci-p2p';
import { ADDRESS_LIMIT } from '@dmalab/phys-memory';
import { LocalMemory } from './local-memory.ts';

/** The controller was reset while a request of it was on its way: drop everything (spec B40). */
export const FAULT_RESET = -0x10001;

/** An address past what the bus carries: no request goes out. */
export const FAULT_ADDRESS = -0x10002;

/**
 * What the controller reaches by address: its own memory buffer while enabled (spec N144), else the machine through its
 * port. Invariant: no request goes out, and no result is believed, for a controller that was reset meanwhile.
 */
export class HostMemory {
  /** Controller memory buffer, and persistent memory region; of no bytes where there is none. */
  readonly cmb: LocalMemory;
  readonly pmr: LocalMemory;
  /** Counts resets; a change during a port call means that the caller's work is void. */
  generation = 0;
  /** Bus-master faults since power on: what a test compares with the IOMMU's own record. */
  faultCount = 0;
  readonly #port: BusMasterPort;

  constructor(port: BusMasterPort, cmbBytes: number, pmrBytes: number) {
    this.#port = port;
    this.cmb = new LocalMemory(cmbBytes);
    this.pmr = new LocalMemory(pmrBytes);
  }

  /** 0, or a negative fault. */
  read(at: number, into: Uint8Array, offset: number, lengthBytes: number): number {
    const local = this.#localAt(at, lengthBytes);
    if (local !== null) {
      local.read(at, into, offset, lengthBytes);
      return 0;
    }
    if (at + lengthBytes > ADDRESS_LIMIT) return this.#judge(FAULT_ADDRESS, this.generation);
    const generation = this.generation;
    return this.#judge(this.#port.read(at, into, offset, lengthBytes), generation);
  }

  /** 0, or a negative fault. */
  write(at: number, from: Uint8Array, offset: number, lengthBytes: number): number {
    const local = this.#localAt(at, lengthBytes);
    if (local !== null) {
      local.write(at, from, offset, lengthBytes);
      return 0;
    }
    if (at + lengthBytes > ADDRESS_LIMIT) return this.#judge(FAULT_ADDRESS, this.generation);
    const generation = this.generation;
    return this.#judge(this.#port.write(at, from, offset, lengthBytes), generation);
  }

  interrupt(vector: number): void {
    this.#port.interrupt(vector);
  }

  #localAt(at: number, lengthBytes: number): LocalMemory | null {
    if (this.cmb.contains(at, lengthBytes)) return this.cmb;
    return this.pmr.contains(at, lengthBytes) ? this.pmr : null;
  }

  #judge(fault: number, generation: number): number {
    if (fault !== 0) {
      this.faultCount++;
      return fault;
    }
    return generation === this.generation ? 0 : FAULT_RESET;
  }
}
