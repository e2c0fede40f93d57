import type { DeviceTlb } from '../../core/unit/ats.ts';
import { get, getAddress } from '../../spec/bits.ts';
import * as layout from '../../spec/smmuv3-commands.ts';
import { TLBI_TG_SHIFTS } from '../../spec/smmuv3-paging.ts';
import type { SmmuCapabilities } from '../capabilities.ts';
import type { SmmuDeviations } from './deviations.ts';
import { ANY, NO_ASID, Regime } from './tlb-spaces.ts';
import type { Translator } from './translator.ts';
import type { UnitInterrupts } from './unit-interrupts.ts';

const { SmmuCommand: Op, CommandError } = layout;

/** A command as it was fetched: two qwords in halves. Reused. */
export class FetchedCommand {
  low0 = 0;
  high0 = 0;
  low1 = 0;
  high1 = 0;
}

/** What each command does (spec H72). */
export class Commands {
  readonly #translator: Translator;
  readonly #capabilities: SmmuCapabilities;
  readonly #deviceTlbs: ReadonlyMap<number, DeviceTlb>;
  readonly #interrupts: UnitInterrupts;
  readonly #deviations: SmmuDeviations;
  readonly #asidMask: number = 0;
  /** 0 without a second stage: there is one VMID then. */
  readonly #vmidMask: number = 0;
  /** A device did not answer an ATC_INV: the next SYNC says so. */
  #timedOut = false;

  constructor(
    translator: Translator,
    capabilities: SmmuCapabilities,
    deviceTlbs: ReadonlyMap<number, DeviceTlb>,
    interrupts: UnitInterrupts,
    deviations: SmmuDeviations,
  ) {
    this.#translator = translator;
    this.#capabilities = capabilities;
    this.#deviceTlbs = deviceTlbs;
    this.#interrupts = interrupts;
    this.#deviations = deviations;
    this.#asidMask = capabilities.asids - 1;
    this.#vmidMask = capabilities.stage2 ? capabilities.vmids - 1 : 0;
  }

  /** Executes one command: 0, or the `CommandError` that stops the queue on it. */
  execute(command: FetchedCommand): number {
    const { low0, high0, low1, high1 } = command;
    const opcode = low0 & 0xff;
    if (opcode === Op.SYNC) return this.#sync(command);
    if (opcode >= Op.TLBI_NH_ALL && opcode <= Op.TLBI_NSNH_ALL) return this.#tlbi(opcode, command);
    switch (opcode) {
      case Op.PREFETCH_CONFIG:
      case Op.PREFETCH_ADDR:
        return CommandError.NONE;
      case Op.CFGI_STE:
        this.#translator.streams.drop(high0, high0, (low1 & 1) !== 0);
        this.#translator.forgetTags();
        return CommandError.NONE;
      case Op.CFGI_STE_RANGE:
        this.#dropStreams(high0, get(low1, high1, layout.ConfigRangeCommand.qw1.RANGE));
        return CommandError.NONE;
      case Op.CFGI_CD:
      case Op.CFGI_CD_ALL:
        return this.#dropContexts(opcode, command);
      case Op.ATC_INV:
        return this.#invalidateDevice(command);
      case Op.PRI_RESP:
        return this.#capabilities.pageRequests ? CommandError.NONE : CommandError.ILLEGAL;
      case Op.RESUME:
        return this.#capabilities.neverStalls ? CommandError.ILLEGAL : CommandError.NONE;
      default:
        return CommandError.ILLEGAL;
    }
  }

  /** Streams around one, 2^(range + 1) of them. */
  #dropStreams(streamId: number, range: number): void {
    const count = 2 ** (range + 1);
    const first = streamId - (streamId % count);
    this.#translator.streams.drop(first, first + count - 1, false);
    this.#translator.forgetTags();
  }

  #dropContexts(opcode: number, { low0, high0, low1, high1 }: FetchedCommand): number {
    if (!this.#capabilities.stage1) return CommandError.ILLEGAL;
    const substream = get(low0, high0, layout.ConfigCommand.qw0.SSID);
    const leafOnly = get(low1, high1, layout.ConfigCommand.qw1.LEAF) === 1;
    this.#translator.streams.forEach((stream) => {
      if (stream.streamId !== high0) return;
      if (opcode === Op.CFGI_CD) stream.contexts.delete(substream);
      else stream.contexts.clear();
      if (opcode === Op.CFGI_CD_ALL || !leafOnly) stream.contextTables.clear();
    });
    this.#translator.forgetTags();
    return CommandError.NONE;
  }

  #tlbi(opcode: number, command: FetchedCommand): number {
    const { stage1, stage2, hypervisor } = this.#capabilities;
    // Plain shifts: every strict unmap comes through here.
    const vmid = command.high0 & this.#vmidMask;
    const asid = (command.high0 >>> 16) & this.#asidMask;
    switch (opcode) {
      case Op.TLBI_NH_VA:
        this.#dropRange(Regime.EL1, vmid, asid, command);
        return stage1 ? CommandError.NONE : CommandError.ILLEGAL;
      case Op.TLBI_NH_VAA:
        this.#dropRange(Regime.EL1, vmid, ANY, command);
        return stage1 ? CommandError.NONE : CommandError.ILLEGAL;
      case Op.TLBI_S2_IPA:
        this.#dropRange(Regime.STAGE2, vmid, NO_ASID, command);
        return stage2 ? CommandError.NONE : CommandError.ILLEGAL;
      case Op.TLBI_NH_ALL:
        return this.#flush(stage1, Regime.EL1, vmid, ANY);
      case Op.TLBI_NH_ASID:
        return this.#flush(stage1, Regime.EL1, vmid, asid);
      case Op.TLBI_S12_VMALL:
        this.#flush(stage2, Regime.EL1, vmid, ANY);
        return this.#flush(stage2, Regime.STAGE2, vmid, ANY);
      case Op.TLBI_NSNH_ALL:
        this.#flush(true, Regime.EL1, ANY, ANY);
        return this.#flush(true, Regime.STAGE2, ANY, ANY);
      default:
        return this.#hypervisorTlbi(opcode, hypervisor, asid, command);
    }
  }

  #hypervisorTlbi(opcode: number, hypervisor: boolean, asid: number, command: FetchedCommand): number {
    if (opcode < Op.TLBI_EL2_ALL || opcode > Op.TLBI_EL2_VAA) return CommandError.ILLEGAL;
    if (!hypervisor) return this.#deviations === 'qemu' ? CommandError.NONE : CommandError.ILLEGAL;
    if (opcode === Op.TLBI_EL2_ALL) return this.#flush(true, Regime.EL2, ANY, ANY);
    if (opcode === Op.TLBI_EL2_ASID) return this.#flush(true, Regime.EL2, ANY, asid);
    this.#dropRange(Regime.EL2, 0, opcode === Op.TLBI_EL2_VA ? asid : ANY, command);
    return CommandError.NONE;
  }

  #flush(supported: boolean, regime: number, vmid: number, asid: number): number {
    if (!supported) return CommandError.ILLEGAL;
    this.#translator.tlb.spaces.flush(regime, vmid, asid);
    this.#translator.renewTags();
    return CommandError.NONE;
  }

  /** One page of any size, or with TG the run of (NUM + 1) * 2^SCALE granules. */
  #dropRange(regime: number, vmid: number, asid: number, { low0, low1, high1 }: FetchedCommand): void {
    const start = (high1 >>> 0) * 2 ** 32 + ((low1 & ~0xfff) >>> 0);
    const granuleShift = this.#capabilities.rangeInvalidation ? TLBI_TG_SHIFTS[(low1 >>> 10) & 3] : 0;
    let lengthBytes = 4096;
    if (granuleShift !== 0) lengthBytes = (((low0 >>> 12) & 0x1f) + 1) * 2 ** (((low0 >>> 20) & 0x3f) + granuleShift);
    this.#translator.tlb.dropRange(regime, vmid, asid, start, lengthBytes, (low1 & 1) !== 0);
  }

  #invalidateDevice({ low0, high0, low1, high1 }: FetchedCommand): number {
    if (!this.#capabilities.ats) return CommandError.ILLEGAL;
    const { qw0, qw1 } = layout.AtcInvalidateCommand;
    const size = get(low1, high1, qw1.SIZE);
    const lengthBytes = 2 ** (12 + size);
    const address = getAddress(low1, high1, qw1.ADDR);
    const hasSubstream = get(low0, high0, qw0.SSV) === 1 && get(low0, high0, qw0.GLOBAL) === 0;
    const substream = hasSubstream ? get(low0, high0, qw0.SSID) : -1;
    const device = this.#deviceTlbs.get(high0);
    const answered =
      size >= layout.ATC_SIZE_ALL
        ? device?.invalidate(substream, 0, 2 ** 64)
        : device?.invalidate(substream, address - (address % lengthBytes), lengthBytes);
    if (answered === false) this.#timedOut = true;
    return CommandError.NONE;
  }

  /** Every command before it is done by now: they are executed in order. */
  #sync({ low0, high0, low1, high1 }: FetchedCommand): number {
    if (this.#timedOut) {
      this.#timedOut = false;
      return CommandError.ATC_TIMEOUT;
    }
    const signal = (low0 >>> layout.SyncCommand.qw0.CS.lo) & 3;
    if (signal > layout.SyncSignal.SEV) return CommandError.ILLEGAL;
    if (signal === layout.SyncSignal.IRQ) {
      this.#interrupts.raiseSync((high1 & 0xfffff) * 2 ** 32 + ((low1 & ~3) >>> 0), high0);
    }
    return CommandError.NONE;
  }
}
