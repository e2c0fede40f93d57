import { DMA_MAPPING_ERROR, type DmaAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { roundToGranule } from '../iova/iova-reserve.ts';
import { P2pMapState, PCI_P2PDMA_MAP_BUS_ADDR, PCI_P2PDMA_MAP_NONE, PCI_P2PDMA_MAP_THRU_HOST_BRIDGE } from '../p2p.ts';
import { EINVAL, EREMOTEIO } from '../types/errno.ts';
import { ALL_ONES, lowBits } from '../types/masks.ts';
import { type Scatterlist, type SgEntry, sgPhys } from './scatterlist.ts';

const LONGEST_ENTRY = 2 ** 32 - 1;

/** One entry as it is laid out in the IOVA range: rounded out to granules, padded up to a segment boundary. */
interface LaidOut {
  /** First byte of the entry in its first granule. */
  readonly offset: number;
  bytes: number;
  /** A peer's bus address, which takes no IOVA; -1 for memory that does. */
  readonly busAddress: number;
}

/** A list laid out for one IOVA range; `bytes` is its length, 0 if only bus addresses were in it. */
export interface SgLayout {
  readonly entries: readonly LaidOut[];
  readonly bytes: number;
}

/** The layout pass (spec I62 to I64). A negative errno if an entry can't be mapped at all. */
export function layOut(dev: Device, list: Scatterlist, nents: number): SgLayout | number {
  const { granule } = dev.iommu!;
  const state = new P2pMapState();
  const entries: LaidOut[] = [];
  let bytes = 0;
  let previous: LaidOut | null = null;
  for (let i = 0; i < nents; i++) {
    const phys = sgPhys(dev.context.conversions, list.entries[i]);
    const type = state.classify(dev, phys);
    if (type === PCI_P2PDMA_MAP_BUS_ADDR) {
      entries.push({ offset: 0, bytes: 0, busAddress: state.busAddress(phys) });
      continue;
    }
    if (type !== PCI_P2PDMA_MAP_NONE && type !== PCI_P2PDMA_MAP_THRU_HOST_BRIDGE) return EREMOTEIO;
    const offset = lowBits(phys, granule - 1);
    const length = roundToGranule(list.entries[i].length + offset, granule);
    if (length > LONGEST_ENTRY) return EINVAL;
    const pad: number = previous === null ? 0 : boundaryPad(dev.segBoundaryMask, bytes, length);
    if (previous !== null) previous.bytes += pad; // what follows the previous entry in memory fills the hole (spec I63)
    previous = { offset, bytes: length, busAddress: -1 };
    entries.push(previous);
    bytes += pad + length;
  }
  return { entries, bytes };
}

/** Bytes up to the next segment boundary if the entry would cross it (spec I63). */
function boundaryPad(mask: number, laidOut: number, length: number): number {
  if (mask >= ALL_ONES) return 0;
  const span = mask + 1;
  const pad = (span - (laidOut % span)) % span;
  return pad !== 0 && pad < length - 1 ? pad : 0;
}

/** Physically contiguous runs, each of which is one map call (spec I158). Converts each page once more (spec G14). */
export function contiguousRuns(dev: Device, list: Scatterlist, layout: SgLayout): { phys: number; bytes: number }[] {
  const runs: { phys: number; bytes: number }[] = [];
  for (const [i, { offset, bytes, busAddress }] of layout.entries.entries()) {
    if (busAddress >= 0) continue;
    const phys = sgPhys(dev.context.conversions, list.entries[i]) - offset;
    const last = runs.at(-1);
    if (last !== undefined && last.phys + last.bytes === phys) last.bytes += bytes;
    else runs.push({ phys, bytes });
  }
  return runs;
}

/**
 * `__finalise_sg` (spec I66): writes the DMA side, entries joined where the device may see them as one segment. Returns the
 * number of segments, which fill the first entries of the list.
 */
export function finalise(dev: Device, list: Scatterlist, layout: SgLayout, iova: number): number {
  const { maxSegSize } = dev;
  let at = iova;
  let count = 0;
  let open: SgEntry | null = null;
  const lengths = layout.entries.map((_, i) => list.entries[i].length);
  clearDmaSide(list, layout.entries.length);
  for (const [i, { offset, bytes, busAddress }] of layout.entries.entries()) {
    const length = lengths[i];
    if (busAddress >= 0) {
      const segment = list.entries[count++];
      segment.dmaAddress = busAddress as DmaAddr;
      segment.dmaLength = length;
      segment.busAddress = true;
      open = null;
      continue;
    }
    const joins: boolean =
      open !== null && offset === 0 && !onBoundary(at, dev.segBoundaryMask) && maxSegSize - open.dmaLength >= length;
    if (joins) open!.dmaLength += length;
    else {
      open = list.entries[count++];
      open.dmaAddress = (at + offset) as DmaAddr;
      open.dmaLength = length;
    }
    at += bytes;
    if (offset + length < bytes) open = null; // ends inside a granule: the next one can't be adjacent
  }
  return count;
}

/** `__invalidate_sg`, and the start of a finalise: address ERR, length 0, no bus mark (spec I66, I67). */
export function clearDmaSide(list: Scatterlist, nents: number): void {
  for (let i = 0; i < nents; i++) {
    const entry = list.entries[i];
    entry.dmaAddress = DMA_MAPPING_ERROR;
    entry.dmaLength = 0;
    entry.busAddress = false;
  }
}

/** `a & mask` of spec I66 is 0: a segment boundary lies here. */
function onBoundary(address: number, mask: number): boolean {
  return mask < ALL_ONES && address % (mask + 1) === 0;
}
