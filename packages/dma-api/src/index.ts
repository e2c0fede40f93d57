// The machine and its devices.

export type { CacheMaintenance } from './context/cache-maintenance.ts';
export type { DmaContextOptions, DmaEra } from './context/dma-context.ts';
export { DmaContext } from './context/dma-context.ts';
export type { DmaOptions } from './context/dma-options.ts';
export { DEFAULT_DMA_OPTIONS } from './context/dma-options.ts';
export type { EncryptionForms } from './context/encryption.ts';
export type { LogLevel, LogRecord } from './context/kernel-log.ts';
export { KernelLog } from './context/kernel-log.ts';
export type { KmsanShadow } from './context/kmsan.ts';
export type { PageView, RamRange } from './context/page-view.ts';
export { RamPageView } from './context/page-view.ts';
export { Device } from './device/device.ts';
export type { DeviceOptions, DmaParms } from './device/device-options.ts';
export { PCI_DMA_PARMS } from './device/device-options.ts';
export {
  dmaAddressingLimited,
  dmaCoerceMaskAndCoherent,
  dmaDirectSetOffset,
  dmaGetMask,
  dmaGetRequiredMask,
  dmaGetSegBoundaryNrPages,
  dmaSetCoherentMask,
  dmaSetMask,
  dmaSetMaskAndCoherent,
  dmaSetMaxSegSize,
  dmaSetMinAlignMask,
  dmaSetSegBoundary,
  dmaSupported,
} from './device/dma-mask.ts';
export type { DmaRange } from './device/range-map.ts';
export { dmaBitMask } from './types/masks.ts';

// Map, sync, unmap.

export type { BioVec } from './map/map-page.ts';
export {
  dmaMapBvec,
  dmaMapPage,
  dmaMappingError,
  dmaMapResource,
  dmaMapSingle,
  dmaUnmapPage,
  dmaUnmapResource,
  dmaUnmapSingle,
} from './map/map-page.ts';
export { dmaMapPhys, dmaUnmapPhys } from './map/map-phys.ts';
export {
  dmaGetMergeBoundary,
  dmaMaxMappingSize,
  dmaOptMappingSize,
  dmaPciP2pdmaSupported,
} from './map/mapping-limits.ts';
export {
  dmaDevNeedSync,
  dmaNeedSync,
  dmaNeedUnmap,
  dmaSyncSingleForCpu,
  dmaSyncSingleForDevice,
  dmaSyncSingleRangeForCpu,
  dmaSyncSingleRangeForDevice,
} from './map/sync.ts';
export {
  DMA_ATTR_ALLOC_CC_SHARED,
  DMA_ATTR_ALLOC_SINGLE_PAGES,
  DMA_ATTR_CC_SHARED,
  DMA_ATTR_DEBUGGING_IGNORE_CACHELINES,
  DMA_ATTR_FORCE_CONTIGUOUS,
  DMA_ATTR_MMIO,
  DMA_ATTR_NO_KERNEL_MAPPING,
  DMA_ATTR_NO_WARN,
  DMA_ATTR_PRIVILEGED,
  DMA_ATTR_REQUIRE_COHERENT,
  DMA_ATTR_SKIP_CPU_SYNC,
  DMA_ATTR_WEAK_ORDERING,
  DMA_ATTR_WRITE_COMBINE,
} from './types/attrs.ts';
export { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_NONE, DMA_TO_DEVICE, directionName } from './types/direction.ts';

// Lists.

export {
  dmaMapSg,
  dmaMapSgtable,
  dmaSyncSgForCpu,
  dmaSyncSgForDevice,
  dmaUnmapSg,
  dmaUnmapSgtable,
} from './sg/map-sg.ts';
export type { SgTable } from './sg/scatterlist.ts';
export { Scatterlist, SgEntry } from './sg/scatterlist.ts';

// One IO virtual range for many pieces.

export { dmaIovaLink, dmaIovaSync } from './iova/iova-link.ts';
export { dmaIovaFree, dmaIovaTryAlloc } from './iova/iova-reserve.ts';
export { DmaIovaState, dmaIovaSize, dmaUseIova } from './iova/iova-state.ts';
export { dmaIovaDestroy, dmaIovaUnlink } from './iova/iova-unlink.ts';

// Memory that CPU and device share.

export { dmaAllocAttrs, dmaAllocCoherent, dmaFreeAttrs, dmaFreeCoherent } from './alloc/alloc-attrs.ts';
export {
  DMA_COMMON_PAGES,
  dmaAllocNoncoherent,
  dmaAllocPages,
  dmaFreeNoncoherent,
  dmaFreePages,
} from './alloc/alloc-pages.ts';
export type { DmaMemory } from './alloc/dma-memory.ts';
export type { KernelPointer } from './alloc/kernel-space.ts';
export { KernelSpace } from './alloc/kernel-space.ts';
export { dmamAllocAttrs, dmamAllocCoherent, dmamFreeCoherent, releaseManaged } from './alloc/managed.ts';
export type { MmapWindow } from './alloc/mmap.ts';
export { dmaCanMmap, dmaGetSgtable, dmaMmapAttrs, dmaMmapPages } from './alloc/mmap.ts';
export type { NoncontiguousTable } from './alloc/noncontiguous.ts';
export {
  dmaAllocNoncontiguous,
  dmaFreeNoncontiguous,
  dmaMmapNoncontiguous,
  dmaVmapNoncontiguous,
  dmaVunmapNoncontiguous,
} from './alloc/noncontiguous.ts';
export type { AtomicPoolOptions, AtomicPoolZone } from './alloc/sources/atomic-pool.ts';
export { CoherentPool, dmaDeclareCoherentMemory } from './alloc/sources/coherent-pool.ts';
export type { ContiguousArea, ContiguousAreas, PageSource, SharedMemoryControl } from './alloc/sources/page-source.ts';
export {
  type DmaPool,
  dmaPoolAlloc,
  dmaPoolCreate,
  dmaPoolDestroy,
  dmaPoolFree,
  dmaPoolZalloc,
  poolsAttribute,
} from './pool/dma-pool.ts';
export {
  __GFP_DMA as GFP_DMA,
  __GFP_DMA32 as GFP_DMA32,
  GFP_ATOMIC,
  GFP_KERNEL,
  GFP_NOWAIT,
  gfpText,
} from './types/gfp.ts';

// Peers, platforms, callers with rules of their own.

export type { MapBenchmarkHost, MapBenchmarkRequest, MapBenchmarkResult } from './benchmark/map-benchmark.ts';
export { MapBenchmarkSums, mapBenchmark } from './benchmark/map-benchmark.ts';
export { HmmDmaMap, hmmDmaMapAlloc, hmmDmaMapFree, hmmDmaMapPfn, hmmDmaUnmapPfn } from './hmm/hmm-dma-map.ts';
export {
  HMM_PFN_DMA_MAPPED,
  HMM_PFN_ERROR,
  HMM_PFN_P2PDMA,
  HMM_PFN_P2PDMA_BUS,
  HMM_PFN_STICKY,
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  HmmPfnList,
} from './hmm/hmm-pfn.ts';
export type { P2pClassifier, P2pProvider } from './p2p.ts';
export {
  P2pMapState,
  PCI_P2PDMA_MAP_BUS_ADDR,
  PCI_P2PDMA_MAP_NONE,
  PCI_P2PDMA_MAP_NOT_SUPPORTED,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
  PCI_P2PDMA_MAP_UNKNOWN,
} from './p2p.ts';
export type { ArchMapDirect, DmaMapOps } from './platform/dma-map-ops.ts';
export { DMA_DUMMY_OPS, refusingMmio } from './platform/dummy-ops.ts';

// The page-based interface of 6.12 to 6.16.

export type { DmaFront } from './page-era/dma-front.ts';
export { dmaFront, PAGE_FRONT, PHYS_FRONT } from './page-era/dma-front.ts';
export type { Page } from './page-era/page-conversions.ts';
export { PageConversions } from './page-era/page-conversions.ts';
export type { PageDmaMapOps } from './page-era/page-dma-map-ops.ts';
export {
  pageEraMapBvec,
  pageEraMapPage,
  pageEraMapResource,
  pageEraMapSingle,
  pageEraUnmapPage,
  pageEraUnmapResource,
} from './page-era/page-era-map.ts';
export type { PageEraEvent } from './page-era/page-era-trace.ts';
export { PageEraTrace } from './page-era/page-era-trace.ts';

// What drivers do wrong, and what callers do.

export { debugDriverReleased } from './debug/checks/driver-release.ts';
export { debugAlloc, debugMap, debugMappingError, debugMapSg } from './debug/checks/map-checks.ts';
export type { SyncReference } from './debug/checks/sync-checks.ts';
export { debugSync } from './debug/checks/sync-checks.ts';
export type { UnmapReference } from './debug/checks/unmap-checks.ts';
export { debugUnmap, debugUnmapEntry, mappedEntries, reportUnknown } from './debug/checks/unmap-checks.ts';
export type { DebugDevice } from './debug/debug-device.ts';
export { DmaDebugHooks } from './debug/debug-hooks.ts';
export type { DebugfsValues } from './debug/debugfs.ts';
export { debugDumpMappings, debugfsDump, debugfsValues } from './debug/debugfs.ts';
export type { DmaDebugMachine, DmaDebugOptions, MemoryRange } from './debug/dma-debug.ts';
export { DmaDebug } from './debug/dma-debug.ts';
export type { Finding, FindingId, FindingLimits } from './debug/findings.ts';
export { Findings } from './debug/findings.ts';
export { EntryType } from './debug/store/entry-type.ts';
export { DmaArgumentError, DmaBugError } from './types/errors.ts';
