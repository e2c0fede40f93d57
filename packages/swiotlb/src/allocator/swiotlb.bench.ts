import { benchmarks, type Kernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { DMA_BIDIRECTIONAL, DMA_TO_DEVICE } from '../constants.ts';
import { SwiotlbPool } from '../pool/pool.ts';
import { pciDevice } from '../testing/device.ts';
import { Swiotlb } from './swiotlb.ts';

const OPERATIONS = 1_000;
/** A working set is half sources, half targets; of the targets the pool is what the slot count says. */
const HOT_BYTES = 2 ** 20;
const COLD_BYTES = 2 ** 30;
const HOT_SLOTS = 256;
const COLD_SLOTS = 32768;
const device = pciDevice();

/** Maps and unmaps buffers all over the sources. */
function bounce(operations: number, size: number, setBytes: number, slotCount: number, dir: number): () => Kernel {
  return () => {
    const memory = new PhysMemory({ spans: [{ start: 0, end: setBytes - 1 }] });
    const pool = new SwiotlbPool({ start: setBytes / 2, slotCount });
    const swiotlb = new Swiotlb({ memory, pool });
    memory.fill(0, setBytes, 0x5a);
    memory.fill(pool.start, pool.end - pool.start, 1);
    const places = setBytes / 2 / size;
    let at = 0;
    return () => {
      let bounced = 0;
      for (let i = 0; i < operations; i++) {
        at = (at + 4093) % places; // a prime stride: every place, no two neighbours
        bounced = swiotlb.tblMapSingle(device, at * size, size, 0, dir, 0, 0);
        swiotlb.tblUnmapSingle(device, bounced, size, dir, 0);
      }
      if (memory.load8(bounced + size - 1) !== 0x5a || swiotlb.used !== 0) throw new Error('a buffer was not bounced');
      return bounced;
    };
  };
}

/** The bare copies, from one half to the other. */
function copies(operations: number, size: number, setBytes: number): () => Kernel {
  return () => {
    const bytes = new Uint8Array(setBytes).fill(0x5a);
    const places = setBytes / 2 / size;
    let at = 0;
    return () => {
      for (let i = 0; i < operations; i++) {
        at = (at + 4093) % places;
        bytes.copyWithin(setBytes / 2 + at * size, at * size, (at + 1) * size);
      }
      return at + bytes[setBytes / 2];
    };
  };
}

export default benchmarks([
  {
    name: 'map + unmap 4 KiB, one copy, hot',
    operations: OPERATIONS,
    tested: bounce(OPERATIONS, 4096, HOT_BYTES, HOT_SLOTS, DMA_TO_DEVICE),
    limitName: 'hot copy of 4 KiB',
    limit: copies(OPERATIONS, 4096, HOT_BYTES),
    atMost: 3.3,
    goal: 5,
  },
  {
    name: 'map + unmap 4 KiB, both ways, cold',
    operations: OPERATIONS,
    tested: bounce(OPERATIONS, 4096, COLD_BYTES, COLD_SLOTS, DMA_BIDIRECTIONAL),
    limitName: 'cold copy of 4 KiB',
    limit: copies(OPERATIONS, 4096, COLD_BYTES),
    atMost: 1.15,
    goal: 5,
  },
  ...[64, 256].map((kibibytes) => ({
    name: `bounce ${kibibytes} KiB, one copy, cold`,
    operations: OPERATIONS / 10,
    tested: bounce(OPERATIONS / 10, kibibytes * 1024, COLD_BYTES, COLD_SLOTS, DMA_TO_DEVICE),
    limitName: `cold copy of ${kibibytes} KiB`,
    limit: copies(OPERATIONS / 10, kibibytes * 1024, COLD_BYTES),
    atMost: 1 / 0.85,
    goal: 10,
  })),
]);
