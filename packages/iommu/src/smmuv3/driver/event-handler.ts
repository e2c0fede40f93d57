import type { RegisterBacking } from '@dmalab/phys-memory';
import { FaultRateLimit } from '../../core/faults/fault-rate-limit.ts';
import { type SmmuEvent, smmuEventLines } from '../../core/faults/smmu-event-lines.ts';
import type { UnitFault } from '../../core/unit/iommu-unit-driver.ts';
import type { TableMemory } from '../../page-table/table-memory.ts';
import { type Field, get } from '../../spec/bits.ts';
import { EVENT_RECORD_BYTES, EventClass, EventRecord } from '../../spec/smmuv3-events.ts';
import { EVENTQ_OVERFLOW, SMMU_REG } from '../../spec/smmuv3-registers.ts';

const { qw0, qw1 } = EventRecord;

/** An event that the driver took: its record, decoded. */
export interface SmmuFault extends SmmuEvent, UnitFault {}

/** What the handler has to know of its unit. */
export interface EventHandlerOptions {
  /** As the kernel calls the unit in its log. */
  readonly name: string;
  /** Physical address of the event queue. */
  readonly events: number;
  /** log2 of its records. */
  readonly eventBits: number;
  readonly log: (line: string) => void;
  /** The kernel's name for the device with that stream id, null when none has it. */
  readonly deviceName: (streamId: number) => string | null;
}

/** What the driver does on an event interrupt (spec I178): takes the records out of the queue and logs them. */
export class EventHandler {
  readonly #registers: RegisterBacking;
  readonly #memory: TableMemory;
  readonly #options: EventHandlerOptions;
  readonly #pointerMask: number;
  readonly #limit = new FaultRateLimit();

  constructor(registers: RegisterBacking, memory: TableMemory, options: EventHandlerOptions) {
    this.#registers = registers;
    this.#memory = memory;
    this.#options = options;
    this.#pointerMask = 2 * 2 ** options.eventBits - 1;
  }

  /** Takes every record; logs under one rate limit, which drops lines but no records. */
  handle(nowNanos: number): SmmuFault[] {
    const producer = this.#registers.readRegister(SMMU_REG.EVENTQ_PROD);
    const consumer = this.#registers.readRegister(SMMU_REG.EVENTQ_CONS);
    const faults: SmmuFault[] = [];
    for (let at = consumer; ((at ^ producer) & this.#pointerMask) !== 0; at++) {
      const fault = this.#take(at & (this.#pointerMask >> 1));
      faults.push(fault);
      if (!this.#limit.allow(nowNanos)) continue;
      for (const line of smmuEventLines(this.#options.name, fault)) this.#options.log(line);
    }
    // With the unit's own overflow flag, which says that lost records are known about (spec H58).
    const taken = ((producer & this.#pointerMask) | (producer & EVENTQ_OVERFLOW)) >>> 0;
    if (taken !== consumer) this.#registers.writeRegister(SMMU_REG.EVENTQ_CONS, taken);
    return faults;
  }

  #take(index: number): SmmuFault {
    const at = this.#options.events + index * EVENT_RECORD_BYTES;
    const halves = Array.from({ length: EVENT_RECORD_BYTES / 4 }, (_, word) => this.#memory.load32(at + word * 4));
    const words = [0, 2, 4, 6].map((word) => (BigInt(halves[word + 1]) << 32n) | BigInt(halves[word]));
    const first = (field: Field): number => get(halves[0], halves[1], field);
    const second = (field: Field): number => get(halves[2], halves[3], field);
    const streamId = first(qw0.SID);
    return {
      id: first(qw0.ID),
      words,
      sourceId: streamId,
      streamId,
      deviceName: this.#options.deviceName(streamId),
      substreamId: first(qw0.SSV) === 1 ? first(qw0.SSID) : 0,
      address: words[2],
      iova: words[2],
      ipa: words[3] & 0xf_ffff_ffff_f000n,
      fetchAddress: words[3] & 0xf_ffff_ffff_fff8n,
      privileged: second(qw1.PNU) === 1,
      instruction: second(qw1.IND) === 1,
      isRead: second(qw1.RNW) === 1,
      stage2: second(qw1.S2) === 1,
      eventClass: second(qw1.CLASS),
      // spec gap: I178 prints which way a table entry was accessed, and H71 has no bit for it. Walks read.
      descriptor: second(qw1.CLASS) === EventClass.TRANSLATION_TABLE ? 'read' : null,
      stall: second(qw1.STALL) === 1,
      stallTag: second(qw1.STAG),
    };
  }
}
