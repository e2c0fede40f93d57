import { benchmarks, type Kernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { DMA_BIDIRECTIONAL, DMA_TO_DEVICE } from '../constants.ts';
import { SwiotlbPool } from '../pool/pool.ts';
import { pciDevice } from '../testing/device.ts';
import { Swiotlb } from './swiotlb.ts';

const OPERATIONS = 1_000;
const POOL = 0x30000000;
const HOT_BYTES = 2 ** 19; // half of the working set of 1 MiB: the buffers, and as much for the pool
const COLD_BYTES = 2 ** 29; // far beyond any cache
const COLD_SLOTS = 32768;
const device = pciDevice();

/** Buffers of that size all over `bytes` of memory, in an order that no prefetcher guesses. */
function places(bytes: number, size: number): Float64Array {
  const count = bytes / size;
  return Float64Array.from({ length: count }, (_, i) => (Math.imul(i, 40503) & (count - 1)) * size);
}

/** Maps and unmaps buffers spread over `bytes`, through a pool of so many slots. */
function bounce(operations: number, size: number, bytes: number, slotCount: number, dir: number): () => Kernel {
  return () => {
    const memory = new PhysMemory();
    const swiotlb = new Swiotlb({ memory, pool: new SwiotlbPool({ start: POOL, slotCount }) });
    const at = places(bytes, size);
    for (const orig of at) memory.fill(orig, size, 0x5a);
    memory.fill(POOL, slotCount * 2048, 1);
    let next = 0;
    return () => {
      let bounced = 0;
      for (let i = 0; i < operations; i++) {
        bounced = swiotlb.tblMapSingle(device, at[next], size, 0, dir, 0, 0);
        swiotlb.tblUnmapSingle(device, bounced, size, dir, 0);
        if (++next === at.length) next = 0;
      }
      if (memory.load8(bounced + size - 1) !== 0x5a || swiotlb.used !== 0) throw new Error('a buffer was not bounced');
      return bounced;
    };
  };
}

/** The bare copies: from places in the first part of one array to places in the second. */
function copies(operations: number, size: number, bytes: number, targetBytes: number): () => Kernel {
  return () => {
    const arena = new Uint8Array(bytes + targetBytes).fill(0x5a);
    const at = places(bytes, size);
    let next = 0;
    let to = bytes;
    return () => {
      for (let i = 0; i < operations; i++) {
        arena.copyWithin(to, at[next], at[next] + size);
        if (++next === at.length) next = 0;
        to += size;
        if (to + size > arena.length) to = bytes;
      }
      return arena[to] + next;
    };
  };
}

export default benchmarks([
  {
    name: 'map + unmap 4 KiB, one copy, hot',
    operations: OPERATIONS,
    tested: bounce(OPERATIONS, 4096, HOT_BYTES, 256, DMA_TO_DEVICE),
    limitName: 'hot copy of 4 KiB',
    limit: copies(OPERATIONS, 4096, HOT_BYTES, HOT_BYTES),
    atMost: 3.3,
    goal: 5,
  },
  {
    name: 'map + unmap 4 KiB, both ways, cold',
    operations: OPERATIONS,
    tested: bounce(OPERATIONS, 4096, COLD_BYTES, COLD_SLOTS, DMA_BIDIRECTIONAL),
    limitName: 'cold copy of 4 KiB',
    limit: copies(OPERATIONS, 4096, COLD_BYTES, COLD_SLOTS * 2048),
    atMost: 1.15,
    goal: 5,
  },
  ...[64, 256].map((kibibytes) => ({
    name: `bounce ${kibibytes} KiB, one copy, cold`,
    operations: OPERATIONS / 10,
    tested: bounce(OPERATIONS / 10, kibibytes * 1024, COLD_BYTES, COLD_SLOTS, DMA_TO_DEVICE),
    limitName: `cold copy of ${kibibytes} KiB`,
    limit: copies(OPERATIONS / 10, kibibytes * 1024, COLD_BYTES, COLD_SLOTS * 2048),
    atMost: 1 / 0.85,
    goal: 10,
  })),
]);
