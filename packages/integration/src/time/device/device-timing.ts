import { NvmOpcode } from '@dmalab/blk-nvme';
import type { BusMasterPort, CommandTiming } from '@dmalab/blk-nvme/controller';
import type { Costs } from '../costs/cost-table.ts';
import { SPAN_MEDIA, SPAN_TRANSFER } from '../run/span-log.ts';
import type { Link } from './link.ts';
import { MediaTiming } from './media.ts';

const ENTRY_BYTES = 8;
const LOAD_BYTES = 4;

/** What device timing needs of the machine around it. */
export interface DeviceSurroundings {
  /** The machine's clock, in whole nanoseconds. */
  readonly now: () => number;
  /** Something of the controller becomes due at that time. */
  readonly due: (time: number) => void;
  /** An interrupt message is there at that time: {@link DeviceTiming.deliver} it then. */
  readonly interrupt: (time: number, vector: number) => void;
  /** 32-bit loads of the IOMMU from its tables so far; 0 without an IOMMU. */
  readonly tableLoads: () => number;
  /** The disk is busy with something for that long: a SPAN_ kind. */
  readonly span: (kind: number, start: number, end: number, lengthBytes: number) => void;
}

/**
 * Time inside a disk and on its link. It stands between the controller and its port, sees what is moved, and answers when
 * commands are executed and completed. What belongs to one command is sent back to back; only its first read, which may
 * be the list of its pages, holds up the rest.
 */
export class DeviceTiming implements CommandTiming {
  readonly link: Link;
  readonly media: MediaTiming;
  readonly #surroundings: DeviceSurroundings;
  readonly #tableReadNanos: number;
  #inner: BusMasterPort | null = null;
  /** When the next request of the command in hand can go out, and when all of it so far has arrived. */
  #ready = 0;
  #arrived = 0;
  #isFirstRead = true;
  /** Until the machine's clock runs, everything happens at once. */
  isRunning = false;
  /** Time that requests waited for the IOMMU's tables. */
  walkNanos = 0;

  constructor(costs: Costs, link: Link, surroundings: DeviceSurroundings) {
    this.link = link;
    this.media = new MediaTiming(costs);
    this.#surroundings = surroundings;
    this.#tableReadNanos = costs.tableReadNanos;
  }

  /** The device begins to work, at the machine's time. */
  beginStep(): void {
    const now = this.#surroundings.now();
    this.#ready = now;
    this.#arrived = now;
    this.#isFirstRead = true;
  }

  untilExecution(opcode: number, at: number, lengthBytes: number): number {
    if (!this.isRunning) return 0;
    if (opcode !== NvmOpcode.READ) return this.#wait(this.#ready);
    const ready = this.media.read(this.#ready, at, lengthBytes);
    this.#surroundings.span(SPAN_MEDIA, this.#ready, ready, lengthBytes);
    return this.#wait(ready);
  }

  untilCompletion(opcode: number, at: number, lengthBytes: number): number {
    if (!this.isRunning) return 0;
    const arrived = this.#arrived;
    const { now, span } = this.#surroundings;
    if (lengthBytes > 0) span(SPAN_TRANSFER, now(), arrived, lengthBytes);
    this.beginStep();
    if (opcode !== NvmOpcode.WRITE) return this.#wait(arrived);
    const safe = this.media.write(arrived, at, lengthBytes);
    span(SPAN_MEDIA, arrived, safe, lengthBytes);
    return this.#wait(safe);
  }

  /** The port as the controller gets it. */
  port(inner: BusMasterPort): BusMasterPort {
    this.#inner = inner;
    return {
      read: (at, into, offset = 0, lengthBytes = into.length - offset) => {
        const loads = this.#surroundings.tableLoads();
        const result = inner.read(at, into, offset, lengthBytes);
        if (this.isRunning) this.#reads(lengthBytes, this.#walked(loads));
        return result;
      },
      write: (at, from, offset = 0, lengthBytes = from.length - offset) => {
        const loads = this.#surroundings.tableLoads();
        const result = inner.write(at, from, offset, lengthBytes);
        if (this.isRunning) this.#writes(lengthBytes, this.#walked(loads));
        return result;
      },
      interrupt: (vector) => {
        // Who waits for the admin queue (vector 0) lets no events pass.
        if (!this.isRunning || vector === 0) inner.interrupt(vector);
        if (this.isRunning) this.#interrupts(vector);
      },
    };
  }

  /** Makes an interrupt that has arrived pending. */
  deliver(vector: number): void {
    this.#inner?.interrupt(vector);
  }

  /** Nanoseconds of the table reads since then. */
  #walked(loadsBefore: number): number {
    const entries = ((this.#surroundings.tableLoads() - loadsBefore) * LOAD_BYTES) / ENTRY_BYTES;
    const nanos = entries * this.#tableReadNanos;
    this.walkNanos += nanos;
    return nanos;
  }

  #reads(lengthBytes: number, walkNanos: number): void {
    const done = this.link.read(this.#ready, lengthBytes) + walkNanos;
    if (this.#isFirstRead) this.#ready = done;
    this.#isFirstRead = false;
    this.#arrived = Math.max(this.#arrived, done);
  }

  #writes(lengthBytes: number, walkNanos: number): void {
    this.#arrived = Math.max(this.#arrived, this.link.write(this.#ready, lengthBytes) + walkNanos);
  }

  /** A posted write of 4 bytes, behind those before it. */
  #interrupts(vector: number): void {
    const there = Math.max(this.#arrived, this.link.write(this.#ready, LOAD_BYTES));
    this.#surroundings.interrupt(Math.ceil(there), vector);
  }

  /** Whole nanoseconds, so that a sum of steps meets a time exactly. */
  #wait(until: number): number {
    const now = this.#surroundings.now();
    const wait = Math.max(0, Math.ceil(until) - now);
    this.#surroundings.due(now + wait);
    return wait;
  }
}
