import { benchmarks, type Growth, type Kernel } from '@dmalab/bench';
import { PhysMemory } from './phys-memory.ts';

const GIB = 2 ** 30;
const OPERATIONS = 10_000;

/** Eight bytes at a time, all over the first gibibyte of a machine of that much memory. */
function writesInMachine(gibibytes: number): Kernel {
  const memory = new PhysMemory({ spans: [{ start: 0, end: gibibytes * GIB - 1 }] });
  let at = 1;
  return () => {
    for (let i = 0; i < OPERATIONS; i++) {
      at = (Math.imul(at, 1664525) + 1013904223) >>> 0;
      memory.store64((at % (GIB / 8)) * 8, i, at);
    }
    const last = (at % (GIB / 8)) * 8;
    if (memory.load32(last + 4) !== at) throw new Error('a write is lost');
    return at;
  };
}

export default benchmarks([]);

export const growth: readonly Growth[] = [
  {
    name: 'scattered 8-byte write',
    of: 'GiB of machine',
    sizes: [1, 16, 256, 1024],
    operations: OPERATIONS,
    kernel: writesInMachine,
  },
];
