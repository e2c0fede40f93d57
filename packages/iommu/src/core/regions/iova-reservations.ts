import type { IovaDomain } from '../../iova/iova-domain.ts';
import type { KernelContext } from '../kernel-context.ts';
import { RegionKind, type ReservedRegion } from './reserved-region.ts';

const EINVAL = -22;

/** A range of bus addresses, both ends inclusive, in bytes. */
export interface BusWindow {
  readonly start: number;
  readonly last: number;
}

/** What keeps addresses out of a PCI device's domain. */
export interface IovaReservations {
  /** Memory windows of the host bridge, as bus addresses: no IOVA may alias a peer's registers (spec I7). */
  readonly windows: readonly BusWindow[];
  /** DMA ranges that firmware gave the bridge; empty when it gave none (spec I8). */
  readonly dmaRanges?: readonly BusWindow[];
  /** Reserved regions of the first device of the group (spec I5, I9). */
  readonly regions: readonly ReservedRegion[];
}

/** Takes them out of a new IOVA domain: 0, or -EINVAL when firmware's ranges overlap (spec I6 to I9). */
export function reserveIovas(context: KernelContext, iova: IovaDomain, reservations: IovaReservations): number {
  const pfn = (address: number) => Math.floor(address / iova.granule);
  for (const { start, last } of reservations.windows) iova.reserve(pfn(start), pfn(last));
  const error = reserveAround(context, iova, reservations.dmaRanges ?? []);
  if (error !== 0) return error;
  for (const { kind, start, last } of reservations.regions) {
    if (kind !== RegionKind.SW_MSI) iova.reserve(pfn(start), pfn(last));
  }
  return 0;
}

/** Everything that firmware's DMA ranges leave out, and the first granule of each range too (spec I8). */
function reserveAround(context: KernelContext, iova: IovaDomain, ranges: readonly BusWindow[]): number {
  if (ranges.length === 0) return 0;
  const pfn = (address: number) => Math.floor(address / iova.granule);
  let position = 0;
  for (const { start, last } of ranges.toSorted((a, b) => a.start - b.start)) {
    if (start < position) {
      context.log(`Failed to reserve IOVA [0x${position.toString(16)}-0x${start.toString(16)}]`);
      return EINVAL;
    }
    if (start > position) iova.reserve(pfn(position), pfn(start));
    position = last + 1;
  }
  iova.reserve(pfn(position), pfn(2 ** 52) - 1); // the model's last address stands for 2^64 - 1
  return 0;
}
