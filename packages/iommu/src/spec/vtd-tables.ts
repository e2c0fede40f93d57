import { bits } from './bits.ts';

/** Root entry, legacy mode: 16 bytes, indexed by bus (spec H16). The second qword is reserved. */
export const RootEntry = {
  P: bits(0),
  RSVD1: bits(11, 1),
  CTP: bits(63, 12),
} as const;
export const ROOT_ENTRY_BYTES = 16;

/** Either qword of a scalable-mode root entry: lower for devfn 0 to 127, upper for the rest (spec H20). */
export const ScalableRootEntry = {
  P: bits(0), // LP or UP
  RSVD1: bits(11, 1),
  CTP: bits(63, 12), // LCTP or UCTP
} as const;

/** Context entry, legacy mode: 16 bytes, indexed by devfn (spec H17). */
export const ContextEntry = {
  qw0: {
    P: bits(0),
    FPD: bits(1),
    TT: bits(3, 2),
    RSVD4: bits(11, 4),
    SSPTPTR: bits(63, 12),
  },
  qw1: {
    AW: bits(2, 0),
    SW: bits(6, 3),
    RSVD7: bits(7),
    DID: bits(23, 8),
    RSVD24: bits(63, 24),
  },
} as const;
export const CONTEXT_ENTRY_BYTES = 16;

/** Values of ContextEntry.TT (spec H17). */
export const TranslationType = { UNTRANSLATED: 0, WITH_ATS: 1, PASS_THROUGH: 2 } as const;

/** Context entry, scalable mode: 32 bytes, indexed by devfn & 127; the upper two qwords are reserved (spec H20). */
export const ScalableContextEntry = {
  qw0: {
    P: bits(0),
    FPD: bits(1),
    DTE: bits(2),
    PASIDE: bits(3),
    PRE: bits(4),
    RSVD5: bits(8, 5),
    PDTS: bits(11, 9), // directory entries = 2^(PDTS + 7)
    PASIDDIRPTR: bits(63, 12),
  },
  qw1: {
    RID_PASID: bits(19, 0),
    RID_PRIV: bits(20),
    RSVD21: bits(63, 21),
  },
} as const;
export const SCALABLE_CONTEXT_ENTRY_BYTES = 32;

/** PASID directory entry: 8 bytes, indexed by pasid >> 6 (spec H20). */
export const PasidDirectoryEntry = {
  P: bits(0),
  FPD: bits(1),
  RSVD2: bits(11, 2),
  SMPTBLPTR: bits(63, 12),
} as const;
export const PASID_DIRECTORY_ENTRY_BYTES = 8;

/** PASID table entry: 64 bytes, indexed by pasid & 63; qwords 3 to 7 are reserved (spec H21). */
export const PasidEntry = {
  qw0: {
    P: bits(0),
    FPD: bits(1),
    AW: bits(4, 2),
    EXE: bits(5),
    PGTT: bits(8, 6),
    SSADE: bits(9),
    RSVD10: bits(11, 10),
    SSPTPTR: bits(63, 12),
  },
  qw1: {
    DID: bits(15, 0),
    RSVD16: bits(22, 16),
    PWSNP: bits(23),
    PGSNP: bits(24),
    CD: bits(25),
    MEMORY_TYPE: bits(63, 26),
  },
  qw2: {
    SRE: bits(0),
    ERE: bits(1),
    FSPM: bits(3, 2),
    WPE: bits(4),
    NXE: bits(5),
    SMEP: bits(6),
    EAFE: bits(7),
    RSVD8: bits(11, 8),
    FSPTPTR: bits(63, 12),
  },
} as const;
export const PASID_ENTRY_BYTES = 64;

/** Values of PasidEntry.PGTT (spec H21). */
export const PasidTranslationType = { FIRST_STAGE: 1, SECOND_STAGE: 2, NESTED: 3, PASS_THROUGH: 4 } as const;

/** Values of PasidEntry.FSPM (spec H21). */
export const FirstStagePagingMode = { LEVELS_4: 0, LEVELS_5: 1 } as const;
