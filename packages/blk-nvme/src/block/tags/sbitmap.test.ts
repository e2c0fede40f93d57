import { describe, expect, it } from 'vitest';
import { Sbitmap } from './sbitmap.ts';

/** Takes a tag, frees it, and so on. */
function sequence(map: Sbitmap, count: number, free: (tag: number) => void = (tag) => map.put(tag)): number[] {
  return Array.from({ length: count }, () => {
    const tag = map.get();
    free(tag);
    return tag;
  });
}

describe('Sbitmap', () => {
  it.each([
    [30, 2, 8],
    [256, 6, 4],
    [1023, 6, 16],
  ])('N22 spreads %i tags over words of 2^%i bits, %i of them', (depth, shift, words) => {
    const map = new Sbitmap(depth);
    expect([map.shift, map.words]).toEqual([shift, words]);
  });

  it('N23 walks up a word of sequential I/O and wraps when it is exhausted', () => {
    const map = new Sbitmap(1023, [963]);
    expect(sequence(map, 65)).toEqual([...Array.from({ length: 63 }, (_, i) => 960 + i), 960, 961]);
  });

  it('N23 walks four tags of an admin queue', () => {
    expect(sequence(new Sbitmap(30, [20]), 6)).toEqual([20, 21, 22, 23, 20, 21]);
  });

  it('N23 leaves a tag out that is in flight when its word is taken back, until the next time', () => {
    const map = new Sbitmap(30, [20]);
    const held = map.get();
    sequence(map, 3);
    expect(sequence(map, 3)).toEqual([21, 22, 23]);
    map.put(held);
    expect(sequence(map, 4)).toEqual([20, 21, 22, 23]);
  });

  it('N23 gives a tag that a batch freed again at once', () => {
    const map = new Sbitmap(1023, [512]);
    expect(sequence(map, 3, (tag) => map.putNow(tag))).toEqual([512, 512, 512]);
  });

  it('N22 goes on in the next word when one is full, and says -1 when all are', () => {
    const map = new Sbitmap(30, [28]);
    expect(Array.from({ length: 31 }, () => map.get())).toEqual([
      28,
      29,
      ...Array.from({ length: 28 }, (_, i) => i),
      -1,
    ]);
  });
});
