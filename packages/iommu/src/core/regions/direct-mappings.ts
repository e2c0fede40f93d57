import { iommuMap } from '../iommu-map.ts';
import type { IommuTrace } from '../iommu-trace.ts';
import type { PagingDomain } from '../paging-domain.ts';
import { RegionKind, type ReservedRegion } from './reserved-region.ts';

/** Does a device with these regions need memory at its own address, whatever domain it is in (spec I128)? */
export function requiresDirectMapping(regions: readonly ReservedRegion[]): boolean {
  return regions.some(({ kind }) => kind === RegionKind.DIRECT);
}

/**
 * Maps the direct regions 1:1 into a DMA domain, granules that are mapped already left out, in contiguous chunks (spec I140).
 * 0 or a negative errno.
 */
export function createDirectMappings(
  paging: PagingDomain,
  trace: IommuTrace,
  granule: number,
  regions: readonly ReservedRegion[],
): number {
  for (const { kind, start, last, prot } of regions) {
    if (kind !== RegionKind.DIRECT && kind !== RegionKind.DIRECT_RELAXABLE) continue;
    const end = Math.ceil((last + 1) / granule) * granule;
    let chunk = Math.floor(start / granule) * granule;
    for (let at = chunk; at <= end; at += granule) {
      if (at < end && !isMapped(paging, at)) continue;
      const error = at > chunk ? iommuMap(paging, trace, chunk, chunk, at - chunk, prot) : 0;
      if (error !== 0) return error;
      chunk = at + granule;
    }
  }
  return 0;
}

/** Address 1 instead of 0: a translation to 0 can't be told from none (spec I159). */
function isMapped(paging: PagingDomain, iova: number): boolean {
  return paging.iovaToPhys(iova === 0 ? 1 : iova) !== 0;
}
