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
export type { RegisterBacking } from './bus/register-backing.ts';
export type { ByteAccess } from './memory/byte-access.ts';
export type { MemorySpan } from './memory/granule-source.ts';
export { MemoryRangeError } from './memory/memory-range-error.ts';
export type { PhysMemoryOptions } from './memory/phys-memory.ts';
export { PhysMemory } from './memory/phys-memory.ts';
