import { describe, expect, it } from 'vitest';
import { KernelContext } from '../core/kernel-context.ts';
import { IovaDomain } from './iova-domain.ts';

const LIMIT_32 = 0xfffff;
const LIMIT_36BIT = 2 ** 36 - 1;

function freshDomain(): IovaDomain {
  return new IovaDomain(new KernelContext());
}

/** ['alloc', pages, limit, expected] or ['free', pfn, pages] or ['treeFree', pfn]. */
type Step = ['alloc', number, number, number] | ['free', number, number] | ['treeFree', number];

function play(domain: IovaDomain, steps: readonly Step[]): void {
  for (const [index, step] of steps.entries()) {
    if (step[0] === 'free') domain.freeFast(step[1], step[2]);
    else if (step[0] === 'treeFree') domain.treeFree(step[1]);
    else {
      const got = domain.allocFast(step[1], step[2], false);
      expect(got.toString(16), `step ${index}: ${step.join(' ')}`).toBe(step[3].toString(16));
    }
  }
}

describe('allocation vectors', () => {
  it('V1 rounds small sizes up, aligns to the rounded size and reuses ranges by class', () => {
    play(freshDomain(), [
      ['alloc', 1, LIMIT_32, 0xfffff],
      ['alloc', 3, LIMIT_32, 0xffff8],
      ['alloc', 1, LIMIT_32, 0xffff7],
      ['alloc', 33, LIMIT_32, 0xfffc0],
      ['alloc', 1, LIMIT_32, 0xfffbf],
      ['free', 0xffff8, 3],
      ['alloc', 4, LIMIT_32, 0xffff8],
      ['free', 0xfffc0, 33],
      ['alloc', 1, LIMIT_32, 0xffff6],
      ['free', 0xffff7, 1],
      ['free', 0xfffff, 1],
      ['alloc', 1, 0xffff0, 0xffff0],
      ['alloc', 1, LIMIT_32, 0xfffff],
      ['alloc', 32, LIMIT_32, 0xfffc0],
      ['alloc', 40, LIMIT_32, 0xfff80],
    ]);
  });

  it('V2 fails below the start page and remembers the size until a range below 4 GiB returns to the tree', () => {
    play(freshDomain(), [
      ['alloc', 4, 0xf, 0xc],
      ['alloc', 4, 0xf, 8],
      ['alloc', 4, 0xf, 4],
      ['alloc', 4, 0xf, 0],
      ['alloc', 1, 0xf, 3],
      ['alloc', 1, 0xf, 2],
      ['alloc', 1, 0xf, 1],
      ['alloc', 1, 0xf, 0],
      ['treeFree', 8],
      ['alloc', 4, 0xf, 8],
    ]);
  });

  it('V3 searches once more from the top when the space below the cursor is exhausted', () => {
    play(freshDomain(), [
      ['alloc', 1, 0xf, 0xf],
      ['alloc', 4, 0xf, 8],
      ['alloc', 4, 0xf, 4],
      ['alloc', 2, 0xf, 2],
      ['alloc', 1, 0xf, 1],
      ['alloc', 1, 0xf, 0xe],
      ['alloc', 1, 0xf, 0xd],
      ['alloc', 1, 0xf, 0xc],
    ]);
  });

  it('V4 keeps a cursor of its own for requests bounded by 4 GiB', () => {
    const domain = freshDomain();
    domain.reserve(0xfee00, 0xfeeff);
    play(domain, [
      ['alloc', 1, LIMIT_36BIT, 0xfffffffff],
      ['alloc', 2, LIMIT_36BIT, 0xffffffffc],
      ['alloc', 1, LIMIT_32, 0xfffff],
      ['alloc', 3, LIMIT_36BIT, 0xffffffff8],
    ]);
  });

  it('V5 allocates around a reserved window', () => {
    const domain = freshDomain();
    domain.reserve(0xfee00, 0xfeeff);
    play(domain, [
      ['alloc', 0x1000, LIMIT_32, 0xff000],
      ['alloc', 0x200, LIMIT_32, 0xfec00],
      ['alloc', 0x100, LIMIT_32, 0xfeb00],
      ['alloc', 1, LIMIT_32, 0xfeaff],
    ]);
  });
});
