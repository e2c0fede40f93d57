import { DEVICE, NARROW_STRIDE, WIDE_STRIDE } from '../format/record.ts';
import { StringTable } from './string-table.ts';

const INITIAL_EVENTS = 1024;

/**
 * The memory of a log: records of fixed width in two typed arrays that grow by doubling, and pools for what has no
 * fixed width. The reader and the recorder append here; everyone else reads through `TraceLog`.
 */
export class LogStore {
  /** Device names, task names and other repeated text. */
  readonly strings: StringTable;
  /** WIDE_STRIDE doubles an event; see `format/record.ts`. For code that needs every nanosecond. */
  wide: Float64Array;
  /** NARROW_STRIDE integers an event. */
  narrow: Int32Array;
  /** Elements of address and size lists. */
  lists: Float64Array = new Float64Array(256);
  listLength = 0;
  /** UTF-8 of texts that do not repeat. */
  textBytes: Uint8Array = new Uint8Array(4096);
  textLength = 0;
  #length = 0;
  readonly #exactBodies = new Map<number, string>();

  /**
   * An empty log, which shares its strings with whoever else was given the same table.
   *
   * @param events how many to make room for; more make it grow
   */
  constructor(strings: StringTable = new StringTable(), events: number = INITIAL_EVENTS) {
    this.strings = strings;
    this.wide = new Float64Array(events * WIDE_STRIDE);
    this.narrow = new Int32Array(events * NARROW_STRIDE);
  }

  /** Number of events. */
  get length(): number {
    return this.#length;
  }

  /** The body as it stood in the file, of an event with a number that a double can't hold; else undefined. */
  exactBody(i: number): string | undefined {
    return this.#exactBodies.get(i);
  }

  /** Room for one more record: its index. Its integers are 0 but for DEVICE, which is -1; `commit` makes it part of the log. */
  reserve(): number {
    const i = this.#length;
    if ((i + 1) * NARROW_STRIDE > this.narrow.length) this.#grow();
    this.narrow[i * NARROW_STRIDE + DEVICE] = -1;
    return i;
  }

  /** Takes back what was written to the last reserved record. */
  abandon(): void {
    this.narrow.fill(0, this.#length * NARROW_STRIDE, (this.#length + 1) * NARROW_STRIDE);
  }

  /** Makes the record of the last `reserve` the last event. */
  commit(): void {
    this.#length++;
  }

  /** Appends an element to the list pool. */
  pushList(value: number): void {
    if (this.listLength === this.lists.length) {
      const lists = new Float64Array(2 * this.listLength);
      lists.set(this.lists);
      this.lists = lists;
    }
    this.lists[this.listLength++] = value;
  }

  /** Appends `bytes[from, to)` to the text pool; returns where it starts. */
  pushText(bytes: Uint8Array, from: number, to: number): number {
    const at = this.textLength;
    const end = at + to - from;
    if (end > this.textBytes.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.textBytes);
      this.textBytes = grown;
    }
    for (let i = from; i < to; i++) this.textBytes[at + i - from] = bytes[i]!;
    this.textLength = end;
    return at;
  }

  /** Keeps the body of event `i` as text beside its numbers. */
  keepExactBody(i: number, body: string): void {
    this.#exactBodies.set(i, body);
  }

  /** Forgets the events, not the strings, whose numbers stay valid. */
  clear(): void {
    this.narrow.fill(0, 0, this.#length * NARROW_STRIDE);
    this.#length = 0;
    this.listLength = 0;
    this.textLength = 0;
    this.#exactBodies.clear();
  }

  #grow(): void {
    const wide = new Float64Array(2 * this.wide.length);
    wide.set(this.wide);
    this.wide = wide;
    const narrow = new Int32Array(2 * this.narrow.length);
    narrow.set(this.narrow);
    this.narrow = narrow;
  }
}
