import { highMask, lowMask } from '../../spec/bits.ts';
import { RiscvIotinval, RiscvIotinvalFunc } from '../../spec/riscv-commands.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import { ANY } from './address-spaces.ts';
import type { Command } from './command.ts';
import type { ContextCache } from './context-cache.ts';
import { napotPages } from './napot.ts';
import { hasReserved, reservedBits } from './reserved-bits.ts';
import type { TranslationCaches } from './translation-caches.ts';

const { qw0, qw1 } = RiscvIotinval;
const RESERVED0 = reservedBits(qw0);
const RESERVED1 = reservedBits(qw1);
const AV = lowMask(qw0.AV);
const PSCV = highMask(qw0.PSCV);
const GV = highMask(qw0.GV);
const NL = highMask(qw0.NL);
const GSCID_SHIFT = qw0.GSCID.lo - 32;
const GSCID = 0xffff;
const RANGE = lowMask(qw1.S);
const ADDRESS_HIGH = highMask(qw1.ADDR);
const ADDRESS_HIGH_UNIT = 2 ** (32 - qw1.ADDR.lo);

/** IOTINVAL (spec H100): by masks and shifts, for every strict unmap comes here. */
export class TranslationInvalidator {
  readonly #caches: TranslationCaches;
  readonly #contexts: ContextCache;
  readonly #capabilities: RiscvCapabilities;

  constructor(caches: TranslationCaches, contexts: ContextCache, capabilities: RiscvCapabilities) {
    this.#caches = caches;
    this.#contexts = contexts;
    this.#capabilities = capabilities;
  }

  /** False when the command is illegal. */
  execute(command: Command): boolean {
    const { low0, high0, low1, high1, func } = command;
    if (hasReserved(low0, high0, RESERVED0) || hasReserved(low1, high1, RESERVED1)) return false;
    if ((high0 & NL) !== 0 && !this.#capabilities.nonLeafInvalidation) return false;
    if ((low1 & RANGE) !== 0 && !this.#capabilities.rangeInvalidation) return false;
    if (func === RiscvIotinvalFunc.VMA) this.#invalidateFirstStage(command);
    else if (func === RiscvIotinvalFunc.GVMA && (high0 & PSCV) === 0) this.#invalidateGuest(command);
    else return false;
    return true;
  }

  /** First-stage and combined translations: of the host without GV, of a guest with it. */
  #invalidateFirstStage(command: Command): void {
    const { low0, high0 } = command;
    const guests = (high0 & GV) !== 0;
    const gscid = guests ? (high0 >>> GSCID_SHIFT) & GSCID : ANY;
    const pscid = (high0 & PSCV) !== 0 ? low0 >>> qw0.PSCID.lo : ANY;
    if ((low0 & AV) === 0) {
      this.#caches.spaces.flush(guests, gscid, pscid);
      this.#contexts.renewTags();
      return;
    }
    const { spaces } = this.#caches;
    for (let space = 1; space < spaces.count; space++) {
      if (spaces.covers(space, guests, gscid, pscid)) this.#dropRange(command, space);
    }
  }

  /** Second-stage translations. A page of a guest may be in any combined one, which are known by other addresses. */
  #invalidateGuest(command: Command): void {
    const { low0, high0 } = command;
    const { spaces } = this.#caches;
    const hasGuest = (high0 & GV) !== 0;
    const gscid = hasGuest ? (high0 >>> GSCID_SHIFT) & GSCID : ANY;
    const isRange = hasGuest && (low0 & AV) !== 0;
    for (let space = 1; space < spaces.count; space++) {
      if (!spaces.covers(space, true, gscid, ANY)) continue;
      if (isRange && !spaces.isCombined(space)) this.#dropRange(command, space);
      else spaces.retag(space);
    }
    this.#contexts.renewTags();
  }

  #dropRange({ high0, low1, high1 }: Command, space: number): void {
    const page = (high1 & ADDRESS_HIGH) * ADDRESS_HIGH_UNIT + (low1 >>> qw1.ADDR.lo);
    const withTables = (high0 & NL) !== 0;
    if ((low1 & RANGE) === 0) {
      this.#caches.dropRange(space, page * 4096, 4096, withTables);
      return;
    }
    const pages = napotPages(page);
    this.#caches.dropRange(space, (page - (page % pages)) * 4096, pages * 4096, withTables);
  }
}
