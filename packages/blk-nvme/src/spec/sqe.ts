import { bit, bits } from './bits.ts';

/** Bytes in a submission queue entry; also log2 for CC.IOSQES. */
export const SQE_BYTES = 64;
export const SQES_LOG2 = 6;

/** 32-bit words of a submission queue entry (spec N71); 64-bit fields by their low word. */
export const SqeWord = {
  CDW0: 0,
  NSID: 1,
  CDW2: 2,
  CDW3: 3,
  MPTR: 4,
  DPTR: 6,
  PRP1: 6,
  PRP2: 8,
  CDW10: 10,
  CDW11: 11,
  CDW12: 12,
  CDW13: 13,
  CDW14: 14,
  CDW15: 15,
} as const;

/** Command dword 0 (spec N71). */
export const Cdw0 = {
  OPC: bits(7, 0),
  FUSE: bits(9, 8),
  RSVD: bits(13, 10),
  PSDT: bits(15, 14),
  CID: bits(31, 16),
} as const;

/** Values of {@link Cdw0.PSDT} (spec N143). */
export const PSDT_PRP = 0;
/** SGL for data, MPTR is a plain address. Flag byte 0x40. */
export const PSDT_SGL_MPTR_CONTIG = 1;
/** SGL for data, MPTR is the address of an SGL segment. Flag byte 0x80. */
export const PSDT_SGL_MPTR_SGL = 2;

/** The namespace id that means all. */
export const NSID_ALL = 0xffffffff;

/** Read, Write, Compare, Verify, Write Zeroes: cdw12 (spec N72). */
export const RwCdw12 = {
  NLB: bits(15, 0),
  RSVD: bits(19, 16),
  DTYPE: bits(23, 20),
  STC: bit(24),
  DEAC: bit(25),
  PRCHK_REF: bit(26),
  PRCHK_APP: bit(27),
  PRCHK_GUARD: bit(28),
  PRACT: bit(29),
  FUA: bit(30),
  LR: bit(31),
} as const;

/** Control half-word of cdw12 as the driver composes it (spec N72). */
export const NVME_RW_LR = 0x8000;
export const NVME_RW_FUA = 0x4000;
export const NVME_RW_PRINFO_PRACT = 0x2000;
export const NVME_RW_PRINFO_PRCHK_GUARD = 0x1000;
export const NVME_RW_PRINFO_PRCHK_APP = 0x0800;
export const NVME_RW_PRINFO_PRCHK_REF = 0x0400;
export const NVME_WZ_DEAC = 0x0200;
export const NVME_RW_DTYPE_DPLCMT = 0x0020;
/** Dataset management field of a read-ahead (spec N72). */
export const NVME_RW_DSM_FREQ_PREFETCH = 7;

/** Dataset Management cdw11 and its ranges of 16 bytes (spec N73). */
export const DsmCdw11 = { IDR: bit(0), IDW: bit(1), AD: bit(2), RSVD: bits(31, 3) } as const;
export const NVME_DSMGMT_AD = 4;
export const DSM_RANGE_BYTES = 16;
export const DSM_MAX_RANGES = 256;

/** Copy: cdw12, and the words of a source range of format 0 (spec N160; NVM 1.0c, Copy). */
export const CopyCdw12 = {
  NR: bits(7, 0),
  DESFMT: bits(11, 8),
  PRINFOR: bits(15, 12),
  RSVD: bits(19, 16),
  DTYPE: bits(23, 20),
  STCW: bit(24),
  STCR: bit(25),
  PRINFOW: bits(29, 26),
  FUA: bit(30),
  LR: bit(31),
} as const;
export const CopyRange = { SLBA: 2, NLB: 4 } as const;
export const COPY_RANGE_BYTES = 32;

/** Namespace Management and Namespace Attachment (spec N150). */
export const NsManagementCdw10 = { SEL: bits(3, 0), RSVD: bits(31, 4) } as const;

/** Firmware Commit (spec N150). */
export const FirmwareCommitCdw10 = { FS: bits(2, 0), CA: bits(5, 3), RSVD: bits(30, 6), BPID: bit(31) } as const;

/** Create I/O Completion Queue and Create I/O Submission Queue (spec N150). */
export const CreateQueueCdw10 = { QID: bits(15, 0), QSIZE: bits(31, 16) } as const;
export const CreateCqCdw11 = { PC: bit(0), IEN: bit(1), RSVD: bits(15, 2), IV: bits(31, 16) } as const;
export const CreateSqCdw11 = { PC: bit(0), QPRIO: bits(2, 1), RSVD: bits(15, 3), CQID: bits(31, 16) } as const;

/** Identify (spec N150). */
export const IdentifyCdw10 = { CNS: bits(7, 0), RSVD: bits(15, 8), CNTID: bits(31, 16) } as const;
export const IdentifyCdw11 = { CNSSID: bits(15, 0), RSVD: bits(23, 16), CSI: bits(31, 24) } as const;

/** Set Features and Get Features (spec N150). */
export const SetFeaturesCdw10 = { FID: bits(7, 0), RSVD: bits(30, 8), SV: bit(31) } as const;
export const GetFeaturesCdw10 = { FID: bits(7, 0), SEL: bits(10, 8), RSVD: bits(31, 11) } as const;

/** Get Log Page (spec N150). */
export const GetLogCdw10 = { LID: bits(7, 0), LSP: bits(14, 8), RAE: bit(15), NUMDL: bits(31, 16) } as const;
export const GetLogCdw11 = { NUMDU: bits(15, 0), LSI: bits(31, 16) } as const;
export const GetLogCdw14 = { UUID: bits(6, 0), RSVD: bits(23, 7), CSI: bits(31, 24) } as const;

/** Abort (spec N150). */
export const AbortCdw10 = { SQID: bits(15, 0), CID: bits(31, 16) } as const;

/** Format NVM (spec N150). */
export const FormatCdw10 = {
  LBAFL: bits(3, 0),
  MSET: bit(4),
  PI: bits(7, 5),
  PIL: bit(8),
  SES: bits(11, 9),
  LBAFU: bits(13, 12),
  RSVD: bits(31, 14),
} as const;

/** Sanitize (NVMe Base 2.0c). */
export const SanitizeCdw10 = {
  SANACT: bits(2, 0),
  AUSE: bit(3),
  OWPASS: bits(7, 4),
  OIPBP: bit(8),
  NDAS: bit(9),
  RSVD: bits(31, 10),
} as const;

/** Device Self-test (NVMe Base 2.0c). */
export const SelfTestCdw10 = { STC: bits(3, 0), RSVD: bits(31, 4) } as const;

/** Directive Send and Directive Receive (NVMe Base 2.0c). */
export const DirectiveCdw11 = { DOPER: bits(7, 0), DTYPE: bits(15, 8), DSPEC: bits(31, 16) } as const;

/** Get LBA Status: range length and action (NVM 1.0c). */
export const LbaStatusCdw13 = { RL: bits(15, 0), RSVD: bits(23, 16), ATYPE: bits(31, 24) } as const;

/** Reservation Register, Acquire and Release (NVM 1.0c): CPTPL is of the first, RTYPE of the others. */
export const ReservationCdw10 = {
  ACTION: bits(2, 0),
  IEKEY: bit(3),
  RSVD0: bits(7, 4),
  RTYPE: bits(15, 8),
  RSVD1: bits(29, 16),
  CPTPL: bits(31, 30),
} as const;

/** Reservation status with one registrant in it (NVM 1.0c, Reservation Report). */
export const ReservationReport = {
  GEN: 0,
  RTYPE: 4,
  REGCTL: 5,
  RCSTS: 26,
  HOSTID: 32,
  RKEY: 40,
  BYTES: 48,
} as const;
