import { bits } from './bits.ts';

/** Offsets of the VT-d register file, in bytes from the unit's base (spec H14). */
export const VTD_REG = {
  VER: 0x00,
  CAP: 0x08,
  ECAP: 0x10,
  GCMD: 0x18,
  GSTS: 0x1c,
  RTADDR: 0x20,
  CCMD: 0x28,
  FSTS: 0x34,
  FECTL: 0x38,
  FEDATA: 0x3c,
  FEADDR: 0x40,
  FEUADDR: 0x44,
  IQH: 0x80,
  IQT: 0x88,
  IQA: 0x90,
  ICS: 0x9c,
  IECTL: 0xa0,
  IEDATA: 0xa4,
  IEADDR: 0xa8,
  IEUADDR: 0xac,
  IQER: 0xb0,
  IRTA: 0xb8,
} as const;

/** IVA and IOTLB registers, from the offset that ECAP.IRO gives. */
export const VTD_IOTLB_REG = { IVA: 0, IOTLB: 8 } as const;

/** CAP, 64 bits (spec H14). */
export const Cap = {
  ND: bits(2, 0),
  RSVD3: bits(3),
  RWBF: bits(4),
  PLMR: bits(5),
  PHMR: bits(6),
  CM: bits(7),
  SAGAW: bits(12, 8),
  RSVD13: bits(15, 13),
  MGAW: bits(21, 16), // minus one
  ZLR: bits(22),
  RSVD23: bits(23),
  FRO: bits(33, 24), // in units of 16 bytes
  SSLPS: bits(37, 34), // bit 0: 2 MiB, bit 1: 1 GiB
  RSVD38: bits(38),
  PSI: bits(39),
  NFR: bits(47, 40), // minus one
  MAMV: bits(53, 48),
  DWD: bits(54),
  DRD: bits(55),
  FS1GP: bits(56),
  RSVD57: bits(58, 57),
  PI: bits(59),
  FS5LP: bits(60),
  RSVD61: bits(61),
  ESIRTPS: bits(62),
  ESRTPS: bits(63),
} as const;

/** ECAP, 64 bits (spec H14). */
export const Ecap = {
  C: bits(0),
  QI: bits(1),
  DT: bits(2),
  IR: bits(3),
  EIM: bits(4),
  RSVD5: bits(5),
  PT: bits(6),
  SC: bits(7),
  IRO: bits(17, 8), // in units of 16 bytes
  RSVD18: bits(19, 18),
  MHMV: bits(23, 20),
  RSVD24: bits(25, 24),
  NEST: bits(26),
  RSVD27: bits(28, 27),
  PRS: bits(29),
  ERS: bits(30),
  SRS: bits(31),
  RSVD32: bits(32),
  NWFS: bits(33),
  EAFS: bits(34),
  PSS: bits(39, 35), // PASID bits minus one
  PASID: bits(40),
  DIT: bits(41),
  PDS: bits(42),
  SMTS: bits(43),
  RSVD44: bits(44),
  SSADS: bits(45),
  SSTS: bits(46),
  FSTS: bits(47),
  SMPWC: bits(48),
  RSVD49: bits(63, 49),
} as const;

/** GCMD and GSTS share bit positions, 32 bits (spec H14). One-shot commands: SRTP, SFL, WBF, SIRTP. */
export const Gcmd = {
  RSVD0: bits(22, 0),
  CFI: bits(23),
  SIRTP: bits(24),
  IRE: bits(25),
  QIE: bits(26),
  WBF: bits(27),
  EAFL: bits(28),
  SFL: bits(29),
  SRTP: bits(30),
  TE: bits(31),
} as const;

/** RTADDR, 64 bits (spec H14). */
export const Rtaddr = { RSVD0: bits(9, 0), TTM: bits(11, 10), RTA: bits(63, 12) } as const;

/** Values of RTADDR.TTM. */
export const TranslationTableMode = { LEGACY: 0, SCALABLE: 1, RESERVED: 2, ABORT: 3 } as const;

/** CCMD, 64 bits: register-based context invalidation (spec H14). */
export const Ccmd = {
  DID: bits(15, 0),
  SID: bits(31, 16),
  FM: bits(33, 32),
  RSVD34: bits(58, 34),
  CAIG: bits(60, 59),
  CIRG: bits(62, 61),
  ICC: bits(63),
} as const;

/** IOTLB register, 64 bits: register-based invalidation (spec H14). */
export const IotlbReg = {
  RSVD0: bits(31, 0),
  DID: bits(47, 32),
  DW: bits(48),
  DR: bits(49),
  RSVD50: bits(56, 50),
  IAIG: bits(58, 57),
  RSVD59: bits(59),
  IIRG: bits(61, 60),
  RSVD62: bits(62),
  IVT: bits(63),
} as const;

/** IVA, 64 bits: the address that goes with a page-selective IOTLB register command (spec H14). */
export const IvaReg = { AM: bits(5, 0), IH: bits(6), RSVD7: bits(11, 7), ADDR: bits(63, 12) } as const;

/** FSTS, 32 bits (spec H14). */
export const Fsts = {
  PFO: bits(0),
  PPF: bits(1),
  RSVD2: bits(3, 2),
  IQE: bits(4),
  ICE: bits(5),
  ITE: bits(6),
  RSVD7: bits(7),
  FRI: bits(15, 8),
  RSVD16: bits(31, 16),
} as const;

/** FECTL and IECTL, 32 bits: event interrupt mask and pending (spec H14). */
export const EventControl = { RSVD0: bits(29, 0), IP: bits(30), IM: bits(31) } as const;

/** IQH and IQT, 64 bits: byte offsets into the queue (spec H14). */
export const QueueOffset = { RSVD0: bits(3, 0), OFFSET: bits(18, 4), RSVD19: bits(63, 19) } as const;

/** IQA, 64 bits (spec H14). */
export const Iqa = { QS: bits(2, 0), RSVD3: bits(10, 3), DW: bits(11), IQA: bits(63, 12) } as const;

/** ICS, 32 bits: invalidation completion status (spec H14). */
export const Ics = { IWC: bits(0), RSVD1: bits(31, 1) } as const;

/** IQER, 64 bits: what stopped the invalidation queue (spec H14). */
export const Iqer = { IQEI: bits(3, 0), RSVD4: bits(31, 4), ITESID: bits(47, 32), ICESID: bits(63, 48) } as const;

/** IRTA, 64 bits: interrupt remapping table (spec H14). */
export const Irta = { S: bits(3, 0), RSVD4: bits(10, 4), EIME: bits(11), IRTA: bits(63, 12) } as const;
