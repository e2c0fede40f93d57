import { benchmarks, type Kernel, pairKernel } from '@dmalab/bench';
import { KernelContext } from '../core/kernel-context.ts';
import { Treap } from '../testing/treap.ts';
import { IovaDomain } from './iova-domain.ts';

const PAIRS = 5_000;
const LIVE = 1_000_000;
const TREE_STEPS = 500;
const LIMIT = 2 ** 36 - 1;

/** A million single pages, each with a free page above it. */
function fragmentedDomain(): IovaDomain {
  const domain = new IovaDomain(new KernelContext());
  for (let i = 0; i < 2 * LIVE; i++) domain.treeAlloc(1, LIMIT + 1);
  for (let i = 0; i < LIVE; i++) domain.treeFree(LIMIT - 2 * i);
  return domain;
}

/** A deterministic walk over [0, LIVE). */
function nextVictim(victim: number): number {
  return (Math.imul(victim, 1103515245) + 12345) >>> 0;
}

/** Allocates and frees from a warm per-CPU cache. */
function cachedPairs(): Kernel {
  const domain = new IovaDomain(new KernelContext());
  for (let i = 0; i < 100; i++) domain.freeFast(domain.treeAlloc(1, 0x100000), 1);
  return () => {
    let sum = 0;
    for (let i = 0; i < PAIRS; i++) {
      const pfn = domain.allocFast(1, 0xfffff, false);
      sum += pfn;
      domain.freeFast(pfn, 1);
    }
    if (domain.rangeCount > 200) throw new Error('the cache was not used');
    return sum;
  };
}

/**
 * The cursor jumps to a random place among a million holes of one page, and a request for four has to find the
 * space below all of them: the kernel's own search walks every node in between.
 */
function searchPastHoles(): Kernel {
  const domain = fragmentedDomain();
  const lowest = LIMIT - 2 * LIVE;
  let victim = 1;
  return () => {
    let sum = 0;
    for (let i = 0; i < TREE_STEPS; i++) {
      victim = nextVictim(victim);
      const page = LIMIT - 2 * (victim % LIVE) - 1;
      domain.treeFree(page);
      domain.claim(page, 1);
      const four = domain.treeAlloc(4, LIMIT + 1);
      if (four > lowest || four === 0) throw new Error(`${four} does not lie below the holes, at ${lowest}`);
      domain.treeFree(four);
      sum += four;
    }
    return sum;
  };
}

function treapSteps(): Kernel {
  const treap = new Treap(LIVE);
  for (let i = 0; i < LIVE; i++) treap.insert(nextVictim(i) * LIVE + i);
  let victim = 1;
  return () => {
    for (let i = 0; i < 2 * TREE_STEPS; i++) {
      victim = nextVictim(victim);
      const key = nextVictim(victim % LIVE) * LIVE + (victim % LIVE);
      treap.remove(key);
      treap.insert(key);
    }
    return victim;
  };
}

export default benchmarks([
  {
    name: 'allocate and free one cached page',
    operations: PAIRS,
    tested: cachedPairs,
    limitName: 'L_pair',
    limit: () => pairKernel(PAIRS),
  },
  {
    name: 'allocate past a million holes, 1 M live',
    operations: 2 * TREE_STEPS,
    tested: searchPastHoles,
    limitName: 'treap delete + insert, 1 M',
    limit: treapSteps,
    atMost: 1.5,
    goal: 20,
  },
]);
