// Addresses and sizes.

export type { DmaAddr, Pfn, PhysAddr } from './address.ts';
export {
  ADDRESS_BITS,
  ADDRESS_LIMIT,
  AddressError,
  DMA_MAPPING_ERROR,
  dmaAddr,
  PAGE_SHIFT,
  PAGE_SIZE,
  pfn,
  physAddr,
} from './address.ts';

// The bytes.

export type { ByteAccess } from './memory/byte-access.ts';
export type { MemorySpan } from './memory/granule-source.ts';
export { MemoryRangeError } from './memory/memory-range-error.ts';
export type { PhysMemoryOptions } from './memory/phys-memory.ts';
export { PhysMemory } from './memory/phys-memory.ts';

// What is where.

export type { AddressKind } from './map/address-kind.ts';
export type { AddressRange, NewRange, PageRange } from './map/address-map.ts';
export { AddressMap } from './map/address-map.ts';
export type { AddressMapErrorCode } from './map/address-map-error.ts';
export { AddressMapError } from './map/address-map-error.ts';
export type { AddressClass } from './map/classify.ts';
export { classify } from './map/classify.ts';
export type { FirmwareRange } from './map/firmware-map.ts';
export { addressMapFromFirmware } from './map/firmware-map.ts';
export { extractIomem, formatIomem, parseIomem } from './map/iomem.ts';
export { q35AddressMap } from './map/q35-map.ts';

// Who answers.

export type { BusError } from './bus/bus-errors.ts';
export type { MmioHandler } from './bus/mmio-handler.ts';
export { BUS_ABORT, PhysBus } from './bus/phys-bus.ts';
export type { RegisterBacking } from './bus/register-backing.ts';

// Memory to files and back.

export { ElfCoreReader, readElfCore } from './images/elf-core-reader.ts';
export { writeElfCore } from './images/elf-core-writer.ts';
export type { ImageErrorCode } from './images/image-error.ts';
export { ImageError } from './images/image-error.ts';
export type { ImagePiece } from './images/memory-image.ts';
export { MemoryImage } from './images/memory-image.ts';
export type { RawPart } from './images/raw-image.ts';
export { RawImageReader, readRawImage, writeRawImage } from './images/raw-image.ts';
export { restoreSnapshot, takeSnapshot } from './images/snapshot.ts';

// Page frames: descriptors, zones, the page allocator.

export { placeCmaArea } from './pages/cma-placement.ts';
export type { MovePages } from './pages/contiguous.ts';
export { allocContigRange, CMA_ALIGNMENT, CmaArea, freeContigRange } from './pages/contiguous.ts';
export type { DevicePageMap, DevicePageMapOptions } from './pages/device-pages.ts';
export { DevicePages, DevicePageType } from './pages/device-pages.ts';
export { GFP_COMP, GFP_DMA, GFP_DMA32, GFP_HIGHMEM, GFP_KERNEL, GFP_MOVABLE, GFP_ZERO } from './pages/gfp.ts';
export { HighMemoryAccess } from './pages/high-memory.ts';
export { MigrateType } from './pages/migrate-type.ts';
export { nodeFallbackOrders } from './pages/node-order.ts';
export { getOrder, MAX_PAGE_ORDER } from './pages/order.ts';
export type { PageAllocatorOptions, PageObserver, ZoneFigures } from './pages/page-allocator.ts';
export { PageAllocator } from './pages/page-allocator.ts';
export { PageFlag } from './pages/page-columns.ts';
export type { Page, PageConversions, PageDescriptorsOptions } from './pages/page-descriptors.ts';
export { PAGE_DESCRIPTOR_BYTES, PageDescriptors } from './pages/page-descriptors.ts';
export type { PageErrorCode } from './pages/page-error.ts';
export { PageError } from './pages/page-error.ts';
export { PageView } from './pages/page-view.ts';
export type { NodeDescription, ZoneExtent, ZoneLimits } from './pages/zone-layout.ts';
export { arm64Zones, S390_ZONES, X86_32_ZONES, X86_64_ZONES, ZoneType } from './pages/zone-layout.ts';

// Caches of machines whose devices do not snoop them, and the order of stores.

export type { CacheOperation, MaintenanceTable } from './cache/cache-maintenance.ts';
export { ARC_MAINTENANCE, ARM64_MAINTENANCE, CacheMaintenance } from './cache/cache-maintenance.ts';
export { CoherentPort } from './cache/coherent-port.ts';
export { CpuCache } from './cache/cpu-cache.ts';
export type { OwnershipViolation } from './cache/ownership.ts';
export { OwnershipChecker } from './cache/ownership.ts';
export { StoreBuffer } from './ordering/store-buffer.ts';

// Confidential guests, and memory nobody initialised.

export { ConfidentialDeviceView } from './confidential/device-view.ts';
export { SharedPages } from './confidential/shared-pages.ts';
export type { KmsanOptions, KmsanReport } from './kmsan/kmsan-shadow.ts';
export { KmsanShadow } from './kmsan/kmsan-shadow.ts';
