import type { DeviceTlb } from '../../core/unit/ats.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { MemoryPage } from '../../page-table/memory-page.ts';
import * as layout from '../../spec/amd-commands.ts';
import { highMask, lowMask } from '../../spec/bits.ts';
import type { AmdFeatures } from '../features.ts';
import type { Command } from './command.ts';
import type { AmdDeviations } from './deviations.ts';
import { ORDER_ALL, type Translator } from './translator.ts';

const Code = layout.AmdCommandCode;

/** What became of a command. */
export const Outcome = { DONE: 0, ILLEGAL: 1, DEVICE_TIMEOUT: 2, NO_ACCESS: 3 } as const;

const STORE = lowMask(layout.AmdCompletionWait.qw0.S);
const INTERRUPT = lowMask(layout.AmdCompletionWait.qw0.I);
const STORE_ADDRESS_HIGH = highMask(layout.AmdCompletionWait.qw0.STORE_ADDRESS);

const EVERYTHING_BYTES = 2 ** 64;

/** Carries out one well-formed command (spec H41). */
export class Commands {
  /** Software asked to be told when a COMPLETION_WAIT is done. */
  readonly #completed: () => void;
  readonly #memory: UnitMemory;
  /** The page of the latest completion store. */
  readonly #storePage: MemoryPage;
  readonly #features: AmdFeatures;
  readonly #translator: Translator;
  readonly #deviceTlbs: ReadonlyMap<number, DeviceTlb>;
  readonly #isQemu: boolean;

  constructor(
    memory: UnitMemory,
    features: AmdFeatures,
    translator: Translator,
    deviceTlbs: ReadonlyMap<number, DeviceTlb>,
    deviations: AmdDeviations,
    completed: () => void,
  ) {
    this.#memory = memory;
    this.#storePage = new MemoryPage(memory, 0);
    this.#features = features;
    this.#translator = translator;
    this.#deviceTlbs = deviceTlbs;
    this.#isQemu = deviations === 'qemu';
    this.#completed = completed;
  }

  execute(command: Command): number {
    switch (command.code) {
      case Code.COMPLETION_WAIT:
        return this.#completionWait(command);
      case Code.INVALIDATE_DEVTAB_ENTRY:
        this.#translator.dropDevice(command.low0 & 0xffff);
        return Outcome.DONE;
      case Code.INVALIDATE_IOMMU_PAGES:
        return this.#iommuPages(command);
      case Code.INVALIDATE_IOTLB_PAGES:
        return this.#iotlbPages(command);
      case Code.INVALIDATE_IOMMU_ALL:
        if (!this.#features.invalidatesAll) return Outcome.ILLEGAL;
        this.#translator.dropEverything();
        return Outcome.DONE;
      case Code.PREFETCH_IOMMU_PAGES:
        return this.#features.prefetch ? Outcome.DONE : Outcome.ILLEGAL;
      default:
        // Interrupt entries aren't cached, page requests aren't modelled: nothing to drop, nobody to answer.
        return Outcome.DONE;
    }
  }

  /**
   * Everything before it is done by now, for the buffer works in order. By masks, as what follows, and not by the field
   * helpers: every strict unmap comes through here.
   */
  #completionWait(command: Command): number {
    if ((command.low0 & STORE) !== 0) {
      const at = (command.high0 & STORE_ADDRESS_HIGH) * 2 ** 32 + ((command.low0 & ~7) >>> 0);
      if (!this.#memory.canAccess(at)) return Outcome.NO_ACCESS;
      const offset = at & 0xfff;
      this.#storePage.moveTo(at - offset);
      this.#storePage.store32(offset, command.low1);
      this.#storePage.store32(offset + 4, command.high1);
    }
    if ((command.low0 & INTERRUPT) !== 0) this.#completed();
    return Outcome.DONE;
  }

  #iommuPages(command: Command): number {
    const domainId = command.high0 & 0xffff;
    const { low1, high1 } = command;
    if (this.#isQemu) {
      this.#translator.dropDomain(domainId);
      return Outcome.DONE;
    }
    const order = (low1 & 1) === 0 ? 0 : rangeOrder(low1, high1);
    const leafOnly = (low1 & 2) === 0;
    const address = high1 * 2 ** 32 + ((low1 & ~0xfff) >>> 0);
    const pasid = (low1 & 4) === 0 ? -1 : command.low0 & 0xfffff;
    this.#translator.dropPages(domainId, pasid, address, order, leafOnly);
    return Outcome.DONE;
  }

  #iotlbPages(command: Command): number {
    const { qw0, qw1 } = layout.AmdInvalidateIotlbPages;
    const isGuest = command.get1(qw1.GN) === 1;
    const pasid = isGuest ? command.get0(qw0.PASID_HIGH) * 256 + command.get0(qw0.PASID_LOW) : -1;
    const order = command.get1(qw1.S) === 0 ? 0 : rangeOrder(command.low1, command.high1);
    const bytes = order === ORDER_ALL ? EVERYTHING_BYTES : 4096 * 2 ** order;
    const address = command.high1 * 2 ** 32 + ((command.low1 & ~0xfff) >>> 0);
    const start = order === ORDER_ALL ? 0 : address - (address % bytes);
    const device = this.#deviceTlbs.get(command.get0(qw0.DEVICE_ID));
    return (device?.invalidate(pasid, start, bytes) ?? true) ? Outcome.DONE : Outcome.DEVICE_TIMEOUT;
  }
}

/** log2 of the pages that a sized invalidation covers, by the lowest zero bit of its address from bit 12 on (spec H13). */
function rangeOrder(low: number, high: number): number {
  const zerosLow = ~low & ~0xfff;
  if (zerosLow !== 0) return 31 - Math.clz32(zerosLow & -zerosLow) - 11;
  const zerosHigh = ~high & 0xf_ffff; // a range of 2^52 bytes and more is all that there is
  return zerosHigh === 0 ? ORDER_ALL : 63 - Math.clz32(zerosHigh & -zerosHigh) - 11;
}
