import type { SendMessage } from '../../core/unit/iommu-unit.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { MemoryPage } from '../../page-table/memory-page.ts';
import { lowMask } from '../../spec/bits.ts';
import { InvalidationType } from '../../spec/vtd-invalidation.ts';
import { Fsts, VTD_REG } from '../../spec/vtd-registers.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import { Descriptor } from './descriptor.ts';
import { EventInterrupt } from './event-interrupt.ts';
import type { FaultLog } from './fault-log.ts';
import { InvalidationCommands, Outcome } from './invalidation-commands.ts';
import type { InvalidationTarget } from './invalidation-target.ts';

const IQE = lowMask(Fsts.IQE);
const ITE = lowMask(Fsts.ITE);
const WAIT_INTERRUPT = 1 << 4;
const WAIT_STATUS = 1 << 5;
const FIRST_PASID_TYPE = InvalidationType.PASID_IOTLB;
const LAST_PASID_TYPE = InvalidationType.PASID_DEVICE_TLB;

/** IQER.IQEI. spec gap: H14 names the field and not its values; these are the public specification's. */
const QueueError = { NONE: 0, TAIL: 1, FETCH: 2, TYPE: 3, RESERVED: 4 } as const;

/** The invalidation queue of a unit: registers, fetch loop, waits and errors (spec H14, H28). Works in {@link step} only. */
export class InvalidationQueue {
  readonly completion: EventInterrupt;
  /** ICS.IWC: a wait with IF completed. */
  #completed = 0;
  #head = 0;
  #tail = 0;
  #base = 0;
  /** Descriptors are 256 bits (IQA.DW). */
  #wide = false;
  #pages = 1;
  #enabled = false;
  /** An error stopped the queue; writing the tail lets it try again (spec H28). */
  #stopped = false;
  /** A device didn't answer: waits up to the tail are dropped. */
  #abortsWaits = false;
  #error: number = QueueError.NONE;
  #timedOutSource = 0;
  readonly #descriptor = new Descriptor();
  readonly #memory: UnitMemory;
  /** The pages of the latest descriptor and the latest status word: the next ones are nearly always in them too. */
  readonly #ringPage: MemoryPage;
  readonly #statusPage: MemoryPage;
  readonly #commands: InvalidationCommands;
  readonly #faults: FaultLog;

  constructor(
    memory: UnitMemory,
    capabilities: VtdCapabilities,
    target: InvalidationTarget,
    faults: FaultLog,
    send: SendMessage,
  ) {
    this.#memory = memory;
    this.#ringPage = new MemoryPage(memory, 0);
    this.#statusPage = new MemoryPage(memory, 0);
    this.#commands = new InvalidationCommands(target, capabilities);
    this.#faults = faults;
    this.completion = new EventInterrupt(VTD_REG.IECTL, send);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  get head(): number {
    return this.#head;
  }

  get tail(): number {
    return this.#tail;
  }

  /** ICS as software reads it. */
  get completionStatus(): number {
    return this.#completed;
  }

  clearCompletion(value: number): void {
    if ((value & 1) === 0) return;
    this.#completed = 0;
    this.completion.withdraw();
  }

  /** IQER halves: the cause, and the source of a device that didn't answer in the high half. */
  get errorLow(): number {
    return this.#error;
  }

  get errorHigh(): number {
    return this.#timedOutSource;
  }

  /** Software wrote IQA: while the queue is off, that also decides the descriptor width. */
  setBase(low: number, high: number): void {
    this.#base = high * 2 ** 32 + ((low & ~0xfff) >>> 0);
    this.#wide = (low & 0x800) !== 0;
    this.#pages = 2 ** (low & 7);
  }

  /** Enabling starts at descriptor 0 (spec H15). */
  setEnabled(enabled: boolean): void {
    if (enabled && !this.#enabled) this.#head = 0;
    this.#enabled = enabled;
    this.#stopped = false;
  }

  setTail(value: number): void {
    this.#tail = value & 0x7fff0;
    this.#stopped = false;
  }

  /** Executes everything up to the tail, or up to the first bad descriptor. */
  step(): void {
    if (!this.#enabled || this.#stopped || this.#faults.hasQueueError) return;
    const bytes = this.#pages * 4096;
    const stride = this.#wide ? 32 : 16;
    if (this.#tail >= bytes || this.#tail % stride !== 0) {
      this.#stop(QueueError.TAIL);
      return;
    }
    while (this.#head !== this.#tail) {
      if (!this.#execute(this.#base + this.#head)) return;
      this.#head = (this.#head + stride) & (bytes - 1);
    }
    this.#abortsWaits = false;
  }

  /** False when the queue has to stay on this descriptor. */
  #execute(at: number): boolean {
    if (!this.#fetch(at)) return this.#stop(QueueError.FETCH);
    const descriptor = this.#descriptor;
    const { type } = descriptor;
    const needsWide = type >= FIRST_PASID_TYPE && type <= LAST_PASID_TYPE;
    if (type === 0 || type > InvalidationType.PAGE_GROUP_RESPONSE || (needsWide && !this.#wide)) {
      return this.#stop(QueueError.TYPE);
    }
    if (!descriptor.isWellFormed() || (this.#wide && this.#hasUpperBits(at))) return this.#stop(QueueError.RESERVED);
    if (type === InvalidationType.WAIT) return this.#wait(descriptor);
    const outcome = this.#commands.execute(descriptor);
    if (outcome === Outcome.INVALID) return this.#stop(QueueError.RESERVED);
    if (outcome === Outcome.DEVICE_TIMEOUT) return this.#timeOut(descriptor);
    return true;
  }

  #fetch(at: number): boolean {
    if (!this.#memory.canAccess(at)) return false;
    const offset = at & 0xfff;
    const page = this.#ringPage;
    page.moveTo(at - offset);
    this.#descriptor.low0 = page.loadSigned32(offset);
    this.#descriptor.high0 = page.loadSigned32(offset + 4);
    this.#descriptor.low1 = page.loadSigned32(offset + 8);
    this.#descriptor.high1 = page.loadSigned32(offset + 12);
    return true;
  }

  #hasUpperBits(at: number): boolean {
    for (let word = at + 16; word < at + 32; word += 4) if (this.#memory.load32(word) !== 0) return true;
    return false;
  }

  /** Everything before it is done by now, for this queue works in order: fence and drain have nothing to wait for. */
  #wait(descriptor: Descriptor): boolean {
    if (this.#abortsWaits) return true;
    if ((descriptor.low0 & WAIT_STATUS) !== 0) {
      const status = (descriptor.high1 >>> 0) * 2 ** 32 + ((descriptor.low1 & ~3) >>> 0);
      if (!this.#memory.canAccess(status)) return this.#stop(QueueError.FETCH);
      const offset = status & 0xfff;
      this.#statusPage.moveTo(status - offset);
      this.#statusPage.store32(offset, descriptor.high0);
    }
    if ((descriptor.low0 & WAIT_INTERRUPT) !== 0 && this.#completed === 0) {
      this.#completed = 1;
      this.completion.raise();
    }
    return true;
  }

  #stop(error: number): boolean {
    this.#stopped = true;
    this.#error = error;
    this.#faults.raiseQueueError(IQE);
    return false;
  }

  /** The waits behind it in the queue never complete, so that software submits its batch again (spec I194). */
  #timeOut(descriptor: Descriptor): boolean {
    this.#abortsWaits = true;
    this.#timedOutSource =
      descriptor.type === InvalidationType.DEVICE_TLB ? descriptor.high0 & 0xffff : descriptor.low0 >>> 16;
    this.#faults.raiseQueueError(ITE);
    return true;
  }
}
