import type { DeviceTlb } from '../../core/unit/ats.ts';
import {
  RiscvAtsCommand,
  RiscvAtsFunc,
  RiscvAtsInvalidation,
  RiscvIodir,
  RiscvIodirFunc,
  RiscvOpcode,
} from '../../spec/riscv-commands.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import { ANY } from './address-spaces.ts';
import type { Command } from './command.ts';
import type { ContextCache } from './context-cache.ts';
import { napotPages } from './napot.ts';
import { hasReserved, reservedBits } from './reserved-bits.ts';
import type { TranslationCaches } from './translation-caches.ts';
import { TranslationInvalidator } from './translation-invalidator.ts';

/** What became of a command. */
export const Outcome = { DONE: 0, ILLEGAL: 1, DEVICE_TIMEOUT: 2 } as const;

const IODIR = reservedBits(RiscvIodir.qw0);
const ATS = reservedBits(RiscvAtsCommand.qw0);
const GLOBAL_LENGTH = 2 ** 64;

/** Carries invalidations out on a unit's caches (spec H100); everything but fences. */
export class Commands {
  readonly #translations: TranslationInvalidator;
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
    this.#translations = new TranslationInvalidator(caches, contexts, capabilities);
    this.#contexts = contexts;
    this.#capabilities = capabilities;
    this.#deviceTlbs = deviceTlbs;
  }

  /** One of {@link Outcome}. */
  execute(command: Command): number {
    switch (command.opcode) {
      case RiscvOpcode.IOTINVAL:
        return this.#translations.execute(command) ? Outcome.DONE : Outcome.ILLEGAL;
      case RiscvOpcode.IODIR:
        return this.#invalidateDirectory(command);
      case RiscvOpcode.ATS:
        return this.#capabilities.ats ? this.#invalidateDevice(command) : Outcome.ILLEGAL;
      default:
        return Outcome.ILLEGAL;
    }
  }

  #invalidateDirectory(command: Command): number {
    const { qw0 } = RiscvIodir;
    const hasDevice = command.flag0(qw0.DV);
    if (hasReserved(command.low0, command.high0, IODIR) || (command.low1 | command.high1) !== 0) return Outcome.ILLEGAL;
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
    if (hasReserved(command.low0, command.high0, ATS) || command.func > RiscvAtsFunc.PRGR) return Outcome.ILLEGAL;
    if (command.func === RiscvAtsFunc.PRGR) return Outcome.DONE;
    const segment = command.flag0(qw0.DSV) ? command.field0(qw0.DSEG) : 0;
    const deviceTlb = this.#deviceTlbs.get(segment * 0x10000 + command.field0(qw0.RID));
    const pasid = command.flag0(qw0.PV) ? command.field0(qw0.PID) : ANY;
    const { start, lengthBytes } = deviceRange(command);
    return deviceTlb?.invalidate(pasid, start, lengthBytes) === false ? Outcome.DEVICE_TIMEOUT : Outcome.DONE;
  }
}

/** A device TLB's range as the message carries it (spec H13); one that ends in ones to the top is everything. */
function deviceRange(command: Command): { start: number; lengthBytes: number } {
  const page = command.field1(RiscvAtsInvalidation.ADDR);
  if (command.field1(RiscvAtsInvalidation.S) === 0) return { start: page * 4096, lengthBytes: 4096 };
  const pages = napotPages(page);
  if (pages >= 2 ** 51) return { start: 0, lengthBytes: GLOBAL_LENGTH };
  return { start: (page - (page % pages)) * 4096, lengthBytes: pages * 4096 };
}
