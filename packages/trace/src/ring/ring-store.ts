import { EventKind } from '../format/event-kind.ts';
import * as slot from '../format/record.ts';
import { NARROW_STRIDE, WIDE_STRIDE } from '../format/record.ts';
import { StringTable } from '../log/string-table.ts';
import { TraceLog } from '../log/trace-log.ts';
import { encodeUtf8 } from '../log/utf8.ts';
import { RingSizeError } from './errors.ts';
import { commandText } from './nvme-command.ts';

/** List elements that the ring holds for each event; a scatterlist event takes up to three an entry. */
const LIST_ELEMENTS_PER_EVENT = 4;
const MOST_EVENTS = 2 ** 24;
const NO_TGID = -2;
/** Of a record in the ring that has a list: position of the list since the ring was made. No such kind has a `phys`. */
const LIST_AT = slot.PHYS;

const HAS_LIST: ReadonlySet<number> = new Set([
  EventKind.DMA_ALLOC_SGT,
  EventKind.DMA_FREE_SGT,
  EventKind.DMA_MAP_SG,
  EventKind.DMA_MAP_SG_ERR,
  EventKind.DMA_UNMAP_SG,
  EventKind.DMA_SYNC_SG_FOR_CPU,
  EventKind.DMA_SYNC_SG_FOR_DEVICE,
  EventKind.NVME_SETUP_CMD,
]);

/** Dwords 10 to 15 of an NVMe command, which the ring keeps as a list and renders when it is read. */
const COMMAND_DWORDS = 6;

/** What a ring still held when it was read. */
export interface RingContents {
  readonly log: TraceLog;
  /** Events that were overwritten. */
  readonly lostEvents: number;
}

/**
 * The memory of a recorder: the newest `capacity` events, older ones are overwritten. Recording allocates nothing.
 *
 * Invariant: lists are overwritten in the order they were written, so an event whose list is gone is older than every
 * event whose list is whole. Kept by `pushList`; relied on by `toLog`.
 */
export class RingStore {
  readonly strings: StringTable = new StringTable();
  readonly wide: Float64Array;
  readonly narrow: Int32Array;
  #on = false;
  readonly #switchWatchers: (() => void)[] = [];
  readonly #lists: Float64Array;
  readonly #mask: number;
  readonly #listMask: number;
  #head = 0;
  #recorded = 0;
  #listed = 0;
  #micros = 0;
  #cpu = 0;
  #pid = 0;
  #comm: number;
  #flags: number;

  /**
   * @param capacity events, a power of two from 1 to 2^24
   * @throws {RingSizeError} for any other number
   */
  constructor(capacity = 65_536) {
    if (!(capacity >= 1 && capacity <= MOST_EVENTS && Number.isInteger(Math.log2(capacity)))) {
      throw new RingSizeError(capacity, MOST_EVENTS);
    }
    this.wide = new Float64Array(capacity * WIDE_STRIDE);
    this.narrow = new Int32Array(capacity * NARROW_STRIDE);
    const listCapacity = Math.max(4096, capacity * LIST_ELEMENTS_PER_EVENT);
    this.#lists = new Float64Array(listCapacity);
    this.#mask = capacity - 1;
    this.#listMask = listCapacity - 1;
    this.#comm = this.strings.intern('<idle>');
    this.#flags = this.strings.intern('.....');
  }

  /** Records only while true. Callers read this before they call an event method; the methods do not look. */
  get on(): boolean {
    return this.#on;
  }

  set on(value: boolean) {
    if (value === this.#on) return;
    this.#on = value;
    for (const tell of this.#switchWatchers) tell();
  }

  /** Calls back whenever recording is switched on or off: for whoever settles beforehand whether anybody looks. */
  whenSwitched(tell: () => void): void {
    this.#switchWatchers.push(tell);
  }

  /** The number by which event methods know a device name or other text. Intern once, when the device is made. */
  intern(text: string): number {
    return this.strings.intern(text);
  }

  /** Events recorded since the ring was made or cleared. */
  get recorded(): number {
    return this.#recorded;
  }

  /** The task that the following events are recorded in: string number of its name, and its pid. */
  setTask(comm: number, pid: number): void {
    this.#comm = comm;
    this.#pid = pid;
  }

  setCpu(cpu: number): void {
    this.#cpu = cpu;
  }

  /** String number of the five flag characters of spec D95, `d.h1.` in a hard interrupt. */
  setFlags(flags: number): void {
    this.#flags = flags;
  }

  /** Virtual time in microseconds; the part below one microsecond is dropped when events are printed. */
  setTime(micros: number): void {
    this.#micros = micros;
  }

  /** Forgets the events; context and strings stay. */
  clear(): void {
    this.#head = 0;
    this.#recorded = 0;
    this.#listed = 0;
  }

  /** Takes the next record and writes what all events have. Returns its index; the caller writes the kind's own slots. */
  begin(kind: EventKind, device: number): number {
    const i = this.#head;
    const { narrow } = this;
    const at = i * NARROW_STRIDE;
    narrow[at] = kind;
    narrow[at + slot.CPU] = this.#cpu;
    narrow[at + slot.PID] = this.#pid;
    narrow[at + slot.COMM] = this.#comm;
    narrow[at + slot.FLAGS] = this.#flags;
    narrow[at + slot.DEVICE] = device;
    this.wide[i * WIDE_STRIDE] = this.#micros;
    this.#head = (i + 1) & this.#mask;
    this.#recorded++;
    return i;
  }

  /** Says that what `pushList` appends next is the list of record `i`. */
  beginList(i: number): void {
    this.wide[i * WIDE_STRIDE + LIST_AT] = this.#listed;
  }

  pushList(values: ArrayLike<number>, count: number): void {
    for (let n = 0; n < count; n++) this.#lists[(this.#listed + n) & this.#listMask] = values[n]!;
    this.#listed += count;
  }

  /** The events that are still whole, oldest first, as a log that shares the ring's strings; and how many are gone. */
  toLog(): RingContents {
    const log = new TraceLog(this.strings);
    const kept = Math.min(this.#recorded, this.#mask + 1);
    const oldest = this.#head - kept;
    let first = oldest;
    for (let n = oldest; n < this.#head; n++) if (this.#isListGone(n & this.#mask)) first = n + 1;
    for (let n = first; n < this.#head; n++) this.#copyRecord(n & this.#mask, log);
    return { log, lostEvents: this.#recorded - log.length };
  }

  #isListGone(from: number): boolean {
    if (!HAS_LIST.has(this.narrow[from * NARROW_STRIDE]!)) return false;
    return this.wide[from * WIDE_STRIDE + LIST_AT]! < this.#listed - this.#lists.length;
  }

  #copyRecord(from: number, log: TraceLog): void {
    const i = log.reserve();
    const row = from * NARROW_STRIDE;
    log.narrow.set(this.narrow.subarray(row, row + NARROW_STRIDE), i * NARROW_STRIDE);
    log.wide.set(this.wide.subarray(from * WIDE_STRIDE, (from + 1) * WIDE_STRIDE), i * WIDE_STRIDE);
    // Written here, not for each record nor when the ring is made: an idle ring then never touches its memory.
    log.narrow[i * NARROW_STRIDE + slot.TGID] = NO_TGID;
    log.wide[i * WIDE_STRIDE] = Math.floor(log.wide[i * WIDE_STRIDE]!);
    if (HAS_LIST.has(this.narrow[row]!)) this.#copyList(from, log, i);
    log.commit();
  }

  #copyList(from: number, log: TraceLog, i: number): void {
    const row = i * NARROW_STRIDE;
    const listed = this.wide[from * WIDE_STRIDE + LIST_AT]!;
    log.wide[i * WIDE_STRIDE + LIST_AT] = 0;
    const element = (n: number): number => this.#lists[(listed + n) & this.#listMask]!;
    if (log.narrow[row] === EventKind.NVME_SETUP_CMD) {
      const dwords = Array.from({ length: COMMAND_DWORDS }, (_, n) => element(n));
      const text = encodeUtf8(`(${commandText(log.qid(i) === 0, log.narrow[row + slot.N4]!, dwords)})`);
      log.narrow[row + slot.POOL_AT] = log.pushText(text, 0, text.length);
      log.narrow[row + slot.POOL_LENGTH] = text.length;
      return;
    }
    log.narrow[row + slot.POOL_AT] = log.listLength;
    const length = 2 * log.dmaCount(i) + log.physCount(i);
    for (let n = 0; n < length; n++) log.pushList(element(n));
  }
}
