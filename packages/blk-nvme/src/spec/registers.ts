import { bit, bits, highBits } from './bits.ts';

/** Offsets in BAR0 (spec N120). 64-bit registers are named by their low half; the high half is 4 bytes further. */
export const Register = {
  CAP: 0x00,
  VS: 0x08,
  INTMS: 0x0c,
  INTMC: 0x10,
  CC: 0x14,
  CSTS: 0x1c,
  NSSR: 0x20,
  AQA: 0x24,
  ASQ: 0x28,
  ACQ: 0x30,
  CMBLOC: 0x38,
  CMBSZ: 0x3c,
  BPINFO: 0x40,
  BPRSEL: 0x44,
  BPMBL: 0x48,
  CMBMSC: 0x50,
  CMBSTS: 0x58,
  CRTO: 0x68,
  PMRCAP: 0xe00,
  PMRCTL: 0xe04,
  PMRSTS: 0xe08,
  PMREBS: 0xe0c,
  PMRSWTP: 0xe10,
  PMRMSCL: 0xe14,
  PMRMSCU: 0xe18,
  DOORBELLS: 0x1000,
} as const;

/** Bits 31:0 of CAP (spec N120). */
export const CapLow = {
  MQES: bits(15, 0),
  CQR: bit(16),
  AMS: bits(18, 17),
  RSVD: bits(23, 19),
  TO: bits(31, 24),
} as const;

/** Bits 63:32 of CAP (spec N120). */
export const CapHigh = {
  DSTRD: highBits(35, 32),
  NSSRS: highBits(36, 36),
  CSS: highBits(44, 37),
  BPS: highBits(45, 45),
  CPS: highBits(47, 46),
  MPSMIN: highBits(51, 48),
  MPSMAX: highBits(55, 52),
  PMRS: highBits(56, 56),
  CMBS: highBits(57, 57),
  NSSS: highBits(58, 58),
  CRWMS: highBits(59, 59),
  CRIMS: highBits(60, 60),
  RSVD: highBits(63, 61),
} as const;

/** Bits of CAP.CSS: which command sets CC.CSS may choose. */
export const CAP_CSS_NVM = 1 << 0;
export const CAP_CSS_ALL_SETS = 1 << 6;
export const CAP_CSS_NONE = 1 << 7;

/** Controller configuration (spec N120). */
export const Cc = {
  EN: bit(0),
  RSVD0: bits(3, 1),
  CSS: bits(6, 4),
  MPS: bits(10, 7),
  AMS: bits(13, 11),
  SHN: bits(15, 14),
  IOSQES: bits(19, 16),
  IOCQES: bits(23, 20),
  CRIME: bit(24),
  RSVD1: bits(31, 25),
} as const;

export const CC_CSS_NVM = 0;
export const CC_CSS_ALL_SETS = 6;
export const CC_CSS_ADMIN_ONLY = 7;

/** Controller status (spec N120). */
export const Csts = {
  RDY: bit(0),
  CFS: bit(1),
  SHST: bits(3, 2),
  NSSRO: bit(4),
  PP: bit(5),
  ST: bit(6),
  RSVD: bits(31, 7),
} as const;

export const CSTS_RDY = 1 << 0;
export const CSTS_CFS = 1 << 1;
export const CSTS_NSSRO = 1 << 4;
export const SHST_NORMAL = 0;
export const SHST_OCCURRING = 1;
export const SHST_COMPLETE = 2;

/** What NSSR wants to see: "NVMe". */
export const NSSR_MAGIC = 0x4e564d65;

/** Admin queue attributes: sizes are 0-based (spec N120). */
export const Aqa = { ASQS: bits(11, 0), RSVD0: bits(15, 12), ACQS: bits(27, 16), RSVD1: bits(31, 28) } as const;

/** Controller memory buffer location (spec N120). */
export const Cmbloc = {
  BIR: bits(2, 0),
  CQMMS: bit(3),
  CQPDS: bit(4),
  CDPMLS: bit(5),
  CDPCILS: bit(6),
  CDMMMS: bit(7),
  CQDA: bit(8),
  RSVD: bits(11, 9),
  OFST: bits(31, 12),
} as const;

/** Controller memory buffer size (spec N120). */
export const Cmbsz = {
  SQS: bit(0),
  CQS: bit(1),
  LISTS: bit(2),
  RDS: bit(3),
  WDS: bit(4),
  RSVD: bits(7, 5),
  SZU: bits(11, 8),
  SZ: bits(31, 12),
} as const;

/** Low half of CMBMSC; bits 63:12 are the base address (spec N120). */
export const Cmbmsc = { CRE: bit(0), CMSE: bit(1), RSVD: bits(11, 2), CBA: bits(31, 12) } as const;

/** Persistent memory region (spec N120; NVMe Base 2.0c): what it can, and that it is ready. */
export const Pmrcap = {
  RSVD0: bits(2, 0),
  RDS: bit(3),
  WDS: bit(4),
  BIR: bits(7, 5),
  PMRTU: bits(9, 8),
  PMRWBM: bits(13, 10),
  RSVD1: bits(15, 14),
  PMRTO: bits(23, 16),
  CMSS: bit(24),
  RSVD2: bits(31, 25),
} as const;
export const PMRCTL_EN = 1 << 0;
export const Pmrsts = { ERR: bits(7, 0), NRDY: bit(8), HSTS: bits(11, 9), CBAI: bit(12), RSVD: bits(31, 13) } as const;
/** Low half of PMRMSC; bits 63:12 are the base address. */
export const Pmrmscl = { RSVD0: bit(0), CMSE: bit(1), RSVD1: bits(11, 2), CBA: bits(31, 12) } as const;
/** PMRCAP.PMRWBM: a read of PMRSTS makes earlier writes persistent. */
export const PMRWBM_READ_STATUS = 2;

/** Controller ready timeouts in units of 500 ms (spec N120). */
export const Crto = { CRWMT: bits(15, 0), CRIMT: bits(31, 16) } as const;

/** BAR0 offset of a queue's doorbell (spec N51). */
export function doorbellOffset(qid: number, isCompletion: 0 | 1, strideLog2: number): number {
  return Register.DOORBELLS + (2 * qid + isCompletion) * (4 << strideLog2);
}
