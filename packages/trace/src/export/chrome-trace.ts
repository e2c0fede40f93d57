import { EventKind } from '../format/event-kind.ts';
import { eventAt } from '../log/event-at.ts';
import type { TraceLog } from '../log/trace-log.ts';
import { type Span, SpanTracker } from './span-tracker.ts';

/** Process number of the tracks by CPU; device tracks count up from the next. */
const CPUS = 1;
const FIRST_DEVICE = 2;

/**
 * Writes a trace as Chrome trace event JSON, which Perfetto and chrome://tracing open: one track for each CPU with all
 * events as instants; for each device its mappings as spans from map to unmap, its NVMe commands from set-up to
 * completion, and a counter of mapped bytes. A span that nothing ended runs to the end of the timeline.
 *
 * Format: "Trace Event Format", Google, phases M, i, b, e, C. Times are microseconds there as here.
 *
 * @param write gets the text in pieces; a trace of a million events is 300 MB of it
 */
export function writeChromeTrace(log: TraceLog, write: (text: string) => void): void {
  new ChromeTraceWriter(log, write).run();
}

class ChromeTraceWriter {
  readonly #log: TraceLog;
  readonly #write: (text: string) => void;
  readonly #spans = new SpanTracker();
  readonly #processes = new Map<string, number>();
  readonly #cpus = new Set<number>();
  #separator = '';

  constructor(log: TraceLog, write: (text: string) => void) {
    this.#log = log;
    this.#write = write;
  }

  run(): void {
    this.#write('{"displayTimeUnit":"ns","traceEvents":[\n');
    this.#put({ ph: 'M', name: 'process_name', pid: CPUS, args: { name: 'CPUs' } });
    for (let i = 0; i < this.#log.length; i++) {
      this.#instant(i);
      for (const span of this.#spans.take(this.#log, i)) this.#span(i, span);
    }
    this.#write('\n]}\n');
  }

  #instant(i: number): void {
    const { event, time, cpu, ...args } = eventAt(this.#log, i);
    if (!this.#cpus.has(cpu)) this.#nameCpu(cpu);
    const name = this.#log.kind(i) === EventKind.UNKNOWN ? this.#log.name(i) : event;
    this.#put({ ph: 'i', s: 't', name, cat: 'event', ts: time, pid: CPUS, tid: cpu, args });
  }

  #span(i: number, { phase, device, category, name, id, mappedBytes }: Span): void {
    const pid = this.#process(device);
    const ts = this.#log.time(i);
    this.#put({ ph: phase, name, cat: category, id, ts, pid, tid: 0 });
    if (mappedBytes >= 0) this.#put({ ph: 'C', name: 'mapped bytes', ts, pid, args: { bytes: mappedBytes } });
  }

  #nameCpu(cpu: number): void {
    this.#cpus.add(cpu);
    this.#put({ ph: 'M', name: 'thread_name', pid: CPUS, tid: cpu, args: { name: `CPU ${cpu}` } });
  }

  #process(device: string): number {
    const known = this.#processes.get(device);
    if (known !== undefined) return known;
    const pid = FIRST_DEVICE + this.#processes.size;
    this.#processes.set(device, pid);
    this.#put({ ph: 'M', name: 'process_name', pid, args: { name: device } });
    return pid;
  }

  #put(event: Record<string, unknown>): void {
    this.#write(this.#separator + JSON.stringify(event));
    this.#separator = ',\n';
  }
}
