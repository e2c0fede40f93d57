import { bits } from './bits.ts';

/** Offsets of the SMMUv3 register pages, in bytes from the unit's base; page 1 starts at 0x10000 (spec H57). */
export const SMMU_REG = {
  IDR0: 0x00,
  IDR1: 0x04,
  IDR3: 0x0c,
  IDR5: 0x14,
  AIDR: 0x1c,
  CR0: 0x20,
  CR0ACK: 0x24,
  CR1: 0x28,
  CR2: 0x2c,
  GBPA: 0x44,
  IRQ_CTRL: 0x50,
  IRQ_CTRLACK: 0x54,
  GERROR: 0x60,
  GERRORN: 0x64,
  GERROR_IRQ_CFG0: 0x68,
  STRTAB_BASE: 0x80,
  STRTAB_BASE_CFG: 0x88,
  CMDQ_BASE: 0x90,
  CMDQ_PROD: 0x98,
  CMDQ_CONS: 0x9c,
  EVENTQ_BASE: 0xa0,
  EVENTQ_IRQ_CFG0: 0xb0,
  EVENTQ_PROD: 0x100a8,
  EVENTQ_CONS: 0x100ac,
} as const;

/** From an IRQ_CFG0 (64-bit address): data and attributes of the message (spec H57). */
export const SMMU_IRQ_CFG = { ADDRESS: 0, DATA: 8, ATTRIBUTES: 12, BYTES: 16 } as const;

/** IDR0, 32 bits (spec H57); the names that the table leaves out are the architecture's. */
export const SmmuIdr0 = {
  S2P: bits(0),
  S1P: bits(1),
  TTF: bits(3, 2),
  COHACC: bits(4),
  BTM: bits(5),
  HTTU: bits(7, 6),
  DORMHINT: bits(8),
  HYP: bits(9),
  ATS: bits(10),
  NS1ATS: bits(11),
  ASID16: bits(12),
  MSI: bits(13),
  SEV: bits(14),
  ATOS: bits(15),
  PRI: bits(16),
  VMW: bits(17),
  VMID16: bits(18),
  CD2L: bits(19),
  VATOS: bits(20),
  TTENDIAN: bits(22, 21),
  ATSRECERR: bits(23),
  STALL_MODEL: bits(25, 24),
  TERM_MODEL: bits(26),
  ST_LEVEL: bits(28, 27),
  RSVD29: bits(31, 29),
} as const;

/** Values of IDR0.HTTU (spec H13b). */
export const SmmuHttu = { NONE: 0, ACCESS: 1, ACCESS_DIRTY: 2 } as const;
/** Value of IDR0.TTF, its AArch64 bit (spec H57). */
export const SMMU_TTF_AARCH64 = 2;
/** Value of IDR0.STALL_MODEL: faults terminate, always (spec H57). */
export const SMMU_NO_STALL = 1;

/** IDR1, 32 bits: queue sizes are log2 of the most entries (spec H57). */
export const SmmuIdr1 = {
  SIDSIZE: bits(5, 0),
  SSIDSIZE: bits(10, 6),
  PRIQS: bits(15, 11),
  EVENTQS: bits(20, 16),
  CMDQS: bits(25, 21),
  RSVD26: bits(31, 26),
} as const;

/** IDR3, 32 bits (spec H57). */
export const SmmuIdr3 = {
  RSVD0: bits(1, 0),
  HAD: bits(2),
  RSVD3: bits(3),
  XNX: bits(4),
  RSVD5: bits(7, 5),
  FWB: bits(8),
  RSVD9: bits(9),
  RIL: bits(10),
  BBML: bits(12, 11),
  RSVD13: bits(31, 13),
} as const;

/** IDR5, 32 bits (spec H57). */
export const SmmuIdr5 = {
  OAS: bits(2, 0),
  RSVD3: bits(3),
  GRAN4K: bits(4),
  GRAN16K: bits(5),
  GRAN64K: bits(6),
  RSVD7: bits(9, 7),
  VAX: bits(11, 10),
  RSVD12: bits(15, 12),
  STALL_MAX: bits(31, 16),
} as const;

/** Address widths by the value of IDR5.OAS, CD.IPS and STE.S2PS (spec H57). */
export const SMMU_ADDRESS_BITS = [32, 36, 40, 42, 44, 48, 52] as const;

/** CR0 and CR0ACK, 32 bits (spec H57). */
export const SmmuCr0 = {
  SMMUEN: bits(0),
  PRIQEN: bits(1),
  EVENTQEN: bits(2),
  CMDQEN: bits(3),
  ATSCHK: bits(4),
  RSVD5: bits(31, 5),
} as const;

/** CR2, 32 bits (spec H57). */
export const SmmuCr2 = { E2H: bits(0), RECINVSID: bits(1), PTM: bits(2), RSVD3: bits(31, 3) } as const;

/** GBPA, 32 bits: what happens to requests while SMMUEN is 0 (spec H57). */
export const SmmuGbpa = {
  ATTRIBUTES: bits(19, 0),
  ABORT: bits(20),
  RSVD21: bits(30, 21),
  UPDATE: bits(31),
} as const;

/** IRQ_CTRL and IRQ_CTRLACK, 32 bits (spec H57). */
export const SmmuIrqCtrl = { GERROR: bits(0), PRIQ: bits(1), EVENTQ: bits(2), RSVD3: bits(31, 3) } as const;

/** GERROR and GERRORN, 32 bits: an error is active while its bits differ (spec H57). */
export const SmmuGerror = {
  CMDQ_ERR: bits(0),
  RSVD1: bits(1),
  EVENTQ_ABT: bits(2),
  PRIQ_ABT: bits(3),
  MSI_ABT: bits(7, 4),
  SFM: bits(8),
  RSVD9: bits(31, 9),
} as const;

/** STRTAB_BASE, 64 bits (spec H57). */
export const StrtabBase = {
  RSVD0: bits(5, 0),
  ADDR: bits(51, 6),
  RSVD52: bits(61, 52),
  RA: bits(62),
  RSVD63: bits(63),
} as const;

/** STRTAB_BASE_CFG, 32 bits (spec H57). */
export const SmmuStrtabCfg = {
  LOG2SIZE: bits(5, 0),
  SPLIT: bits(10, 6),
  RSVD11: bits(15, 11),
  FMT: bits(17, 16),
  RSVD18: bits(31, 18),
} as const;

/** Values of STRTAB_BASE_CFG.FMT (spec H57). */
export const StreamTableFormat = { LINEAR: 0, TWO_LEVEL: 1 } as const;

/** CMDQ_BASE and EVENTQ_BASE, 64 bits (spec H57). */
export const SmmuQueueBase = {
  LOG2SIZE: bits(4, 0),
  ADDR: bits(51, 5),
  RSVD52: bits(61, 52),
  RA: bits(62), // read-allocate hint of CMDQ, write-allocate of EVENTQ
  RSVD63: bits(63),
} as const;

/** CMDQ_CONS, 32 bits: index with its wrap bit below, ERR (spec H57). */
export const SmmuCmdqCons = { RD: bits(19, 0), RSVD20: bits(23, 20), ERR: bits(30, 24), RSVD31: bits(31) } as const;

/** Top bit of EVENTQ_PROD and EVENTQ_CONS: differs while records were lost that software has not acknowledged (spec H58). */
export const EVENTQ_OVERFLOW = 0x8000_0000;
