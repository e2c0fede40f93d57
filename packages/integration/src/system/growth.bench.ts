import { benchmarks, type Growth } from '@dmalab/bench';
import { READS, readKernel } from '../testing/read-kernel.ts';

export default benchmarks([]);

export const growth: readonly Growth[] = ['x86-direct', 'x86-vtd', 'x86-swiotlb'].map((name) => ({
  name: `4 KiB read, whole machine, ${name}`,
  of: 'queue depth',
  sizes: [1, 8, 32, 128],
  operations: READS,
  kernel: (depth) => readKernel(name, depth),
}));
