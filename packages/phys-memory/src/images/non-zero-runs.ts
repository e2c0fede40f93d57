import { PAGE_SIZE } from '../address.ts';
import { GRANULE_SIZE } from '../memory/granule.ts';
import type { MemorySpan } from '../memory/granule-source.ts';
import type { PhysMemory } from '../memory/phys-memory.ts';

/** No run is longer: whoever copies one needs a buffer of that size. */
const RUN_BYTES = GRANULE_SIZE;
/** Runs this close together are one run: a program header costs 56 bytes and a seek, these zeros cost less. */
const MERGE_BYTES = 16 * PAGE_SIZE;

/**
 * Runs of pages inside the span that hold anything but zeros, ascending. Looks only at memory that was ever
 * written, so its cost follows what was touched.
 */
export function* nonZeroRuns(memory: PhysMemory, span: MemorySpan): Generator<MemorySpan> {
  let start = -1;
  let end = -1;
  for (const page of nonZeroPages(memory, span)) {
    if (start >= 0 && (page - end > MERGE_BYTES || page - start >= RUN_BYTES)) {
      yield { start, end: Math.min(end, span.end) };
      start = -1;
    }
    if (start < 0) start = Math.max(page, span.start);
    end = page + PAGE_SIZE - 1;
  }
  if (start >= 0) yield { start, end: Math.min(end, span.end) };
}

function* nonZeroPages(memory: PhysMemory, span: MemorySpan): Generator<number> {
  const firstPage = span.start - (span.start % PAGE_SIZE);
  for (const { start, end } of memory.touched()) {
    const last = Math.min(end, span.end);
    for (let page = Math.max(start, firstPage); page <= last; page += PAGE_SIZE) {
      if (!memory.isZeroPage(page)) yield page;
    }
  }
}
