import type { DeviceTlb } from '../../core/unit/ats.ts';
import {
  RiscvAtsCommand,
  RiscvAtsFunc,
  RiscvAtsInvalidation,
  RiscvIodir,
  RiscvIodirFunc,
  RiscvIotinval,
  RiscvIotinvalFunc,
  RiscvOpcode,
} from '../../spec/riscv-commands.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import { ANY } from './address-spaces.ts';
import type { Command } from './command.ts';
import type { ContextCache } from './context-cache.ts';
import { hasReserved } from './device-directory.ts';
import type { TranslationCaches } from './translation-caches.ts';

/** What became of a command. */
export const Outcome = { DONE: 0, ILLEGAL: 1, DEVICE_TIMEOUT: 2 } as const;

const GLOBAL_LENGTH = 2 ** 64;

/** Carries invalidations out on a unit's caches (spec H100); everything but fences. */
export class Commands {
  readonly #caches: TranslationCaches;
  readonly #contexts: ContextCache;
  readonly #capabilities: RiscvCapabilities;
  /** By device id. */
  readonly #deviceTlbs: ReadonlyMap<number, DeviceTlb>;

  constructor(
    caches: TranslationCaches,
    contexts: ContextCache,
    capabilities: RiscvCapabilities,
    deviceTlbs: ReadonlyMap<number, DeviceTlb>,
  ) {
    this.#caches = caches;
    this.#contexts = contexts;
    this.#capabilities = capabilities;
    this.#deviceTlbs = deviceTlbs;
  }

  /** One of {@link Outcome}. */
  execute(command: Command): number {
    switch (command.opcode) {
      case RiscvOpcode.IOTINVAL:
        return this.#invalidateTranslations(command);
      case RiscvOpcode.IODIR:
        return this.#invalidateDirectory(command);
      case RiscvOpcode.ATS:
        return this.#capabilities.ats ? this.#invalidateDevice(command) : Outcome.ILLEGAL;
      default:
        return Outcome.ILLEGAL;
    }
  }

  #invalidateTranslations(command: Command): number {
    const { qw0, qw1 } = RiscvIotinval;
    const { nonLeafInvalidation, rangeInvalidation } = this.#capabilities;
    const isGuest = command.func === RiscvIotinvalFunc.GVMA;
    if (command.func > RiscvIotinvalFunc.GVMA || (isGuest && command.flag0(qw0.PSCV))) return Outcome.ILLEGAL;
    if (hasReserved(command.low0, command.high0, qw0) || hasReserved(command.low1, command.high1, qw1)) {
      return Outcome.ILLEGAL;
    }
    if (command.flag0(qw0.NL) && !nonLeafInvalidation) return Outcome.ILLEGAL;
    if (command.field1(qw1.S) === 1 && !rangeInvalidation) return Outcome.ILLEGAL;
    if (isGuest) this.#invalidateGuest(command);
    else this.#invalidateFirstStage(command);
    return Outcome.DONE;
  }

  /** First-stage and combined translations: of the host without GV, of a guest with it. */
  #invalidateFirstStage(command: Command): void {
    const { qw0 } = RiscvIotinval;
    const guests = command.flag0(qw0.GV);
    const gscid = guests ? command.field0(qw0.GSCID) : ANY;
    const pscid = command.flag0(qw0.PSCV) ? command.field0(qw0.PSCID) : ANY;
    if (!command.flag0(qw0.AV)) this.#flush(guests, gscid, pscid);
    else this.#dropPages(command, guests, gscid, pscid);
  }

  /** Second-stage translations. A page of a guest may be in any combined one, which are known by other addresses. */
  #invalidateGuest(command: Command): void {
    const { qw0 } = RiscvIotinval;
    const gscid = command.flag0(qw0.GV) ? command.field0(qw0.GSCID) : ANY;
    if (gscid === ANY || !command.flag0(qw0.AV)) {
      this.#flush(true, gscid, ANY);
      return;
    }
    const { spaces } = this.#caches;
    for (let space = 1; space < spaces.count; space++) {
      if (!spaces.covers(space, true, gscid, ANY)) continue;
      if (spaces.isCombined(space)) spaces.retag(space);
      else this.#dropRange(command, space);
    }
    this.#contexts.renewTags();
  }

  #dropPages(command: Command, guests: boolean, gscid: number, pscid: number): void {
    const { spaces } = this.#caches;
    for (let space = 1; space < spaces.count; space++) {
      if (spaces.covers(space, guests, gscid, pscid)) this.#dropRange(command, space);
    }
  }

  #dropRange(command: Command, space: number): void {
    const { qw0, qw1 } = RiscvIotinval;
    const page = command.field1(qw1.ADDR);
    const pages = command.field1(qw1.S) === 1 ? napotPages(page) : 1;
    this.#caches.dropRange(space, (page - (page % pages)) * 4096, pages * 4096, command.flag0(qw0.NL));
  }

  #flush(guests: boolean, gscid: number, pscid: number): void {
    this.#caches.spaces.flush(guests, gscid, pscid);
    this.#contexts.renewTags();
  }

  #invalidateDirectory(command: Command): number {
    const { qw0 } = RiscvIodir;
    const hasDevice = command.flag0(qw0.DV);
    if (hasReserved(command.low0, command.high0, qw0) || (command.low1 | command.high1) !== 0) return Outcome.ILLEGAL;
    if (command.func === RiscvIodirFunc.INVAL_DDT) {
      if (hasDevice) this.#contexts.drop(command.field0(qw0.DID));
      else this.#contexts.clear();
      return Outcome.DONE;
    }
    if (command.func !== RiscvIodirFunc.INVAL_PDT || !hasDevice) return Outcome.ILLEGAL;
    this.#contexts.drop(command.field0(qw0.DID), command.field0(qw0.PID));
    return Outcome.DONE;
  }

  /** A device without a TLB has nothing to drop, and counts as having answered. Nobody waits for page responses. */
  #invalidateDevice(command: Command): number {
    const { qw0 } = RiscvAtsCommand;
    if (hasReserved(command.low0, command.high0, qw0) || command.func > RiscvAtsFunc.PRGR) return Outcome.ILLEGAL;
    if (command.func === RiscvAtsFunc.PRGR) return Outcome.DONE;
    const segment = command.flag0(qw0.DSV) ? command.field0(qw0.DSEG) : 0;
    const deviceTlb = this.#deviceTlbs.get(segment * 0x10000 + command.field0(qw0.RID));
    const pasid = command.flag0(qw0.PV) ? command.field0(qw0.PID) : ANY;
    const { start, lengthBytes } = deviceRange(command);
    return deviceTlb?.invalidate(pasid, start, lengthBytes) === false ? Outcome.DEVICE_TIMEOUT : Outcome.DONE;
  }
}

/** Pages of a range: its page number ends in a zero bit and ones, which name the size (spec H100, H13). */
function napotPages(page: number): number {
  let pages = 2;
  for (let rest = page; rest % 2 === 1; rest = (rest - 1) / 2) pages *= 2;
  return pages;
}

/** A device TLB's range as the message carries it (spec H13); one that ends in ones to the top is everything. */
function deviceRange(command: Command): { start: number; lengthBytes: number } {
  const page = command.field1(RiscvAtsInvalidation.ADDR);
  if (command.field1(RiscvAtsInvalidation.S) === 0) return { start: page * 4096, lengthBytes: 4096 };
  const pages = napotPages(page);
  if (pages >= 2 ** 51) return { start: 0, lengthBytes: GLOBAL_LENGTH };
  return { start: (page - (page % pages)) * 4096, lengthBytes: pages * 4096 };
}
