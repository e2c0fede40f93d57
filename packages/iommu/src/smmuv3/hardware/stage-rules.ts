import { highMask, lowMask } from '../../spec/bits.ts';
import { Stage1Descriptor, Stage2Descriptor, TableDescriptor } from '../../spec/smmuv3-paging.ts';
import * as rights from './rights.ts';
import type { StageTables } from './stage-tables.ts';

const { ANY_EXECUTE, ANY_READ, ANY_WRITE, CLEAN, DEVICE_MEMORY, PRIVILEGED_EXECUTE, USER_EXECUTE } = rights;

/** What entries of one stage grant (spec H64). Both stages keep the dirty state in bit 7: read-only, or writable. */
export interface StageRules {
  /** Rights that a table entry leaves to what is below it, from its high half. */
  tableRights(high: number): number;
  /** Rights that a leaf grants; `CLEAN` when its write rights take a store to the entry first. */
  leafRights(low: number, high: number, tables: StageTables): number;
  /** The leaf's low half once it is dirty. */
  dirtied(low: number): number;
}

const APTABLE_NO_USER = 2 ** (TableDescriptor.APTABLE.lo - 32);
const APTABLE_READ_ONLY = APTABLE_NO_USER * 2;
const PXNTABLE = highMask(TableDescriptor.PXNTABLE);
const UXNTABLE = highMask(TableDescriptor.XNTABLE);
const AP_USER = 2 ** Stage1Descriptor.AP.lo;
const AP_READ_ONLY = AP_USER * 2;
const DBM = highMask(Stage1Descriptor.DBM);
const PXN = 2 ** (Stage1Descriptor.XN.lo - 32);
const UXN = PXN * 2;

/** Stage 1: reading takes no more than a leaf, writing a writable one; unprivileged requests need AP[1] (spec H64, H122). */
export const STAGE1_RULES: StageRules = {
  tableRights(high) {
    let granted = rights.ALL_RIGHTS;
    if ((high & APTABLE_NO_USER) !== 0) granted &= ~(rights.USER_READ | rights.USER_WRITE);
    if ((high & APTABLE_READ_ONLY) !== 0) granted &= ~ANY_WRITE;
    if ((high & PXNTABLE) !== 0) granted &= ~PRIVILEGED_EXECUTE;
    if ((high & UXNTABLE) !== 0) granted &= ~USER_EXECUTE;
    return granted | CLEAN;
  },
  leafRights(low, high, tables) {
    const isClean = (low & AP_READ_ONLY) !== 0 && (high & DBM) !== 0 && tables.updatesDirty;
    let granted = rights.ALL_RIGHTS;
    if ((low & AP_USER) === 0) granted &= ~(rights.USER_READ | rights.USER_WRITE);
    if ((low & AP_READ_ONLY) !== 0 && !isClean) granted &= ~ANY_WRITE;
    if ((high & PXN) !== 0 || (granted & rights.USER_WRITE) !== 0) granted &= ~PRIVILEGED_EXECUTE;
    if ((high & UXN) !== 0) granted &= ~USER_EXECUTE;
    if (tables.writableNeverExecutes && (granted & ANY_WRITE) !== 0) granted &= ~ANY_EXECUTE;
    return isClean ? granted | CLEAN : granted;
  },
  dirtied(low) {
    return (low & ~AP_READ_ONLY) >>> 0;
  },
};

const S2AP_READ = 2 ** Stage2Descriptor.S2AP.lo;
const S2AP_WRITE = S2AP_READ * 2;
/** MemAttr[3:2] = 0: device memory of any kind. */
const MEMATTR_NOT_DEVICE = lowMask({ hi: Stage2Descriptor.MEMATTR.hi, lo: Stage2Descriptor.MEMATTR.hi - 1 });
const S2_XN_SHIFT = Stage2Descriptor.XN.lo - 32;
/** Rights to execute by XN[1:0] where EL0 and EL1 are told apart (XNX): for all, EL0 only, none, EL1 only. */
const SEPARATE_EXECUTION = [ANY_EXECUTE, USER_EXECUTE, 0, PRIVILEGED_EXECUTE];

/** Stage 2: read and write are rights of their own, and the same for all (spec H64). Table entries carry none. */
export class Stage2Rules implements StageRules {
  readonly #separatesExecution: boolean;

  constructor(separatesExecution: boolean) {
    this.#separatesExecution = separatesExecution;
  }

  tableRights(): number {
    return rights.ALL_RIGHTS | CLEAN | DEVICE_MEMORY;
  }

  leafRights(low: number, high: number, tables: StageTables): number {
    const isClean = (low & S2AP_WRITE) === 0 && (high & DBM) !== 0 && tables.updatesDirty;
    let granted = this.#execution((high >>> S2_XN_SHIFT) & 3);
    if ((low & S2AP_READ) !== 0) granted |= ANY_READ;
    if ((low & S2AP_WRITE) !== 0 || isClean) granted |= ANY_WRITE;
    if ((low & MEMATTR_NOT_DEVICE) === 0) granted |= DEVICE_MEMORY;
    return isClean ? granted | CLEAN : granted;
  }

  dirtied(low: number): number {
    return (low | S2AP_WRITE) >>> 0;
  }

  #execution(neverExecutes: number): number {
    if (this.#separatesExecution) return SEPARATE_EXECUTION[neverExecutes];
    return (neverExecutes & 2) === 0 ? ANY_EXECUTE : 0;
  }
}
