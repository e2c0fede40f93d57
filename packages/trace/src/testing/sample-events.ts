import { EventKind } from '../format/event-kind.ts';
import type { TraceRing } from '../ring/trace-ring.ts';

const READ_DWORDS = [0x100, 0, 7, 0, 0, 0];

/**
 * Records `reads` NVMe reads as a strict IOMMU traces them, nine events each in the order of spec N112, D97: the common
 * mixture of a real trace, for benchmarks and tests.
 */
export function recordReads(ring: TraceRing, reads: number): void {
  const names = ['0000:00:03.0', 'nvme0', 'nvme0n1', '259,0', 'R', 'be', 'kworker/0:1H', '.....', 'd.h1.', 'fio'];
  const [device, controller, disk, block, rwbs, ioClass, worker, plain, hardirq, fio] = names.map((name) =>
    ring.intern(name),
  ) as [number, number, number, number, number, number, number, number, number, number];
  for (let n = 0; n < reads; n++) {
    const iova = 0xfff00000 - (n % 64) * 4096;
    const phys = 0x1a37c000 + (n % 512) * 4096;
    ring.setTime(7_580_063 + 10 * n);
    ring.setTask(worker, 104);
    ring.setFlags(plain);
    ring.nvme.setupCmd(controller, disk, 1, 963 + (n % 1000), 1, 0, 0, 2, READ_DWORDS);
    ring.iommuMap(iova, 4096, phys);
    ring.dmaMapPhys(device, 2, iova, 4096, phys, 0);
    ring.block.request(EventKind.BLOCK_RQ_ISSUE, block, rwbs, 4096, n * 8, 8, ioClass, 0, 4, worker);
    ring.setTask(fio, 113);
    ring.setFlags(hardirq);
    ring.nvme.sq(controller, disk, 1, n % 1024, (n + 1) % 1024);
    ring.iommuUnmap(iova, 4096, 4096);
    ring.dmaUnmapPhys(device, 2, iova, 4096, 0);
    ring.nvme.completeRq(controller, disk, 1, 963 + (n % 1000), 0, 0, 0, 0);
    ring.block.completion(EventKind.BLOCK_RQ_COMPLETE, block, rwbs, n * 8, 8, ioClass, 0, 4, 0);
  }
}
