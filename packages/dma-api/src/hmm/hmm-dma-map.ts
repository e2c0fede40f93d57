import { DMA_MAPPING_ERROR, type DmaAddr, PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { dmaAddressingLimited } from '../device/dma-mask.ts';
import { dmaIovaLink, dmaIovaSync } from '../iova/iova-link.ts';
import { dmaIovaFree, dmaIovaTryAlloc } from '../iova/iova-reserve.ts';
import { DmaIovaState, dmaUseIova } from '../iova/iova-state.ts';
import { dmaIovaUnlink } from '../iova/iova-unlink.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { dmaNeedUnmap } from '../map/sync.ts';
import {
  type P2pMapState,
  PCI_P2PDMA_MAP_BUS_ADDR,
  PCI_P2PDMA_MAP_NONE,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '../p2p.ts';
import { DMA_ATTR_MMIO, DMA_ATTR_REQUIRE_COHERENT } from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL } from '../types/direction.ts';
import { EOPNOTSUPP } from '../types/errno.ts';
import {
  HMM_PFN_DMA_MAPPED,
  HMM_PFN_P2PDMA,
  HMM_PFN_P2PDMA_BUS,
  HMM_PFN_STICKY,
  HMM_PFN_VALID,
  HmmPfnList,
} from './hmm-pfn.ts';

const DIR = DMA_BIDIRECTIONAL;

/** `struct hmm_dma_map` (spec D99). */
export class HmmDmaMap {
  readonly state = new DmaIovaState();
  readonly pfnList: HmmPfnList;
  /** Addresses of the mappings that an unmap will need; null where none is needed or one IOVA range serves all. */
  readonly dmaList: Float64Array | null;
  readonly dmaEntrySize: number;

  constructor(dev: Device, entries: number, dmaEntrySize: number) {
    this.dmaEntrySize = dmaEntrySize;
    this.pfnList = new HmmPfnList(entries);
    const twoStep = dmaIovaTryAlloc(dev, this.state, 0, entries * PAGE_SIZE);
    this.dmaList = !twoStep && dmaNeedUnmap(dev) ? new Float64Array(entries) : null;
  }
}

/**
 * `hmm_dma_map_alloc` (spec D100): -EOPNOTSUPP for a device that bounces, needs syncs or doesn't reach all memory, since
 * HMM memory is used by both sides at once.
 */
export function hmmDmaMapAlloc(dev: Device, entries: number, dmaEntrySize: number): HmmDmaMap | number {
  const { log, options } = dev.context;
  if (Math.floor((entries * PAGE_SIZE) / dmaEntrySize) === 0) {
    log.warnOnce('hmm_dma_map_alloc', dev.name, 'hmm_dma_map_alloc of less than one entry');
  }
  if ((options.dmaNeedSync && !dev.dmaSkipSync) || dmaAddressingLimited(dev)) return EOPNOTSUPP;
  return new HmmDmaMap(dev, entries, dmaEntrySize);
}

/** `hmm_dma_map_free`: the mappings must be undone before. */
export function hmmDmaMapFree(dev: Device, map: HmmDmaMap): void {
  if (dmaUseIova(map.state)) dmaIovaFree(dev, map.state);
}

/** `hmm_dma_map_pfn` (spec D101): the address of one entry, mapped if it isn't yet; `DMA_MAPPING_ERROR` on failure. */
export function hmmDmaMapPfn(dev: Device, map: HmmDmaMap, index: number, p2p: P2pMapState): DmaAddr {
  const { pfnList, state, dmaList } = map;
  if (pfnList.has(index, HMM_PFN_DMA_MAPPED) && !pfnList.has(index, HMM_PFN_P2PDMA_BUS)) {
    if (dmaUseIova(state)) return (state.addr + index * map.dmaEntrySize) as DmaAddr;
    if (dmaNeedUnmap(dev) && dmaList !== null) return dmaList[index] as DmaAddr;
    // Otherwise it is mapped again: nothing is kept, and the address comes out the same.
  }
  const phys = pfnList.phys(index);
  let attrs = DMA_ATTR_REQUIRE_COHERENT;
  const type = p2p.classify(dev, phys);
  if (type === PCI_P2PDMA_MAP_BUS_ADDR) {
    pfnList.set(index, HMM_PFN_P2PDMA_BUS | HMM_PFN_DMA_MAPPED);
    return p2p.busAddress(phys) as DmaAddr;
  }
  if (type === PCI_P2PDMA_MAP_THRU_HOST_BRIDGE) {
    attrs |= DMA_ATTR_MMIO;
    pfnList.set(index, HMM_PFN_P2PDMA);
  } else if (type !== PCI_P2PDMA_MAP_NONE) return DMA_MAPPING_ERROR;
  const address = mapEntry(dev, map, index, phys, attrs);
  if (address === DMA_MAPPING_ERROR) pfnList.clear(index, HMM_PFN_P2PDMA);
  else pfnList.set(index, HMM_PFN_DMA_MAPPED);
  return address as DmaAddr;
}

/** `hmm_dma_unmap_pfn` (spec D102): false if the entry is not valid or not mapped. */
export function hmmDmaUnmapPfn(dev: Device, map: HmmDmaMap, index: number): boolean {
  const { pfnList, state, dmaList, dmaEntrySize } = map;
  if (!pfnList.has(index, HMM_PFN_VALID | HMM_PFN_DMA_MAPPED)) return false;
  const attrs = DMA_ATTR_REQUIRE_COHERENT | (pfnList.has(index, HMM_PFN_P2PDMA) ? DMA_ATTR_MMIO : 0);
  if (!pfnList.has(index, HMM_PFN_P2PDMA_BUS)) {
    if (dmaUseIova(state)) dmaIovaUnlink(dev, state, index * dmaEntrySize, dmaEntrySize, DIR, attrs);
    else if (dmaNeedUnmap(dev) && dmaList !== null) {
      dmaUnmapPhys(dev, dmaList[index] as DmaAddr, dmaEntrySize, DIR, attrs);
    }
  }
  pfnList.clear(index, HMM_PFN_STICKY);
  return true;
}

/** Step 3 of spec D101. */
function mapEntry(dev: Device, map: HmmDmaMap, index: number, phys: number, attrs: number): number {
  const { state, dmaList, dmaEntrySize } = map;
  const offset = index * dmaEntrySize;
  if (dmaUseIova(state)) {
    if (dmaIovaLink(dev, state, phys, offset, dmaEntrySize, DIR, attrs) !== 0) return DMA_MAPPING_ERROR;
    if (dmaIovaSync(dev, state, offset, dmaEntrySize) === 0) return state.addr + offset;
    dmaIovaUnlink(dev, state, offset, dmaEntrySize, DIR, attrs);
    return DMA_MAPPING_ERROR;
  }
  if (dmaNeedUnmap(dev) && dmaList === null) {
    dev.context.log.warnOnce('hmm_dma_map_pfn', dev.name, 'unmaps became needed after the map object was made');
    return DMA_MAPPING_ERROR;
  }
  const address = dmaMapPhys(dev, phys as PhysAddr, dmaEntrySize, DIR, attrs);
  if (address !== DMA_MAPPING_ERROR && dmaList !== null) dmaList[index] = address;
  return address;
}
