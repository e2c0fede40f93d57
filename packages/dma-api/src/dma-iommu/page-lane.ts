import type { PageLane } from '@dmalab/iommu/core';
import type { Device } from '../device/device.ts';
import { releaseIfBounced } from './iommu-bounce.ts';

const PAGE = 4096;
const IN_PAGE = PAGE - 1;
/** A multiplication costs a fifth of a division, and rounds nothing: the factor is a power of two. */
const PER_PAGE = 1 / PAGE;
/** Below this address a page number is a small integer, which no call boxes. */
const SMALL_PAGES = 2 ** 43;

/** Maps what lies in one page of RAM or device memory by a lane; 0 where the long way has to decide. */
export function mapByLane(lane: PageLane, phys: number, size: number, prot: number): number {
  const offset = phys & IN_PAGE;
  if (offset + size > PAGE || phys >= SMALL_PAGES) return 0;
  const pfn = lane.mapPage((phys * PER_PAGE) | 0, prot);
  return pfn === 0 ? 0 : pfn * PAGE + offset;
}

/** Maps a whole page at a reserved address; false, with nothing done, where the long way has to decide. */
export function linkByLane(lane: PageLane, iova: number, phys: number, prot: number): boolean {
  if (((iova | phys) & IN_PAGE) !== 0 || !(phys >= 0 && phys < SMALL_PAGES && iova >= 0 && iova < SMALL_PAGES))
    return false;
  return lane.linkPage((iova * PER_PAGE) | 0, (phys * PER_PAGE) | 0, prot);
}

/** Undoes a mapping in one page; false, with nothing done, where the long way has to decide. */
export function unmapByLane(
  dev: Device,
  lane: PageLane,
  address: number,
  size: number,
  dir: number,
  attrs: number,
): boolean {
  const offset = address & IN_PAGE;
  if (!(size > 0 && offset + size <= PAGE && address >= 0 && address < SMALL_PAGES)) return false;
  const physPfn = lane.unmapPage((address * PER_PAGE) | 0);
  if (physPfn < 1) return false;
  if (dev.ioTlbMem !== null) releaseIfBounced(dev, physPfn * PAGE + offset, size, dir, attrs);
  return true;
}
