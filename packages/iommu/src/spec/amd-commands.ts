import { bits } from './bits.ts';

/** Bits 63:60 of a command's first qword (spec H41). */
export const AmdCommandCode = {
  COMPLETION_WAIT: 1,
  INVALIDATE_DEVTAB_ENTRY: 2,
  INVALIDATE_IOMMU_PAGES: 3,
  INVALIDATE_IOTLB_PAGES: 4,
  INVALIDATE_INTERRUPT_TABLE: 5,
  PREFETCH_IOMMU_PAGES: 6,
  COMPLETE_PPR_REQUEST: 7,
  INVALIDATE_IOMMU_ALL: 8,
} as const;

/** The field that every command has. */
export const AMD_COMMAND_CODE = bits(63, 60);

export const AmdCompletionWait = {
  qw0: { S: bits(0), I: bits(1), F: bits(2), STORE_ADDRESS: bits(51, 3), RSVD52: bits(59, 52), CODE: bits(63, 60) },
  qw1: { STORE_DATA: bits(63, 0) },
} as const;

/** And INVALIDATE_INTERRUPT_TABLE, which has the same fields. */
export const AmdInvalidateDevtabEntry = {
  qw0: { DEVICE_ID: bits(15, 0), RSVD16: bits(59, 16), CODE: bits(63, 60) },
  qw1: { RSVD0: bits(63, 0) },
} as const;

export const AmdInvalidateIommuPages = {
  qw0: {
    PASID: bits(19, 0),
    RSVD20: bits(31, 20),
    DOMAIN_ID: bits(47, 32),
    RSVD48: bits(59, 48),
    CODE: bits(63, 60),
  },
  qw1: { S: bits(0), PDE: bits(1), GN: bits(2), RSVD3: bits(11, 3), ADDRESS: bits(63, 12) },
} as const;

export const AmdInvalidateIotlbPages = {
  qw0: {
    DEVICE_ID: bits(15, 0),
    PASID_HIGH: bits(23, 16), // bits 15:8
    MAX_PENDING: bits(31, 24),
    QUEUE_ID: bits(47, 32),
    PASID_LOW: bits(55, 48),
    OTHER56: bits(59, 56),
    CODE: bits(63, 60),
  },
  qw1: { S: bits(0), OTHER1: bits(1), GN: bits(2), OTHER3: bits(11, 3), ADDRESS: bits(63, 12) },
} as const;

export const AmdInvalidateIommuAll = {
  qw0: { RSVD0: bits(59, 0), CODE: bits(63, 60) },
  qw1: { RSVD0: bits(63, 0) },
} as const;

/** Everything of a domain: S and PDE, and no zero bit in the address below 63 (spec H41). */
export const AMD_EVERYTHING_LOW = 0xffff_f003;
export const AMD_EVERYTHING_HIGH = 0x7fff_ffff;
