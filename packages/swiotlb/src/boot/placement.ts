import { PAGE_SIZE } from '@dmalab/phys-memory';
import { hex, SwiotlbError } from '../errors.ts';

/** Bytes `start` to `end` - 1. */
export interface AddressRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Where the boot allocator puts a pool: the highest page-aligned hole that holds it (spec S19).
 *
 * @param free RAM that nothing has reserved yet, in any order, without overlaps
 * @param limit no byte of the pool lies at or above this
 * @returns the first byte, or -1 when no hole is large enough
 * @throws {SwiotlbError} ERR_SWIOTLB_BOOT when ranges are empty or overlap
 */
export function highestHole(free: readonly AddressRange[], bytes: number, limit: number): number {
  const fromTop = [...free].sort((a, b) => b.start - a.start);
  for (const [k, range] of fromTop.entries()) {
    const above = fromTop[k - 1];
    if (!(range.start < range.end)) refuse(range, 'is empty');
    if (above !== undefined && above.start < range.end)
      refuse(range, `overlaps ${hex(above.start)}..${hex(above.end)}`);
  }
  for (const { start, end } of fromTop) {
    const candidate = Math.floor((Math.min(end, limit) - bytes) / PAGE_SIZE) * PAGE_SIZE;
    if (candidate >= start) return candidate;
  }
  return -1;
}

function refuse({ start, end }: AddressRange, why: string): never {
  throw new SwiotlbError('ERR_SWIOTLB_BOOT', `free range ${hex(start)}..${hex(end)} ${why}`);
}
