import { EventKind } from '../format/event-kind.ts';
import { eventAt } from '../log/event-at.ts';
import type { TraceLog } from '../log/trace-log.ts';
import { type Span, SpanTracker } from './span-tracker.ts';

/** Process number of the tracks by CPU; the other tracks count up from the next. */
const CPUS = 1;
const FIRST_TRACK = 2;

/** A quantity that an event log doesn't hold, such as how full a pool was: a figure from each of these moments on. */
export interface ChromeCounter {
  /** Counters of one track stand together. */
  readonly track: string;
  readonly name: string;
  readonly points: readonly (readonly [micros: number, value: number])[];
}

/** Writes a trace that is in memory; see {@link ChromeTraceWriter}. */
export function writeChromeTrace(log: TraceLog, write: (text: string) => void): void {
  const writer = new ChromeTraceWriter(write);
  writer.take(log);
  writer.end();
}

/**
 * Writes a trace as Chrome trace event JSON, which Perfetto and chrome://tracing open, batch by batch: one track for each
 * CPU with all events as instants; for each device its mappings as spans from map to unmap and a counter of mapped bytes;
 * for each NVMe queue its commands from set-up to completion; for the IOMMU the ranges in its tables. A span that nothing
 * ended runs to the end of the timeline.
 *
 * Format: "Trace Event Format", Google, phases M, i, b, e, C. Times are microseconds there as here.
 */
export class ChromeTraceWriter {
  readonly #write: (text: string) => void;
  readonly #spans = new SpanTracker();
  readonly #tracks = new Map<string, number>();
  readonly #cpus = new Set<number>();
  #separator = '';

  /** @param write gets the text in pieces; a trace of a million events is 300 MB of it */
  constructor(write: (text: string) => void) {
    this.#write = write;
    this.#write('{"displayTimeUnit":"ns","traceEvents":[\n');
    this.#put({ ph: 'M', name: 'process_name', pid: CPUS, args: { name: 'CPUs' } });
  }

  take(log: TraceLog): void {
    for (let i = 0; i < log.length; i++) {
      this.#instant(log, i);
      for (const span of this.#spans.take(log, i)) this.#span(log.time(i), span);
    }
  }

  counter({ track, name, points }: ChromeCounter): void {
    const pid = this.#track(track);
    for (const [ts, value] of points) this.#put({ ph: 'C', name, ts, pid, args: { value } });
  }

  /** Nothing comes after it. */
  end(): void {
    this.#write('\n]}\n');
  }

  #instant(log: TraceLog, i: number): void {
    const { event, time, cpu, ...args } = eventAt(log, i);
    if (!this.#cpus.has(cpu)) this.#nameCpu(cpu);
    const name = log.kind(i) === EventKind.UNKNOWN ? log.name(i) : event;
    this.#put({ ph: 'i', s: 't', name, cat: 'event', ts: time, pid: CPUS, tid: cpu, args });
  }

  #span(ts: number, { phase, track, category, name, id, mappedBytes }: Span): void {
    const pid = this.#track(track);
    this.#put({ ph: phase, name, cat: category, id, ts, pid, tid: 0 });
    if (mappedBytes >= 0) this.#put({ ph: 'C', name: 'mapped bytes', ts, pid, args: { bytes: mappedBytes } });
  }

  #nameCpu(cpu: number): void {
    this.#cpus.add(cpu);
    this.#put({ ph: 'M', name: 'thread_name', pid: CPUS, tid: cpu, args: { name: `CPU ${cpu}` } });
  }

  #track(name: string): number {
    const known = this.#tracks.get(name);
    if (known !== undefined) return known;
    const pid = FIRST_TRACK + this.#tracks.size;
    this.#tracks.set(name, pid);
    this.#put({ ph: 'M', name: 'process_name', pid, args: { name } });
    return pid;
  }

  #put(event: Record<string, unknown>): void {
    this.#write(this.#separator + JSON.stringify(event));
    this.#separator = ',\n';
  }
}
