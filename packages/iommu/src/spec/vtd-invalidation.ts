import { bits } from './bits.ts';

/** What every invalidation descriptor starts with (spec H28). */
export const InvalidationType = {
  CONTEXT: 1,
  IOTLB: 2,
  DEVICE_TLB: 3,
  INTERRUPT_ENTRY: 4,
  WAIT: 5,
  PASID_IOTLB: 6,
  PASID_CACHE: 7,
  PASID_DEVICE_TLB: 8,
  PAGE_GROUP_RESPONSE: 9,
} as const;

/** Granularities of type 1 (spec H28). */
export const ContextGranularity = { ALL: 1, DOMAIN: 2, SOURCE: 3 } as const;
/** Granularities of type 2 (spec H28). */
export const IotlbGranularity = { ALL: 1, DOMAIN: 2, PAGE: 3 } as const;
/** Granularities of type 6 (spec H28). */
export const PasidIotlbGranularity = { PASID: 2, PAGE: 3 } as const;
/** Granularities of type 7 (spec H28). */
export const PasidCacheGranularity = { DOMAIN: 0, PASID: 1, ALL: 3 } as const;

const TYPE = bits(3, 0);
const TYPE_HIGH = bits(11, 9);
const RESERVED_QWORD = { RSVD0: bits(63, 0) } as const;
const PAGE_RANGE = { AM: bits(5, 0), IH: bits(6), RSVD7: bits(11, 7), ADDR: bits(63, 12) } as const;

/** Type 1: context cache (and what hangs below it). */
export const ContextDescriptor = {
  qw0: {
    TYPE,
    G: bits(5, 4),
    RSVD6: bits(8, 6),
    TYPE_HIGH,
    RSVD12: bits(15, 12),
    DID: bits(31, 16),
    SID: bits(47, 32),
    FM: bits(49, 48),
    RSVD50: bits(63, 50),
  },
  qw1: RESERVED_QWORD,
} as const;

/** Type 2: IOTLB and paging-structure caches by domain. */
export const IotlbDescriptor = {
  qw0: {
    TYPE,
    G: bits(5, 4),
    DW: bits(6),
    DR: bits(7),
    RSVD8: bits(8),
    TYPE_HIGH,
    RSVD12: bits(15, 12),
    DID: bits(31, 16),
    RSVD32: bits(63, 32),
  },
  qw1: PAGE_RANGE,
} as const;

/** Type 3: device TLB, requests without PASID. */
export const DeviceTlbDescriptor = {
  qw0: {
    TYPE,
    RSVD4: bits(8, 4),
    TYPE_HIGH,
    PFSID_LOW: bits(15, 12),
    MIP: bits(20, 16),
    RSVD21: bits(31, 21),
    SID: bits(47, 32),
    RSVD48: bits(51, 48),
    PFSID_HIGH: bits(63, 52),
  },
  qw1: { S: bits(0), RSVD1: bits(11, 1), ADDR: bits(63, 12) },
} as const;

/** Type 4: interrupt entry cache. */
export const InterruptEntryDescriptor = {
  qw0: {
    TYPE,
    G: bits(4),
    RSVD5: bits(8, 5),
    TYPE_HIGH,
    RSVD12: bits(26, 12),
    IM: bits(31, 27),
    IIDX: bits(47, 32),
    RSVD48: bits(63, 48),
  },
  qw1: RESERVED_QWORD,
} as const;

/** Type 5: wait, which tells software that everything before it is done. */
export const WaitDescriptor = {
  qw0: {
    TYPE,
    IF: bits(4),
    SW: bits(5),
    FN: bits(6),
    PD: bits(7),
    RSVD8: bits(8),
    TYPE_HIGH,
    RSVD12: bits(31, 12),
    DATA: bits(63, 32),
  },
  qw1: { RSVD0: bits(1, 0), ADDR: bits(63, 2) },
} as const;

/** Type 6: first-stage and nested entries of a PASID. */
export const PasidIotlbDescriptor = {
  qw0: {
    TYPE,
    G: bits(5, 4),
    RSVD6: bits(8, 6),
    TYPE_HIGH,
    RSVD12: bits(15, 12),
    DID: bits(31, 16),
    PASID: bits(51, 32),
    RSVD52: bits(63, 52),
  },
  qw1: PAGE_RANGE,
} as const;

/** Type 7: PASID cache. */
export const PasidCacheDescriptor = { qw0: PasidIotlbDescriptor.qw0, qw1: RESERVED_QWORD } as const;

/** Type 8: device TLB of a PASID. */
export const PasidDeviceTlbDescriptor = {
  qw0: {
    TYPE,
    MIP: bits(8, 4),
    TYPE_HIGH,
    PFSID_LOW: bits(15, 12),
    SID: bits(31, 16),
    PASID: bits(51, 32),
    PFSID_HIGH: bits(63, 52),
  },
  qw1: { G: bits(0), RSVD1: bits(10, 1), S: bits(11), ADDR: bits(63, 12) },
} as const;

/** Type 9: answer to a page request group. */
export const PageGroupResponseDescriptor = {
  qw0: {
    TYPE,
    PP: bits(4),
    RSVD5: bits(8, 5),
    TYPE_HIGH,
    CODE: bits(15, 12),
    RID: bits(31, 16),
    PASID: bits(51, 32),
    RSVD52: bits(63, 52),
  },
  qw1: { RSVD0: bits(1, 0), LPIG: bits(2), PRGI: bits(11, 3), RSVD12: bits(63, 12) },
} as const;
