/**
 * Runs of free slots in the busy bits of a pool. No run crosses a segment edge: 128 slots are four words, so every
 * answer is at most four word reads away.
 */

/** Index of the lowest set bit; the word must not be 0. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Free slots from this one to the end of its run; 0 if it is occupied. `list` of the specification (S9). */
export function freeRun(busy: Int32Array, slot: number): number {
  let word = slot >> 5;
  let bits = busy[word] >>> (slot & 31);
  if (bits !== 0) return lowestBit(bits);
  let run = 32 - (slot & 31);
  while ((++word & 3) !== 0) {
    bits = busy[word];
    if (bits !== 0) return run + lowestBit(bits);
    run += 32;
  }
  return run;
}

/** Free slots directly in front of this one, within its segment. */
export function freeRunBefore(busy: Int32Array, slot: number): number {
  let run = slot & 31;
  let word = slot >> 5;
  if (run !== 0) {
    const bits = busy[word] << (32 - run);
    if (bits !== 0) return Math.clz32(bits);
  }
  while ((word & 3) !== 0) {
    const bits = busy[--word];
    if (bits !== 0) return run + Math.clz32(bits);
    run += 32;
  }
  return run;
}

/** Sets the bits of a run that stays within a segment. */
export function occupy(busy: Int32Array, slot: number, count: number): void {
  for (let word = slot >> 5, bit = slot & 31; count > 0; word++, bit = 0) {
    const here = Math.min(count, 32 - bit);
    busy[word] |= (-1 >>> (32 - here)) << bit;
    count -= here;
  }
}

/** Clears the bits of a run that stays within a segment. */
export function vacate(busy: Int32Array, slot: number, count: number): void {
  for (let word = slot >> 5, bit = slot & 31; count > 0; word++, bit = 0) {
    const here = Math.min(count, 32 - bit);
    busy[word] &= ~((-1 >>> (32 - here)) << bit);
    count -= here;
  }
}
