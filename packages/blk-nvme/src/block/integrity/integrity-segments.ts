import type { Bio } from '../bio/bio.ts';

/** Vectors of metadata that a bio brings along: `nr_integrity_segments` of its request (spec N47). */
export function integritySegments({ integrity }: Bio): number {
  if (integrity === null) return 0;
  let count = 0;
  for (let left = integrity.bytes + integrity.done; left > 0; count++) {
    left -= integrity.vecs.lengthBytes[integrity.index + count];
  }
  return count;
}
