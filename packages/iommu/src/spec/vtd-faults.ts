import { bits } from './bits.ts';

/** Fault recording register, 128 bits as two qwords (spec H24). */
export const FaultRecord = {
  qw0: {
    RSVD0: bits(11, 0),
    FI: bits(63, 12), // page address; an interrupt index in [63:48] for remapping faults
  },
  qw1: {
    SID: bits(15, 0),
    RSVD16: bits(27, 16),
    T2: bits(28),
    PRIV: bits(29),
    EXE: bits(30),
    PP: bits(31),
    FR: bits(39, 32),
    PASID: bits(59, 40),
    AT: bits(61, 60),
    T1: bits(62),
    F: bits(63),
  },
} as const;
export const FAULT_RECORD_BYTES = 16;

/** Fault reasons of legacy mode; QEMU reports the first eleven in scalable mode too (spec H26). */
export const LegacyFault = {
  ROOT_NOT_PRESENT: 0x1,
  CONTEXT_NOT_PRESENT: 0x2,
  CONTEXT_INVALID: 0x3,
  ADDRESS_BEYOND_LIMIT: 0x4,
  NO_WRITE: 0x5,
  NO_READ: 0x6,
  PAGING_ENTRY_ACCESS: 0x7,
  ROOT_ACCESS: 0x8,
  CONTEXT_ACCESS: 0x9,
  ROOT_RESERVED: 0xa,
  CONTEXT_RESERVED: 0xb,
  PAGING_ENTRY_RESERVED: 0xc,
  ATS_BLOCKED: 0xd,
  INTERRUPT_RANGE: 0xe,
} as const;

/** Fault reasons of interrupt remapping (spec H26). */
export const InterruptFault = {
  REQUEST_RESERVED: 0x20,
  INDEX_BEYOND_TABLE: 0x21,
  ENTRY_NOT_PRESENT: 0x22,
  TABLE_ACCESS: 0x23,
  ENTRY_RESERVED: 0x24,
  COMPATIBILITY_BLOCKED: 0x25,
  SOURCE_MISMATCH: 0x26,
} as const;

/** Fault reasons of scalable mode (spec H26). */
export const ScalableFault = {
  ROOT_ADDRESS: 0x30,
  PASID_IN_LEGACY_MODE: 0x31,
  ROOT_ACCESS: 0x38,
  ROOT_NOT_PRESENT: 0x39,
  ROOT_RESERVED: 0x3a,
  CONTEXT_ACCESS: 0x40,
  CONTEXT_NOT_PRESENT: 0x41,
  CONTEXT_RESERVED: 0x42,
  CONTEXT_INVALID: 0x43,
  ATS_BLOCKED: 0x44,
  PASID_DISABLED: 0x45,
  PASID_BEYOND_DIRECTORY: 0x46,
  PAGE_REQUEST_DISABLED: 0x47,
  RID_PASID: 0x48,
  DIRECTORY_ACCESS: 0x50,
  DIRECTORY_NOT_PRESENT: 0x51,
  DIRECTORY_RESERVED: 0x52,
  PASID_ENTRY_ACCESS: 0x58,
  PASID_ENTRY_NOT_PRESENT: 0x59,
  PASID_ENTRY_RESERVED: 0x5a,
  PASID_ENTRY_INVALID: 0x5b,
  EXECUTE_REQUESTS_DISABLED: 0x5c,
  SUPERVISOR_REQUESTS_DISABLED: 0x5d,
  FIRST_STAGE_ACCESS: 0x70,
  FIRST_STAGE_NOT_PRESENT: 0x71,
  FIRST_STAGE_RESERVED: 0x72,
  FIRST_STAGE_ROOT_ACCESS: 0x73,
  NESTED_ADDRESS_BEYOND_LIMIT: 0x74,
  NESTED_ROOT_NO_READ: 0x75,
  NESTED_NO_READ: 0x76,
  NESTED_NO_WRITE: 0x77,
  SECOND_STAGE_ACCESS: 0x78,
  SECOND_STAGE_PERMISSION: 0x79,
  SECOND_STAGE_RESERVED: 0x7a,
  SECOND_STAGE_ROOT_ACCESS: 0x7b,
  SECOND_STAGE_AD_BLOCKED: 0x7c,
  NOT_CANONICAL: 0x80,
  NOT_USER: 0x81,
  NO_EXECUTE: 0x82,
  ADDRESS_BEYOND_LIMIT: 0x83,
  SECOND_STAGE_ADDRESS_BEYOND_LIMIT: 0x84,
  NO_WRITE: 0x85,
  NO_READ: 0x86,
  INTERRUPT_RANGE: 0x87,
} as const;
