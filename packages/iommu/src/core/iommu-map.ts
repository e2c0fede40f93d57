import type { IommuTrace } from './iommu-trace.ts';
import { IotlbGather } from './iotlb-gather.ts';
import type { PagingDomain } from './paging-domain.ts';

/**
 * Maps one physically contiguous range without the driver's post-map sync; 0 or a negative errno (spec I150, I153).
 * A failure leaves nothing mapped and still shows as two events, with the bytes that had been mapped (spec I154).
 */
export function iommuMapNosync(
  paging: PagingDomain,
  trace: IommuTrace,
  iova: number,
  phys: number,
  lengthBytes: number,
  prot: number,
): number {
  const error = paging.map(iova, phys, lengthBytes, prot);
  if (trace.on) trace.iommuMap(iova, error === 0 ? lengthBytes : paging.mappedBytes, phys);
  if (error !== 0) iommuUnmap(paging, trace, iova, paging.mappedBytes);
  return error;
}

/** Maps and makes the mapping visible to the device; undone if that fails (spec I154). */
export function iommuMap(
  paging: PagingDomain,
  trace: IommuTrace,
  iova: number,
  phys: number,
  lengthBytes: number,
  prot: number,
): number {
  let error = iommuMapNosync(paging, trace, iova, phys, lengthBytes, prot);
  if (error !== 0 || paging.syncsMaps === false) return error;
  error = paging.iotlbSyncMap(iova, lengthBytes);
  if (error !== 0) iommuUnmap(paging, trace, iova, lengthBytes);
  return error;
}

/** Clears entries and gathers what needs an invalidation; returns the bytes cleared (spec I156, I160). */
export function iommuUnmapFast(
  paging: PagingDomain,
  trace: IommuTrace,
  iova: number,
  lengthBytes: number,
  gather: IotlbGather,
): number {
  const unmapped = paging.unmap(iova, lengthBytes, gather);
  if (trace.on) trace.iommuUnmap(iova, lengthBytes, unmapped);
  return unmapped;
}

/** Clears entries and waits for their invalidation, as VFIO and error paths do (spec I95). */
export function iommuUnmap(paging: PagingDomain, trace: IommuTrace, iova: number, lengthBytes: number): number {
  const gather = new IotlbGather();
  const unmapped = iommuUnmapFast(paging, trace, iova, lengthBytes, gather);
  syncGather(paging, gather);
  return unmapped;
}

/** Invalidates what was gathered, if anything was, and starts afresh (spec I162). */
export function syncGather(paging: PagingDomain, gather: IotlbGather): void {
  if (gather.start < gather.end) paging.iotlbSync(gather);
  gather.reset(false);
}

/**
 * Adds one page to what an unmap gathered, for drivers that invalidate page by page (spec I162): a page of another size, or
 * one that does not touch the range so far, is preceded by a sync.
 */
export function gatherAddPage(paging: PagingDomain, gather: IotlbGather, iova: number, pageSize: number): void {
  const end = iova + pageSize - 1;
  const disjoint = gather.end !== 0 && (end + 1 < gather.start || iova > gather.end + 1);
  if ((gather.pageSize !== 0 && gather.pageSize !== pageSize) || disjoint) syncGather(paging, gather);
  gather.pageSize = pageSize;
  gather.addRange(iova, end);
}
