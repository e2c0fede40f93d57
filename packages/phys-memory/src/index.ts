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
export { PhysMemory } from './phys-memory.ts';
export type { RegisterBacking } from './register-backing.ts';
