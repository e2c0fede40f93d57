import { EventKind, type TraceLog } from '@dmalab/trace';
import { CountTimeline, PeakTimeline, spanOf, type Timeline, type TraceSpan } from './timeline.ts';

/** A quantity of one device or one kind of event. */
export interface NamedTimeline {
  readonly name: string;
  readonly timeline: Timeline;
}

/** Events of each kind over time, most frequent first. */
export function eventsOverTime(log: TraceLog): NamedTimeline[] {
  const span = spanOf(log);
  const counts = new Map<string, { total: number; timeline: CountTimeline }>();
  for (let i = 0; i < log.length; i++) {
    const name = log.name(i);
    const count = counts.get(name) ?? { total: 0, timeline: new CountTimeline(span) };
    counts.set(name, count);
    count.total++;
    count.timeline.add(log.time(i));
  }
  return [...counts]
    .sort(([, a], [, b]) => b.total - a.total)
    .map(([name, { timeline }]) => ({ name, timeline: timeline.finish() }));
}

/** Bytes that each device has mapped by calls that name it, over time. Two-step mappings name no device (spec I160). */
export function mappedOverTime(log: TraceLog): NamedTimeline[] {
  const span = spanOf(log);
  const devices = new Map<string, MappedBytes>();
  for (let i = 0; i < log.length; i++) {
    const kind = log.kind(i);
    if (kind < EventKind.DMA_MAP_PHYS || kind > EventKind.DMA_UNMAP_SG) continue;
    const name = log.device(i);
    const device = devices.get(name) ?? new MappedBytes(span);
    devices.set(name, device);
    device.take(log, i);
  }
  return [...devices].map(([name, device]) => ({ name, timeline: device.finish() }));
}

class MappedBytes {
  readonly #live = new Map<string, number>();
  readonly #timeline: PeakTimeline;
  #bytes = 0;

  constructor(span: TraceSpan) {
    this.#timeline = new PeakTimeline(span);
  }

  take(log: TraceLog, i: number): void {
    switch (log.kind(i)) {
      case EventKind.DMA_MAP_PHYS:
        if (log.address(i) >= 0) this.#set(log.time(i), `at ${log.address(i)}`, log.size(i));
        break;
      case EventKind.DMA_UNMAP_PHYS:
        this.#set(log.time(i), `at ${log.address(i)}`, 0);
        break;
      // A list is known by its first buffer: its unmap names no device address (spec D96).
      case EventKind.DMA_MAP_SG:
        this.#set(log.time(i), `list ${log.physAt(i, 0)}`, listBytes(log, i));
        break;
      case EventKind.DMA_UNMAP_SG:
        this.#set(log.time(i), `list ${log.physAt(i, 0)}`, 0);
        break;
      case EventKind.DMA_ALLOC:
      case EventKind.DMA_ALLOC_PAGES:
        this.#set(log.time(i), `allocated ${log.address(i)}`, log.size(i));
        break;
      case EventKind.DMA_FREE:
      case EventKind.DMA_FREE_PAGES:
        this.#set(log.time(i), `allocated ${log.address(i)}`, 0);
        break;
      default:
    }
  }

  finish(): Timeline {
    return this.#timeline.finish();
  }

  /** A driver that leaves unmaps out maps the same address again: that replaces the mapping (spec T3). */
  #set(micros: number, key: string, bytes: number): void {
    this.#bytes += bytes - (this.#live.get(key) ?? 0);
    if (bytes === 0) this.#live.delete(key);
    else this.#live.set(key, bytes);
    this.#timeline.set(micros, this.#bytes);
  }
}

function listBytes(log: TraceLog, i: number): number {
  let sum = 0;
  for (let entry = 0; entry < log.dmaCount(i); entry++) sum += log.sizeAt(i, entry);
  return sum;
}
