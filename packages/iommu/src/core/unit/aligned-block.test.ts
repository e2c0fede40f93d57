import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { blockOrder, blockStart } from './aligned-block.ts';

describe('the block that an invalidation covers (spec I164, H7)', () => {
  it.each([
    [0xffff5000, 0xffff7fff, 2, 0xffff4000],
    [0x5000, 0x5fff, 0, 0x5000],
    [0x7000, 0x8fff, 4, 0],
    [0xfffff000, 0x100000fff, 21, 0],
    [0x1_0000_0000, 0x1_0000_1fff, 1, 0x1_0000_0000],
  ])('[%x, %x]: order %i at %x', (start, end, order, block) => {
    expect(blockOrder(start, end)).toBe(order);
    expect(blockStart(start, order)).toBe(block);
  });

  const page = fc
    .nat({ max: 2 ** 31 - 1 })
    .chain((low) => fc.nat({ max: 511 }).map((high) => (high * 2 ** 31 + low) * 4096));

  test.prop([page, page])('is aligned, covers both ends, and its half would not', (a, b) => {
    const [start, end] = [Math.min(a, b), Math.max(a, b) + 4095];
    const order = blockOrder(start, end);
    const bytes = 4096 * 2 ** order;
    const block = blockStart(start, order);
    expect(block % bytes).toBe(0);
    expect(block <= start && end < block + bytes).toBe(true);
    if (order > 0) expect(end < blockStart(start, order - 1) + bytes / 2).toBe(false);
  });
});
