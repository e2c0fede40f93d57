export { swiotlbDebugfs } from './allocator/debugfs.ts';
export type { MemoryEncryption } from './allocator/encryption.ts';
export type { GrowthOptions, GrowthPages, PageZone } from './allocator/growth.ts';
export type { BounceShadow, SwiotlbMemory } from './allocator/memory.ts';
export type { SwiotlbLog } from './allocator/messages.ts';
export type { RestrictedPoolOptions } from './allocator/restricted.ts';
export { createRestrictedPool } from './allocator/restricted.ts';
export type { SwiotlbOptions } from './allocator/swiotlb.ts';
export { Swiotlb } from './allocator/swiotlb.ts';
export type { BootMachine, BootPool, PoolPlan } from './boot/boot-pool.ts';
export { mappedLine, planBootPool, reserveBootPool } from './boot/boot-pool.ts';
export { createLatePool } from './boot/late-pool.ts';
export type { PoolSize, SwiotlbParameter } from './boot/parameter.ts';
export { areasFor, parseSwiotlbParameter, setAreas } from './boot/parameter.ts';
export type { AddressRange } from './boot/placement.ts';
export { highestHole } from './boot/placement.ts';
export {
  INVALID_PHYS_ADDR,
  IO_TLB_DEFAULT_SLOTS,
  IO_TLB_MIN_SLABS,
  IO_TLB_SEGSIZE,
  IO_TLB_SHIFT,
  IO_TLB_SIZE,
  NO_SEG_BOUNDARY,
} from './constants.ts';
export type { SwiotlbDevice } from './device.ts';
export type { SwiotlbErrorCode } from './errors.ts';
export { SwiotlbError } from './errors.ts';
export type { PoolGeometry } from './pool/pool.ts';
export { SwiotlbPool, slotsFor } from './pool/pool.ts';
export { claimSlots, recordOriginal, releaseSlots } from './pool/slot-claim.ts';
export { SlotSearch } from './pool/slot-search.ts';
