import { bits } from './bits.ts';

/** Fault record, four qwords (spec H99). */
export const RiscvFaultRecord = {
  header: {
    CAUSE: bits(11, 0),
    PID: bits(31, 12),
    PV: bits(32),
    PRIV: bits(33),
    TTYP: bits(39, 34),
    DID: bits(63, 40),
  },
} as const;
export const RISCV_FAULT_RECORD_BYTES = 32;

/** What kind of transaction faulted. */
export const RiscvTtyp = {
  EXEC: 1,
  READ: 2,
  WRITE: 3,
  TRANSLATED_EXEC: 5,
  TRANSLATED_READ: 6,
  TRANSLATED_WRITE: 7,
  ATS_REQUEST: 8,
  MESSAGE: 9,
} as const;

/** Causes that don't depend on the access. */
export const RiscvCause = {
  ALL_DISALLOWED: 256,
  DDT_LOAD: 257,
  DDT_NOT_VALID: 258,
  DDT_MISCONFIGURED: 259,
  TYPE_DISALLOWED: 260,
  MSI_PTE_LOAD: 261,
  MSI_PTE_NOT_VALID: 262,
  MSI_PTE_MISCONFIGURED: 263,
  MRIF_ACCESS: 264,
  PDT_LOAD: 265,
  PDT_NOT_VALID: 266,
  PDT_MISCONFIGURED: 267,
  DDT_CORRUPTION: 268,
  INTERNAL_DATAPATH: 272,
  MSI_WRITE: 273,
} as const;

/** Causes by access: execute, read, write. */
export const RISCV_ACCESS_FAULTS = [1, 5, 7] as const;
export const RISCV_PAGE_FAULTS = [12, 13, 15] as const;
export const RISCV_GUEST_PAGE_FAULTS = [20, 21, 23] as const;

/** `iotval2` of a guest page fault: an access to a first-stage table, and one that would have set A or D in it. */
export const RISCV_IMPLICIT_ACCESS = 1;
export const RISCV_IMPLICIT_WRITE = 2;
