import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get, getAddress, highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import { EVENT_RECORD_BYTES, EventRecord, SmmuEventId } from '../../spec/smmuv3-events.ts';
import { EVENTQ_OVERFLOW, SmmuGerror, SmmuQueueBase } from '../../spec/smmuv3-registers.ts';
import type { SmmuDeviations } from './deviations.ts';
import type { GlobalErrors } from './global-errors.ts';
import { QueuePointers } from './queue-pointers.ts';
import type { UnitInterrupts } from './unit-interrupts.ts';

const { qw0, qw1 } = EventRecord;

/** What an event record says (spec H71). Reused, so that a fault allocates nothing. */
export class EventDetails {
  id = 0;
  streamId = 0;
  /** -1: the request had none. */
  substreamId = -1;
  address = 0;
  isRead = false;
  privileged = false;
  instruction = false;
  stage2 = false;
  eventClass = 0;
  /** Intermediate address that stage 2 refused, or the address of a fetch that failed. */
  other = 0;
}

/** Events whose record tells how the request was, and where it went (spec H71). */
function describesAccess(id: number): boolean {
  return id >= SmmuEventId.F_TRANSLATION || id === SmmuEventId.F_WALK_EABT;
}

/** The event queue of a unit: records in memory, oldest first, lost when it is full (spec H58, H71). */
export class EventQueue {
  readonly #pointers = new QueuePointers();
  readonly #memory: UnitMemory;
  readonly #errors: GlobalErrors;
  readonly #interrupts: UnitInterrupts;
  readonly #deviations: SmmuDeviations;
  readonly #mostBits: number;
  readonly #record = new Uint32Array(EVENT_RECORD_BYTES / 4);
  #base = 0;
  /** Overflow flag of PROD, and what software last wrote of it into CONS. */
  #overflow = 0;
  #overflowAcknowledged = 0;
  #enabled = false;

  constructor(
    memory: UnitMemory,
    mostBits: number,
    errors: GlobalErrors,
    interrupts: UnitInterrupts,
    deviations: SmmuDeviations,
  ) {
    this.#memory = memory;
    this.#mostBits = mostBits;
    this.#errors = errors;
    this.#interrupts = interrupts;
    this.#deviations = deviations;
  }

  setBase(low: number, high: number): void {
    this.#base = getAddress(low, high, SmmuQueueBase.ADDR);
    this.#pointers.setSize(get(low, high, SmmuQueueBase.LOG2SIZE), this.#mostBits);
  }

  setEnabled(enabled: boolean): void {
    this.#enabled = enabled;
  }

  /** EVENTQ_PROD. */
  get producer(): number {
    return (this.#pointers.producer | this.#overflow) >>> 0;
  }

  /** EVENTQ_CONS. */
  get consumer(): number {
    return (this.#pointers.consumer | this.#overflowAcknowledged) >>> 0;
  }

  /** Hardware's own while the queue is on. */
  setProducer(value: number): void {
    if (this.#enabled) return;
    this.#pointers.producer = value & ~EVENTQ_OVERFLOW;
    this.#overflow = (value & EVENTQ_OVERFLOW) >>> 0;
  }

  setConsumer(value: number): void {
    this.#pointers.consumer = value & ~EVENTQ_OVERFLOW;
    this.#overflowAcknowledged = (value & EVENTQ_OVERFLOW) >>> 0;
  }

  record(event: EventDetails): void {
    if (!this.#enabled) return;
    const pointers = this.#pointers;
    if (pointers.isFull) {
      this.#lose();
      return;
    }
    const at = this.#base + pointers.producerIndex * EVENT_RECORD_BYTES;
    if (!this.#memory.canAccess(at)) {
      this.#errors.raise(lowMask(SmmuGerror.EVENTQ_ABT));
      return;
    }
    const wasEmpty = pointers.isEmpty;
    this.#fill(event);
    for (let word = 0; word < this.#record.length; word++) this.#memory.store32(at + word * 4, this.#record[word]);
    pointers.producer = pointers.next(pointers.producer);
    if (wasEmpty) this.#interrupts.raiseEvent();
  }

  /** One flag for all records lost until software has seen it; QEMU raises an error instead (spec H71). */
  #lose(): void {
    if (this.#deviations === 'qemu') this.#errors.raise(lowMask(SmmuGerror.EVENTQ_ABT));
    else if (this.#overflow === this.#overflowAcknowledged) this.#overflow = (this.#overflow ^ EVENTQ_OVERFLOW) >>> 0;
  }

  #fill(event: EventDetails): void {
    const record = this.#record.fill(0);
    const hasSubstream = event.substreamId >= 0;
    record[0] = event.id | (hasSubstream ? lowHalf(qw0.SSV, 1) | lowHalf(qw0.SSID, event.substreamId) : 0);
    record[1] = event.streamId;
    if (describesAccess(event.id)) this.#fillAccess(event);
    else if (event.id === SmmuEventId.F_STE_FETCH) this.#fillOther(event.other, 6);
    else if (event.id === SmmuEventId.F_CD_FETCH) this.#fillOther(event.other, this.#deviations === 'qemu' ? 4 : 6);
  }

  #fillAccess(event: EventDetails): void {
    const record = this.#record;
    record[3] =
      highHalf(qw1.PNU, event.privileged ? 1 : 0) |
      highHalf(qw1.IND, event.instruction ? 1 : 0) |
      highHalf(qw1.RNW, event.isRead ? 1 : 0) |
      highHalf(qw1.S2, event.stage2 ? 1 : 0) |
      highHalf(qw1.CLASS, event.eventClass);
    record[4] = event.address >>> 0;
    record[5] = Math.floor(event.address / 2 ** 32);
    this.#fillOther(event.other, 6);
  }

  #fillOther(address: number, word: number): void {
    this.#record[word] = address >>> 0;
    this.#record[word + 1] = Math.floor(address / 2 ** 32);
  }
}
