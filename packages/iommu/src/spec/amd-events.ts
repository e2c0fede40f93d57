import { bits } from './bits.ts';

/** Event log record: 16 bytes (spec H40). The second qword is an address. */
export const AmdEvent = {
  DEVICE_ID: bits(15, 0),
  PASID_HIGH: bits(19, 16),
  RSVD20: bits(31, 20),
  DOMAIN_ID: bits(47, 32), // or bits 15:0 of the PASID
  GN: bits(48), // about a guest table
  NX: bits(49),
  US: bits(50),
  I: bits(51), // about an interrupt request
  PR: bits(52), // 0: an entry was not present
  RW: bits(53), // 1: write
  PE: bits(54), // permission violation
  RZ: bits(55), // reserved bit or illegal level
  TR: bits(56), // about a translation request
  RSVD57: bits(59, 57),
  CODE: bits(63, 60),
} as const;

/** Values of AmdEvent.CODE (spec H40). */
export const AmdEventCode = {
  ILLEGAL_DEV_TABLE_ENTRY: 1,
  IO_PAGE_FAULT: 2,
  DEV_TAB_HARDWARE_ERROR: 3,
  PAGE_TAB_HARDWARE_ERROR: 4,
  ILLEGAL_COMMAND_ERROR: 5,
  COMMAND_HARDWARE_ERROR: 6,
  IOTLB_INV_TIMEOUT: 7,
  INVALID_DEVICE_REQUEST: 8,
  INVALID_PPR_REQUEST: 9,
} as const;

/** An event's flags are twelve bits from here on, in its second dword (spec H40, I176). */
export const AMD_EVENT_FLAGS = bits(59, 48);
/** Flags of an event, as the kernel prints them. */
export const AmdEventFlag = {
  GN: 0x001,
  NX: 0x002,
  US: 0x004,
  I: 0x008,
  PR: 0x010,
  RW: 0x020,
  PE: 0x040,
  RZ: 0x080,
  TR: 0x100,
} as const;
