import { beforeEach, describe, expect, it } from 'vitest';
import { IommuUsageError } from '../core/errors.ts';
import { KernelContext } from '../core/kernel-context.ts';
import { IovaDomain } from './iova-domain.ts';

const LIMIT_32 = 0xfffff;
const LIMIT_48BIT = 2 ** 36 - 1;
let context: KernelContext;
let domain: IovaDomain;

beforeEach(() => {
  context = new KernelContext();
  domain = new IovaDomain(context);
});

function ranges(): string[] {
  return [...domain.ranges()].map(({ lo, length }) => `${lo.toString(16)}-${(lo + length - 1).toString(16)}`).reverse();
}

describe('reserving', () => {
  const cases: { rule: string; reserve: [number, number][]; becomes: string[] }[] = [
    { rule: 'a free range becomes a node', reserve: [[0x10, 0x1f]], becomes: ['10-1f'] },
    {
      rule: 'inside a node nothing changes',
      reserve: [
        [0x10, 0x1f],
        [0x12, 0x13],
      ],
      becomes: ['10-1f'],
    },
    {
      rule: 'a node is extended down',
      reserve: [
        [0x10, 0x1f],
        [8, 0x12],
      ],
      becomes: ['8-1f'],
    },
    {
      rule: 'what sticks out above is a node of its own',
      reserve: [
        [0x10, 0x1f],
        [0x18, 0x2f],
      ],
      becomes: ['10-1f', '20-2f'],
    },
    {
      rule: 'both at once',
      reserve: [
        [0x10, 0x1f],
        [8, 0x2f],
      ],
      becomes: ['8-1f', '20-2f'],
    },
    {
      rule: 'several nodes',
      reserve: [
        [0x10, 0x1f],
        [0x30, 0x3f],
        [8, 0x4f],
      ],
      becomes: ['8-1f', '20-3f', '40-4f'],
    },
    {
      rule: 'touching ranges stay apart',
      reserve: [
        [0x10, 0x1f],
        [0x20, 0x2f],
      ],
      becomes: ['10-1f', '20-2f'],
    },
  ];

  it.each(cases)('I10 $rule', ({ reserve, becomes }) => {
    for (const [lo, hi] of reserve) domain.reserve(lo, hi);
    expect(ranges()).toEqual(becomes);
  });

  it('I10 leaves the cursor on the node that it extends', () => {
    expect(domain.treeAlloc(1, LIMIT_32 + 1)).toBe(0xfffff);
    domain.reserve(0xffff0, 0xfffff);
    expect(domain.treeAlloc(1, LIMIT_32 + 1)).toBe(0xfffef);
  });

  it('I8 I10 a range longer than one entry can hold keeps everything out', () => {
    domain.reserve(0x1000, 2 ** 40 - 1);
    expect(domain.treeAlloc(1, 2 ** 40)).toBe(0xfff);
  });
});

describe('the cursors', () => {
  it('I15 a hole above the cursor stays unused', () => {
    domain.treeAlloc(1, LIMIT_32 + 1); // fffff
    expect(domain.treeAlloc(4, LIMIT_32 + 1)).toBe(0xffff8); // ffffc-ffffe stay free
    expect(domain.treeAlloc(1, LIMIT_32 + 1)).toBe(0xffff7);
  });

  it('I16 freeing at or above the cursor moves it to the next range above', () => {
    for (let i = 0; i < 4; i++) domain.treeAlloc(1, LIMIT_32 + 1);
    domain.treeFree(0xffffd);
    expect(domain.treeAlloc(1, LIMIT_32 + 1)).toBe(0xffffd);
    expect(domain.treeAlloc(1, LIMIT_32 + 1)).toBe(0xffffb);
  });

  it('I16 the cursor for all bounds moves up the same way', () => {
    for (let i = 0; i < 4; i++) domain.treeAlloc(1, LIMIT_48BIT + 1);
    domain.treeFree(LIMIT_48BIT - 2);
    expect(domain.treeAlloc(1, LIMIT_48BIT + 1)).toBe(LIMIT_48BIT - 2);
  });

  it('I16 freeing below the cursor leaves it', () => {
    domain.treeAlloc(1, LIMIT_32 + 1);
    domain.treeAlloc(1, 0x1000);
    domain.treeAlloc(1, LIMIT_48BIT + 1);
    domain.treeFree(0xfff);
    expect(domain.treeAlloc(1, LIMIT_48BIT + 1)).toBe(LIMIT_48BIT - 1);
  });

  it('I16 the freed range goes whole, whatever page of it is named', () => {
    domain.treeAlloc(8, LIMIT_32 + 1);
    domain.treeFree(0xffffb);
    expect(domain.rangeCount).toBe(0);
    domain.treeFree(0xffffb);
    expect(domain.rangeCount).toBe(0);
  });

  it('I13 a failed 64-bit request makes later 32-bit ones of its size fail at once', () => {
    const tiny = new IovaDomain(context, { startPfn: 0xffff8 });
    tiny.reserve(2 ** 20, 2 ** 36 - 1);
    expect(tiny.treeAlloc(16, LIMIT_48BIT + 1)).toBe(0);
    expect(tiny.treeAlloc(16, LIMIT_32 + 1)).toBe(0);
    expect(tiny.treeAlloc(8, LIMIT_32 + 1)).toBe(0xffff8);
  });
});

describe('the depot', () => {
  function fillDepot(magazines: number): void {
    const pfns = Array.from({ length: (magazines + 1) * 127 + 1 }, () => domain.treeAlloc(1, LIMIT_32 + 1));
    for (const pfn of pfns) domain.freeFast(pfn, 1);
  }

  it('I26 a push schedules reclaim, and a later one leaves the older deadline', () => {
    expect(domain.reclaimDue).toBe(Number.POSITIVE_INFINITY);
    fillDepot(1);
    expect(domain.reclaimDue).toBe(104e6);
    context.nowNanos = 50e6;
    fillDepot(1);
    expect(domain.reclaimDue).toBe(104e6);
  });

  it('I30 I252 shrinks by a magazine a period down to the number of online CPUs', () => {
    fillDepot(3);
    const sizes = [domain.depotSize(0)];
    while (domain.reclaimDue < Number.POSITIVE_INFINITY) {
      context.nowNanos = domain.reclaimDue;
      domain.runReclaim();
      sizes.push(domain.depotSize(0));
    }
    expect(sizes).toEqual([3, 2, 1, 1]);
    expect(context.nowNanos).toBe(3 * 104e6);
  });

  it('I30 does nothing before it is due', () => {
    fillDepot(3);
    context.nowNanos = 104e6 - 1;
    domain.runReclaim();
    expect(domain.depotSize(0)).toBe(3);
  });
});

it('I22 with flush, cached ranges of other classes go back to the tree before a request fails', () => {
  const limit = 0x3f;
  const pages = Array.from({ length: limit }, () => domain.allocFast(1, limit, false));
  for (const pfn of pages) domain.freeFast(pfn, 1);
  expect(domain.allocFast(32, limit, false)).toBe(0);
  expect(domain.allocFast(32, limit, true)).toBe(0x20);
});

it('I34 ranges that a CPU cached are usable by others once it is offline', () => {
  const two = new KernelContext({ possibleCpus: 2 });
  domain = new IovaDomain(two);
  const pfn = domain.allocFast(4, LIMIT_32, false);
  two.cpu = 1;
  domain.freeFast(pfn, 4);
  two.cpu = 0;
  expect(domain.rangeCount).toBe(1);
  domain.cpuDead(1);
  expect(domain.rangeCount).toBe(0);
  expect(two.onlineCpus).toBe(1);
});

describe('misuse', () => {
  it.each([[{ granule: 3000 }], [{ granule: 8192 }], [{ startPfn: 0 }], [{ startPfn: 1.5 }]])(
    'I2 I3 refuses %o',
    (options) => {
      expect(() => new IovaDomain(context, options)).toThrow(IommuUsageError);
    },
  );
});
