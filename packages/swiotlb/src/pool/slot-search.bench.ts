import { benchmarks, type Kernel } from '@dmalab/bench';
import { literalWalk } from './literal-walk.ts';
import { SwiotlbPool } from './pool.ts';
import { claimSlots, releaseSlots } from './slot-claim.ts';
import { SlotSearch } from './slot-search.ts';

const OPERATIONS = 2_000;
const SLOTS = 32768;
const ORIG = 0x5000000;

function request(search: SlotSearch, pool: SwiotlbPool, bytes: number): void {
  search.request(bytes, ORIG, 4095, 0);
  search.enter(pool, pool.start, 0xffffffff);
}

/** A pool that was full of buffers of 2 to 32 KiB, and then lost some at random until so many percent are left. */
function fragmented(percent: number): SwiotlbPool {
  const pool = new SwiotlbPool({ start: 0x30000000, slotCount: SLOTS });
  const search = new SlotSearch();
  const live: [slot: number, need: number][] = [];
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (;;) {
    request(search, pool, 2048 * (1 + random(16)));
    const slot = search.inArea(pool, 0);
    if (slot < 0) break;
    claimSlots(pool, slot, search.need, search.total, search.low);
    live.push([slot, search.need]);
  }
  while (pool.used() > (SLOTS * percent) / 100) {
    const at = random(live.length);
    const [slot, need] = live[at];
    releaseSlots(pool, slot, need);
    live[at] = live[live.length - 1];
    live.pop();
  }
  return pool;
}

/** Takes slots and gives them back; the search position goes round the pool. */
function takeAndFree(percent: number, bytes: number): () => Kernel {
  return () => {
    const pool = fragmented(percent);
    const search = new SlotSearch();
    const used = pool.used();
    return () => {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) {
        request(search, pool, bytes);
        const slot = search.inArea(pool, 0);
        if (slot < 0) continue;
        claimSlots(pool, slot, search.need, search.total, search.low);
        releaseSlots(pool, slot, search.need);
        sum += slot;
      }
      if (pool.used() !== used || sum === 0) throw new Error('nothing was taken');
      return sum;
    };
  };
}

/** Searches in vain for a run that the pool does not have. */
function searchInVain(literal: boolean): () => Kernel {
  return () => {
    const pool = fragmented(80);
    const search = new SlotSearch();
    return () => {
      let missed = 0;
      for (let i = 0; i < 100; i++) {
        request(search, pool, 2048 * 120);
        missed += literal ? literalWalk(search, pool, 0) : search.inArea(pool, 0);
      }
      if (missed !== -100) throw new Error('a run of 120 slots was found');
      return missed;
    };
  };
}

export default benchmarks([
  ...[50, 80].flatMap((percent) =>
    [4096, 16384].map((bytes) => ({
      name: `take and free ${bytes / 1024} KiB, pool ${percent} % full`,
      operations: OPERATIONS,
      tested: takeAndFree(percent, bytes),
      limitName: 'the same, empty pool',
      limit: takeAndFree(0, bytes),
      atMost: 2,
    })),
  ),
  {
    name: 'search in vain, pool 80 % full',
    operations: 100,
    tested: searchInVain(false),
    limitName: 'the walk slot by slot',
    limit: searchInVain(true),
    atMost: 1,
  },
]);
