import { benchmarks } from '@dmalab/bench';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import { READS, readKernel } from '../testing/read-kernel.ts';

/** What no machine can do without: moving the block. */
function hotCopy() {
  const bytes = new Uint8Array(2 ** 20);
  let at = 0;
  return () => {
    for (let i = 0; i < READS; i++) {
      at = (at + PAGE_SIZE) & (2 ** 19 - 1);
      bytes.copyWithin(2 ** 19 + at, at, at + PAGE_SIZE);
    }
    return bytes[at] + 1;
  };
}

export default benchmarks(
  ['x86-direct', 'x86-vtd', 'x86-swiotlb'].map((name) => ({
    name: `4 KiB read, whole machine, ${name}`,
    operations: READS,
    limitName: 'hot 4 KiB copy',
    tested: () => readKernel(name),
    limit: hotCopy,
  })),
);
