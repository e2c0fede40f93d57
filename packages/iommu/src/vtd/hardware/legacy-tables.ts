import { NO_PASID } from '../../hardware/address-spaces.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get, getAddress, highMask, lowMask } from '../../spec/bits.ts';
import { levelShift } from '../../spec/vtd-paging.ts';
import {
  CONTEXT_ENTRY_BYTES,
  ContextEntry,
  ROOT_ENTRY_BYTES,
  RootEntry,
  TranslationType,
} from '../../spec/vtd-tables.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import type { FaultReasons } from './fault-reasons.ts';
import { Translation, type TranslationContext } from './translation-context.ts';

const { qw0, qw1 } = ContextEntry;

/** Root and context tables of legacy mode (spec H16, H17). */
export class LegacyTables {
  readonly #memory: UnitMemory;
  readonly #capabilities: VtdCapabilities;
  readonly #reservedHigh: number = 0;

  /** @param hostAddressBits address bits from there on are reserved in every entry */
  constructor(memory: UnitMemory, capabilities: VtdCapabilities, hostAddressBits: number) {
    this.#memory = memory;
    this.#capabilities = capabilities;
    this.#reservedHigh = reservedAddressHigh(hostAddressBits);
  }

  /** Fills the context for its source id from the tables: 0, or a fault reason (spec H26 steps 3 and 4). */
  lookup(rootTable: number, context: TranslationContext, reasons: FaultReasons): number {
    const table = this.#contextTable(rootTable + (context.sourceId >>> 8) * ROOT_ENTRY_BYTES, reasons);
    if (table < 0) return -table;
    return this.#decode(table + (context.sourceId & 0xff) * CONTEXT_ENTRY_BYTES, context, reasons);
  }

  #contextTable(at: number, reasons: FaultReasons): number {
    const memory = this.#memory;
    if (!memory.canAccess(at)) return -reasons.rootAccess;
    const low = memory.load32(at);
    const high = memory.load32(at + 4);
    if ((low & lowMask(RootEntry.P)) === 0) return -reasons.rootNotPresent;
    const reserved = (low & lowMask(RootEntry.RSVD1)) | (high & this.#reservedHigh);
    if ((reserved | memory.load32(at + 8) | memory.load32(at + 12)) !== 0) return -reasons.rootReserved;
    return getAddress(low, high, RootEntry.CTP);
  }

  #decode(at: number, context: TranslationContext, reasons: FaultReasons): number {
    const memory = this.#memory;
    if (!memory.canAccess(at)) return reasons.contextAccess;
    const low = memory.load32(at);
    const high = memory.load32(at + 4);
    const low1 = memory.load32(at + 8);
    const high1 = memory.load32(at + 12);
    context.suppressesFaults = get(low, high, qw0.FPD) === 1;
    if (get(low, high, qw0.P) === 0) return reasons.contextNotPresent;
    const reserved = (low & lowMask(qw0.RSVD4)) | (high & this.#reservedHigh);
    const reserved1 = (low1 & (lowMask(qw1.RSVD7) | lowMask(qw1.RSVD24))) | (high1 & highMask(qw1.RSVD24));
    if ((reserved | reserved1) !== 0) return reasons.contextReserved;
    context.pasid = NO_PASID;
    context.domainId = get(low1, high1, qw1.DID);
    context.secondRoot = getAddress(low, high, qw0.SSPTPTR);
    context.secondLevels = get(low1, high1, qw1.AW) + 2;
    context.secondLimit = 2 ** Math.min(levelShift(context.secondLevels + 1), this.#capabilities.guestAddressBits);
    return this.#decodeType(get(low, high, qw0.TT), context) ? 0 : reasons.contextInvalid;
  }

  /** TT = 2 needs a valid width too, though it walks nothing (spec H17). */
  #decodeType(type: number, context: TranslationContext): boolean {
    const { passThrough, deviceTlbs } = this.#capabilities;
    if (!this.#capabilities.allowsLevels(context.secondLevels)) return false;
    context.allowsAts = type === TranslationType.WITH_ATS;
    context.translation = type === TranslationType.PASS_THROUGH ? Translation.PASS_THROUGH : Translation.SECOND_STAGE;
    if (type === TranslationType.PASS_THROUGH) return passThrough;
    return type === TranslationType.UNTRANSLATED || (type === TranslationType.WITH_ATS && deviceTlbs);
  }
}

/** Mask of the high half's bits at and above the host address width, of a field that ends at bit 63. */
export function reservedAddressHigh(hostAddressBits: number): number {
  return (2 ** 32 - 2 ** (hostAddressBits - 32)) >>> 0;
}
