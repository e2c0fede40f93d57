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
export { RawImageReader, writeRawImage } from './images/raw-image.ts';
export { restoreSnapshot, takeSnapshot } from './images/snapshot.ts';
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
// The bytes.
export type { ByteAccess } from './memory/byte-access.ts';
export type { MemorySpan } from './memory/granule-source.ts';
export { MemoryRangeError } from './memory/memory-range-error.ts';
export type { PhysMemoryOptions } from './memory/phys-memory.ts';
export { PhysMemory } from './memory/phys-memory.ts';
