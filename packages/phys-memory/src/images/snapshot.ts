import { ADDRESS_LIMIT } from '../address.ts';
import type { PhysMemory } from '../memory/phys-memory.ts';
import { MemoryImage } from './memory-image.ts';
import { nonZeroRuns } from './non-zero-runs.ts';

const EVERYTHING = { start: 0, end: ADDRESS_LIMIT - 1 };

/** A copy of all of memory, without its zeros. Later writes to memory do not change it. */
export function takeSnapshot(memory: PhysMemory): MemoryImage {
  return new MemoryImage(
    [...nonZeroRuns(memory, EVERYTHING)].map(({ start, end }) => {
      const bytes = new Uint8Array(end - start + 1);
      memory.read(start, bytes);
      return { start, end, bytes, offset: 0, lengthBytes: bytes.length };
    }),
  );
}

/** Makes all of memory what it was when the snapshot was taken. */
export function restoreSnapshot(memory: PhysMemory, snapshot: MemoryImage): void {
  for (const { start, end } of nonZeroRuns(memory, EVERYTHING)) memory.fill(start, end - start + 1);
  snapshot.copyInto(memory);
}
