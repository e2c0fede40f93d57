import { bits } from './bits.ts';

/** Offsets of the AMD-Vi register file, in bytes from the unit's base (spec H32). All registers are 64 bits. */
export const AMD_REG = {
  DEVICE_TABLE: 0x0000,
  COMMAND_BUFFER: 0x0008,
  EVENT_LOG: 0x0010,
  CONTROL: 0x0018,
  EXCLUSION_BASE: 0x0020,
  EXCLUSION_LIMIT: 0x0028,
  EFR: 0x0030,
  // spec gap: H32 leaves out the mirror of the PCI capability's message registers; offsets are the public manual's.
  MSI_ADDRESS_LOW: 0x015c,
  MSI_ADDRESS_HIGH: 0x0160,
  MSI_DATA: 0x0164,
  EFR2: 0x01a0,
  COMMAND_HEAD: 0x2000,
  COMMAND_TAIL: 0x2008,
  EVENT_HEAD: 0x2010,
  EVENT_TAIL: 0x2018,
  STATUS: 0x2020,
} as const;

/** Device table base: where it is and how many pages it has (spec H32). */
export const AmdDeviceTableBase = {
  SIZE: bits(8, 0), // pages minus one, of 128 entries each
  RSVD9: bits(11, 9),
  BASE: bits(51, 12),
  RSVD52: bits(63, 52),
} as const;

/** Command buffer and event log bases (spec H32). */
export const AmdRingBase = {
  RSVD0: bits(11, 0),
  BASE: bits(51, 12),
  RSVD52: bits(55, 52),
  LENGTH: bits(59, 56), // log2 of the entries, 8 to 15
  RSVD60: bits(63, 60),
} as const;

/** Control (spec H32). */
export const AmdControl = {
  IOMMU_EN: bits(0),
  HT_TUN_EN: bits(1),
  EVENT_LOG_EN: bits(2),
  EVENT_INT_EN: bits(3),
  COM_WAIT_INT_EN: bits(4),
  INV_TIMEOUT: bits(7, 5),
  PASS_PW: bits(8),
  RES_PASS_PW: bits(9),
  COHERENT: bits(10),
  ISOC: bits(11),
  CMD_BUF_EN: bits(12),
  PPR_LOG_EN: bits(13),
  PPR_INT_EN: bits(14),
  PPR_EN: bits(15),
  GT_EN: bits(16),
  GA_EN: bits(17),
  OTHER18: bits(49, 18),
  XT_EN: bits(50),
  INT_CAP_XT_EN: bits(51),
  OTHER52: bits(57, 52),
  GCR3_TRP_MODE: bits(58),
  OTHER59: bits(63, 59),
} as const;

/** Exclusion range: base and limit (spec H32). */
export const AmdExclusionBase = {
  EN: bits(0),
  ALLOW: bits(1),
  RSVD2: bits(11, 2),
  BASE: bits(51, 12),
  RSVD52: bits(63, 52),
} as const;
export const AmdExclusionLimit = {
  RSVD0: bits(11, 0),
  LIMIT: bits(51, 12),
  RSVD52: bits(63, 52),
} as const;

/** Extended features (spec H32). */
export const AmdEfr = {
  PREF: bits(0),
  PPR: bits(1),
  XT: bits(2),
  NX: bits(3),
  GT: bits(4),
  RSVD5: bits(5),
  IA: bits(6),
  GA: bits(7),
  HE: bits(8),
  PC: bits(9),
  HATS: bits(11, 10), // levels of host tables: 0 = 4, 1 = 5, 2 = 6
  GATS: bits(13, 12), // levels of guest tables: 0 = 4, 1 = 5
  GLX: bits(15, 14), // levels of the GCR3 table minus one
  OTHER16: bits(31, 16),
  PAS_MAX: bits(36, 32), // bits of a PASID minus one
  OTHER37: bits(45, 37),
  MSI_CAP_MMIO: bits(46), // spec gap: H32 leaves it out, as it does the registers that it is about
  OTHER47: bits(48, 47),
  HA: bits(49),
  OTHER50: bits(51, 50),
  HD: bits(52),
  OTHER53: bits(63, 53),
} as const;

/** Status (spec H32). */
export const AmdStatus = {
  EVENT_OVERFLOW: bits(0), // w1c
  EVENT_LOG_INT: bits(1), // w1c
  COM_WAIT_INT: bits(2), // w1c
  EVENT_LOG_RUN: bits(3),
  CMD_BUF_RUN: bits(4),
  PPR: bits(7, 5),
  GA: bits(10, 8),
  RSVD11: bits(63, 11),
} as const;

/** Byte offset in a ring: head and tail registers (spec H32). */
export const AmdRingPointer = {
  RSVD0: bits(3, 0),
  OFFSET: bits(18, 4),
  RSVD19: bits(63, 19),
} as const;

/** Bytes of a command and of an event (spec H40, H41). */
export const AMD_RING_ENTRY_BYTES = 16;
