import { GFP_KERNEL } from '@dmalab/dma-api';
import { Bio } from '../../block/bio/bio.ts';
import { REQ_OP_READ } from '../../block/bio/op.ts';
import type { NvmeDriver } from '../nvme-driver.ts';
import type { NvmeNamespace } from '../nvme-namespace.ts';

const PAGE = 4096;
/** Where the kernel's partition parsers look, in bytes (spec N57, row 18). */
const PLACES = [0, PAGE, 3 * PAGE];

/** Reads what the kernel reads of a new disk (spec N57, row 18); nothing is made of the contents. */
export function scanPartitions(driver: NvmeDriver, ns: NvmeNamespace, cpu: number): void {
  const page = driver.context.pageSource?.allocPages(GFP_KERNEL, 0, -1) ?? -1;
  if (page < 0) return;
  const bio = new Bio();
  for (const place of PLACES) {
    if ((place + PAGE) / 512 > ns.capacitySectors) break;
    let ended = false;
    bio.init(REQ_OP_READ, place / 512).addPhys(page, PAGE);
    bio.endIo = () => {
      ended = true;
    };
    ns.queue.submitBio(bio, cpu);
    while (!ended && driver.wait());
  }
  driver.context.pageSource?.freePages(page, 0);
}
