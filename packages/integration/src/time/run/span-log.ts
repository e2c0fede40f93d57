/** What a span is about; the order is that of the tracks. */
export const SPAN_INTERRUPT = 0;
export const SPAN_SUBMIT = 1;
export const SPAN_TIMER = 2;
export const SPAN_POLL = 3;
export const SPAN_READ = 4;
export const SPAN_WRITE = 5;
export const SPAN_MEDIA = 6;
export const SPAN_TRANSFER = 7;

const KINDS = [
  { name: 'interrupt', track: 'CPUs' },
  { name: 'submit', track: 'CPUs' },
  { name: 'timer', track: 'CPUs' },
  { name: 'poll', track: 'CPUs' },
  { name: 'read', track: 'I/Os' },
  { name: 'write', track: 'I/Os' },
  { name: 'media', track: 'disk' },
  { name: 'transfer', track: 'disk' },
] as const;

const TRACKS = [...new Set(KINDS.map(({ track }) => track))];
const FIRST_CAPACITY = 1024;
const NANOS_PER_MICRO = 1000;

/** Spans of time of a run, for a timeline: columns that grow. */
export class SpanLog {
  #count = 0;
  #kinds = new Uint8Array(FIRST_CAPACITY);
  /** CPU, thread, or 0. */
  #lanes = new Int32Array(FIRST_CAPACITY);
  #starts = new Float64Array(FIRST_CAPACITY);
  #ends = new Float64Array(FIRST_CAPACITY);
  /** Bytes moved, or 0. */
  #bytes = new Float64Array(FIRST_CAPACITY);

  get count(): number {
    return this.#count;
  }

  add(kind: number, lane: number, start: number, end: number, lengthBytes = 0): void {
    if (this.#count === this.#kinds.length) this.#grow();
    const i = this.#count++;
    this.#kinds[i] = kind;
    this.#lanes[i] = lane;
    this.#starts[i] = start;
    this.#ends[i] = end;
    this.#bytes[i] = lengthBytes;
  }

  /**
   * Writes the spans as a Chrome JSON trace, which Perfetto opens. What a CPU does is a slice of its track; I/Os and what
   * the disk does overlap, and are asynchronous slices.
   */
  writeChromeTrace(write: (text: string) => void): void {
    write('{"displayTimeUnit":"ns","traceEvents":[\n');
    for (const [process, name] of TRACKS.entries()) {
      write(`${JSON.stringify({ ph: 'M', name: 'process_name', pid: process + 1, args: { name } })},\n`);
    }
    for (let i = 0; i < this.#count; i++) write(this.#events(i));
    write(`${JSON.stringify({ ph: 'M', name: 'trace_end', pid: 1 })}\n]}\n`);
  }

  #events(i: number): string {
    const { name, track } = KINDS[this.#kinds[i]];
    const common = { name, cat: track, pid: TRACKS.indexOf(track) + 1, tid: this.#lanes[i] };
    const [start, end] = [this.#starts[i] / NANOS_PER_MICRO, this.#ends[i] / NANOS_PER_MICRO];
    if (track === 'CPUs') return `${JSON.stringify({ ph: 'X', ...common, ts: start, dur: end - start })},\n`;
    const begin = { ph: 'b', ...common, id: i, ts: start, args: { bytes: this.#bytes[i] } };
    return `${JSON.stringify(begin)},\n${JSON.stringify({ ph: 'e', ...common, id: i, ts: end })},\n`;
  }

  #grow(): void {
    const capacity = 2 * this.#kinds.length;
    this.#kinds = longer(this.#kinds, new Uint8Array(capacity));
    this.#lanes = longer(this.#lanes, new Int32Array(capacity));
    this.#starts = longer(this.#starts, new Float64Array(capacity));
    this.#ends = longer(this.#ends, new Float64Array(capacity));
    this.#bytes = longer(this.#bytes, new Float64Array(capacity));
  }
}

function longer<A extends { set(from: A): void }>(from: A, into: A): A {
  into.set(from);
  return into;
}
