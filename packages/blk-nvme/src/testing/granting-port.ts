import type { BusMasterPort } from '@dmalab/pci-p2p';
import { PhysMemory } from '@dmalab/phys-memory';

const FAULT = -5;

/**
 * A bus-master port over memory that lets through what was granted and nothing else, as an IOMMU would: requests outside
 * fail and are counted, and no byte of them moves.
 */
export class GrantingPort implements BusMasterPort {
  readonly memory = new PhysMemory();
  readonly interrupts: number[] = [];
  /** Level of the interrupt wire: a test may listen. */
  wire?: (isAsserted: boolean) => void;
  refused = 0;
  /** Called before each request: a test's chance to change the world in the middle of a step. */
  onRequest: ((at: number, isWrite: boolean) => void) | null = null;
  #grants: { readonly start: number; readonly end: number }[] = [];

  grant(start: number, lengthBytes: number): void {
    this.#grants.push({ start, end: start + lengthBytes });
  }

  /** Takes back every grant that touches the range. */
  revoke(start: number, lengthBytes: number): void {
    this.#grants = this.#grants.filter((g) => g.end <= start || g.start >= start + lengthBytes);
  }

  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): number {
    this.onRequest?.(at, false);
    if (!this.#allows(at, lengthBytes)) {
      into.fill(0xff, offset, offset + lengthBytes);
      return FAULT;
    }
    this.memory.read(at, into, offset, lengthBytes);
    return 0;
  }

  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): number {
    this.onRequest?.(at, true);
    if (!this.#allows(at, lengthBytes)) return FAULT;
    this.memory.write(at, from, offset, lengthBytes);
    return 0;
  }

  interrupt(vector: number): void {
    this.interrupts.push(vector);
  }

  #allows(at: number, lengthBytes: number): boolean {
    const allowed = this.#grants.some((g) => at >= g.start && at + lengthBytes <= g.end);
    if (!allowed) this.refused++;
    return allowed;
  }
}
