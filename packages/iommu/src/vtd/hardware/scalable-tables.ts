import { NO_PASID } from '../../hardware/address-spaces.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { type Field, get, getAddress, lowMask } from '../../spec/bits.ts';
import { ScalableFault } from '../../spec/vtd-faults.ts';
import { levelShift } from '../../spec/vtd-paging.ts';
import {
  FirstStagePagingMode,
  PASID_DIRECTORY_ENTRY_BYTES,
  PASID_ENTRY_BYTES,
  PasidDirectoryEntry,
  PasidEntry,
  PasidTranslationType,
  SCALABLE_CONTEXT_ENTRY_BYTES,
  ScalableContextEntry,
  ScalableRootEntry,
} from '../../spec/vtd-tables.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import type { FaultCodes, FaultReasons } from './fault-reasons.ts';
import { reservedAddressHigh } from './legacy-tables.ts';
import { Translation, type TranslationContext } from './translation-context.ts';

const context = ScalableContextEntry;
const pasidEntry = PasidEntry;
/** By PGTT (spec H21); other values are invalid. */
const TRANSLATIONS: Readonly<Record<number, number>> = {
  [PasidTranslationType.FIRST_STAGE]: Translation.FIRST_STAGE,
  [PasidTranslationType.SECOND_STAGE]: Translation.SECOND_STAGE,
  [PasidTranslationType.NESTED]: Translation.NESTED,
  [PasidTranslationType.PASS_THROUGH]: Translation.PASS_THROUGH,
};
/** PASIDs that one directory entry stands for. */
const PASIDS_PER_TABLE = 64;

/** Root, context, PASID directory and PASID tables of scalable mode (spec H20, H21). */
export class ScalableTables {
  readonly #memory: UnitMemory;
  readonly #capabilities: VtdCapabilities;
  readonly #reservedHigh: number;
  /** QEMU looks at PGTT before P, so that a cleared entry is an invalid one (spec H26). */
  readonly #typeBeforePresence: boolean;

  constructor(memory: UnitMemory, capabilities: VtdCapabilities, hostAddressBits: number, codes: FaultCodes) {
    this.#memory = memory;
    this.#capabilities = capabilities;
    this.#reservedHigh = reservedAddressHigh(hostAddressBits);
    this.#typeBeforePresence = codes === 'qemu';
  }

  /** Fills what a request of that source and PASID goes through: 0, or a fault reason (spec H26). */
  lookup(rootTable: number, into: TranslationContext, reasons: FaultReasons): number {
    const table = this.#contextTable(rootTable + (into.sourceId >>> 7) * 8, reasons);
    if (table < 0) return -table;
    const at = table + (into.sourceId & 0x7f) * SCALABLE_CONTEXT_ENTRY_BYTES;
    const directory = this.#directory(at, into, reasons);
    if (directory < 0) return -directory;
    const entries = this.#pasidTable(directory + (into.pasid >>> 6) * PASID_DIRECTORY_ENTRY_BYTES, into);
    if (entries < 0) return -entries;
    return this.#pasidEntry(entries + (into.pasid % PASIDS_PER_TABLE) * PASID_ENTRY_BYTES, into);
  }

  #contextTable(at: number, reasons: FaultReasons): number {
    const memory = this.#memory;
    if (!memory.canAccess(at)) return -reasons.rootAccess;
    const low = memory.load32(at);
    const high = memory.load32(at + 4);
    if ((low & lowMask(ScalableRootEntry.P)) === 0) return -reasons.rootNotPresent;
    if (((low & lowMask(ScalableRootEntry.RSVD1)) | (high & this.#reservedHigh)) !== 0) return -reasons.rootReserved;
    return getAddress(low, high, ScalableRootEntry.CTP);
  }

  /** Checks the context entry and settles the PASID; the address of the PASID directory, or a negative reason. */
  #directory(at: number, into: TranslationContext, reasons: FaultReasons): number {
    if (!this.#memory.canAccess(at)) return -reasons.contextAccess;
    const entry = (qword: 0 | 1, field: Field) => this.#get(at + qword * 8, field);
    into.suppressesFaults = entry(0, context.qw0.FPD) === 1;
    if (entry(0, context.qw0.P) === 0) return -reasons.contextNotPresent;
    const reserved = entry(0, context.qw0.RSVD5) + entry(1, context.qw1.RSVD21);
    if (reserved !== 0 || this.#hasHighAddress(at) || this.#hasWords(at + 16, 4)) return -reasons.contextReserved;
    into.allowsAts = entry(0, context.qw0.DTE) === 1;
    if (into.allowsAts && !this.#capabilities.deviceTlbs) return -reasons.contextInvalid;
    const size = 2 ** (entry(0, context.qw0.PDTS) + 7) * PASIDS_PER_TABLE;
    if (into.requestPasid === NO_PASID) {
      into.pasid = entry(1, context.qw1.RID_PASID);
      if (into.pasid >= size) return -ScalableFault.RID_PASID;
    } else {
      into.pasid = into.requestPasid;
      if (entry(0, context.qw0.PASIDE) === 0) return -ScalableFault.PASID_DISABLED;
      if (into.pasid >= size) return -ScalableFault.PASID_BEYOND_DIRECTORY;
    }
    return getAddress(this.#memory.load32(at), this.#memory.load32(at + 4), context.qw0.PASIDDIRPTR);
  }

  #pasidTable(at: number, into: TranslationContext): number {
    if (!this.#memory.canAccess(at)) return -ScalableFault.DIRECTORY_ACCESS;
    const low = this.#memory.load32(at);
    const high = this.#memory.load32(at + 4);
    into.suppressesFaults ||= get(low, high, PasidDirectoryEntry.FPD) === 1;
    if (get(low, high, PasidDirectoryEntry.P) === 0) return -ScalableFault.DIRECTORY_NOT_PRESENT;
    const reserved = get(low, high, PasidDirectoryEntry.RSVD2);
    if (reserved !== 0 || this.#hasHighAddress(at)) return -ScalableFault.DIRECTORY_RESERVED;
    return getAddress(low, high, PasidDirectoryEntry.SMPTBLPTR);
  }

  #pasidEntry(at: number, into: TranslationContext): number {
    if (!this.#memory.canAccess(at)) return ScalableFault.PASID_ENTRY_ACCESS;
    const { qw0, qw1, qw2 } = pasidEntry;
    into.suppressesFaults ||= this.#get(at, qw0.FPD) === 1;
    const type = this.#get(at, qw0.PGTT);
    if (this.#typeBeforePresence && TRANSLATIONS[type] === undefined) return ScalableFault.PASID_ENTRY_INVALID;
    if (this.#get(at, qw0.P) === 0) return ScalableFault.PASID_ENTRY_NOT_PRESENT;
    const reserved = this.#get(at, qw0.RSVD10) + this.#get(at + 8, qw1.RSVD16) + this.#get(at + 16, qw2.RSVD8);
    if (reserved !== 0 || this.#hasHighAddress(at) || this.#hasHighAddress(at + 16) || this.#hasWords(at + 24, 10)) {
      return ScalableFault.PASID_ENTRY_RESERVED;
    }
    this.#decode(at, type, into);
    return this.#isSupported(into) ? 0 : ScalableFault.PASID_ENTRY_INVALID;
  }

  #decode(at: number, type: number, into: TranslationContext): void {
    const { qw0, qw1, qw2 } = pasidEntry;
    const flag = (qword: number, field: Field) => this.#get(at + qword * 8, field) === 1;
    into.translation = TRANSLATIONS[type] ?? Translation.NONE;
    into.domainId = this.#get(at + 8, qw1.DID);
    into.secondRoot = this.#address(at, qw0.SSPTPTR);
    into.secondLevels = this.#get(at, qw0.AW) + 2;
    into.secondLimit = 2 ** Math.min(levelShift(into.secondLevels + 1), this.#capabilities.guestAddressBits);
    into.secondAccessedDirty = flag(0, qw0.SSADE);
    into.firstRoot = this.#address(at + 16, qw2.FSPTPTR);
    into.firstLevels = this.#get(at + 16, qw2.FSPM) + 4;
    into.supervisorRequests = flag(2, qw2.SRE);
    into.executeRequests = flag(2, qw2.ERE);
    into.writeProtectsSupervisor = flag(2, qw2.WPE);
    into.noExecuteEnabled = flag(2, qw2.NXE);
    into.extendedAccessed = flag(2, qw2.EAFE);
  }

  /** Types, widths and features that the unit lacks make an entry invalid (spec H26: 0x5B). */
  #isSupported(into: TranslationContext): boolean {
    const { firstStage, secondStage, nested, passThrough } = this.#capabilities;
    switch (into.translation) {
      case Translation.FIRST_STAGE:
        return firstStage && this.#hasFirstStageMode(into);
      case Translation.SECOND_STAGE:
        return secondStage && this.#hasSecondStageMode(into);
      case Translation.NESTED:
        return nested && this.#hasFirstStageMode(into) && this.#hasSecondStageMode(into);
      case Translation.PASS_THROUGH:
        return passThrough && this.#capabilities.allowsLevels(into.secondLevels);
      default:
        return false;
    }
  }

  #hasFirstStageMode(into: TranslationContext): boolean {
    const { firstStageLevels5, supervisorRequests, executeRequests, extendedAccessed } = this.#capabilities;
    const mode = into.firstLevels - 4;
    if (mode !== FirstStagePagingMode.LEVELS_4 && !(mode === FirstStagePagingMode.LEVELS_5 && firstStageLevels5)) {
      return false;
    }
    if (into.supervisorRequests && !supervisorRequests) return false;
    if (into.executeRequests && !executeRequests) return false;
    return !into.extendedAccessed || extendedAccessed;
  }

  #hasSecondStageMode(into: TranslationContext): boolean {
    if (into.secondAccessedDirty && !this.#capabilities.secondStageAccessedDirty) return false;
    return this.#capabilities.allowsLevels(into.secondLevels);
  }

  #get(at: number, field: Field): number {
    return get(this.#memory.load32(at), this.#memory.load32(at + 4), field);
  }

  #address(at: number, field: Field): number {
    return getAddress(this.#memory.load32(at), this.#memory.load32(at + 4), field);
  }

  #hasHighAddress(at: number): boolean {
    return (this.#memory.load32(at + 4) & this.#reservedHigh) !== 0;
  }

  #hasWords(at: number, count: number): boolean {
    for (let word = 0; word < count; word++) if (this.#memory.load32(at + word * 4) !== 0) return true;
    return false;
  }
}
