import type { SendMessage } from '../../core/unit/iommu-unit.ts';
import { getAddress, highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import { FaultRecord } from '../../spec/vtd-faults.ts';
import { Fsts, VTD_REG } from '../../spec/vtd-registers.ts';
import { EventInterrupt } from './event-interrupt.ts';

const PFO = lowMask(Fsts.PFO);
const PPF = lowMask(Fsts.PPF);
const IQE = lowMask(Fsts.IQE);
const ITE = lowMask(Fsts.ITE);
const CLEARABLE = PFO | IQE | ITE | lowMask(Fsts.ICE);
const F = highHalf(FaultRecord.qw1.F, 1);
const SID = lowMask(FaultRecord.qw1.SID);
const WORDS = 4;

/** A blocked request, as the record describes it (spec H24). Reused, so that a fault allocates nothing. */
export class FaultDetails {
  sourceId = 0;
  address = 0;
  reason = 0;
  /** T1: 1 for a read. */
  read = 0;
  /** T2. */
  type2 = 0;
  /** -1: the request had no PASID. */
  pasid = -1;
  execute = 0;
  privileged = 0;
  /** AT field of the request: 0 untranslated, 1 translation request, 2 translated. */
  addressType = 0;
}

/** Fault status, fault event and fault records of a unit (spec H24, H25). */
export class FaultLog {
  readonly event: EventInterrupt;
  /** Records, four u32 each. */
  readonly #records: Uint32Array;
  #status = 0;
  /** Slot that the next fault takes. */
  #next = 0;
  /** FSTS.FRI: the slot that set PPF. */
  #first = 0;

  constructor(records: number, send: SendMessage) {
    this.#records = new Uint32Array(records * WORDS);
    this.event = new EventInterrupt(VTD_REG.FECTL, send);
  }

  /** FSTS as software reads it. PPF is no state of its own: it is any record's F bit (spec H120). */
  get status(): number {
    return (this.#status | (this.#anyPending() ? PPF : 0) | (this.#first << Fsts.FRI.lo)) >>> 0;
  }

  /** An invalidation queue error waits for software (IQE, ITE): cheaper to ask than {@link status}. */
  get hasQueueError(): boolean {
    return (this.#status & (IQE | ITE)) !== 0;
  }

  /** Software wrote FSTS: clears what is write-one-to-clear; the interrupt goes with its last cause (spec H25). */
  clearStatus(value: number): void {
    this.#status &= ~(value & CLEARABLE);
    this.#withdrawEventIfIdle();
  }

  /** Sets IQE, ICE or ITE and raises the fault event (spec H28). */
  raiseQueueError(mask: number): void {
    const idle = !this.#isPending();
    this.#status |= mask;
    if (idle) this.event.raise();
  }

  /** Record bytes as software reads them, from the first record's offset on. */
  readRecord(byteOffset: number): number {
    return this.#records[byteOffset >>> 2];
  }

  /** Only F can be written, with ones, in the last word of a record (spec H24). */
  writeRecord(byteOffset: number, value: number): void {
    const word = byteOffset >>> 2;
    if (word % WORDS !== 3 || (value & F) === 0) return;
    this.#records[word] &= ~F;
    this.#withdrawEventIfIdle();
  }

  get recordBytes(): number {
    return this.#records.length * 4;
  }

  /** Stores a fault, or drops it: after an overflow, while its source has one pending, or for want of a slot (spec H25). */
  record(fault: FaultDetails): void {
    if ((this.#status & PFO) !== 0 || this.#hasPendingFrom(fault.sourceId)) return;
    const idle = !this.#isPending();
    const at = this.#next * WORDS;
    if ((this.#records[at + 3] & F) !== 0) {
      this.#status |= PFO;
      return;
    }
    const first = !this.#anyPending();
    this.#fill(at, fault);
    if (first) this.#first = this.#next;
    this.#next = (this.#next + 1) % (this.#records.length / WORDS);
    if (idle) this.event.raise();
  }

  #fill(at: number, fault: FaultDetails): void {
    const { qw0, qw1 } = FaultRecord;
    const page = getAddress(fault.address >>> 0, Math.floor(fault.address / 2 ** 32), qw0.FI);
    const hasPasid = fault.pasid >= 0;
    const pasid = hasPasid ? fault.pasid : 0;
    this.#records[at] = page >>> 0;
    this.#records[at + 1] = Math.floor(page / 2 ** 32);
    this.#records[at + 2] =
      fault.sourceId |
      lowHalf(qw1.T2, fault.type2) |
      lowHalf(qw1.PRIV, fault.privileged) |
      lowHalf(qw1.EXE, fault.execute) |
      lowHalf(qw1.PP, hasPasid ? 1 : 0);
    this.#records[at + 3] =
      highHalf(qw1.FR, fault.reason) |
      highHalf(qw1.PASID, pasid) |
      highHalf(qw1.AT, fault.addressType) |
      highHalf(qw1.T1, fault.read) |
      F;
  }

  #hasPendingFrom(sourceId: number): boolean {
    for (let at = 0; at < this.#records.length; at += WORDS) {
      if ((this.#records[at + 3] & F) !== 0 && (this.#records[at + 2] & SID) === sourceId) return true;
    }
    return false;
  }

  #anyPending(): boolean {
    for (let at = 3; at < this.#records.length; at += WORDS) if ((this.#records[at] & F) !== 0) return true;
    return false;
  }

  #isPending(): boolean {
    return this.#status !== 0 || this.#anyPending();
  }

  #withdrawEventIfIdle(): void {
    if (!this.#isPending()) this.event.withdraw();
  }
}
