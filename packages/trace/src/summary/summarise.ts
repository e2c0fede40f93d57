import { EventKind } from '../format/event-kind.ts';
import type { TraceLog } from '../log/trace-log.ts';
import type { Trace } from '../reader/trace.ts';
import { DeviceTally, namedCounts } from './device-tally.ts';
import type { IommuSummary, TraceSummary } from './trace-summary.ts';

/**
 * Adds up what a trace holds, batch by batch: give `add` every log that a reader hands over, and `result` the trace at
 * the end.
 */
export class Summariser {
  readonly #byName = new Map<string, number>();
  /** By device name: batches may come from readers with string numbers of their own. */
  readonly #devices = new Map<string, DeviceTally>();
  readonly #iommu = { maps: 0, unmaps: 0, bytesMapped: 0, bytesUnmapped: 0 } satisfies IommuSummary;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  add(log: TraceLog): void {
    for (let i = 0; i < log.length; i++) this.#addEvent(log, i);
  }

  /** What all logs held that were added. The trace gives the counts of what is no event. */
  result(trace: Trace): TraceSummary {
    const { counts, header } = trace;
    const named = ([name, count]: [string, number]) => ({ name, count });
    return {
      lines: counts.lines,
      events: counts.events,
      firstMicros: counts.events > 0 ? this.#first : null,
      lastMicros: counts.events > 0 ? this.#last : null,
      eventsByName: namedCounts([...this.#byName].map(named)),
      devices: [...this.#devices.values()].map((tally) => tally.result()),
      iommu: { ...this.#iommu },
      unknownEvents: namedCounts([...trace.unknownNames].map(named)),
      notUnderstood: counts.notUnderstood,
      lostEvents: counts.lostEvents,
      overwrittenEvents: Math.max(0, header.entriesWritten - header.entriesInBuffer),
      missingEvents: Math.max(0, header.entriesInBuffer - counts.events),
      endsWithNewline: trace.endsWithNewline,
    };
  }

  #addEvent(log: TraceLog, i: number): void {
    const name = log.name(i);
    this.#byName.set(name, (this.#byName.get(name) ?? 0) + 1);
    this.#first = Math.min(this.#first, log.time(i));
    this.#last = Math.max(this.#last, log.time(i));
    const kind = log.kind(i);
    if (kind === EventKind.MAP) {
      this.#iommu.maps++;
      this.#iommu.bytesMapped += log.size(i);
    } else if (kind === EventKind.UNMAP) {
      this.#iommu.unmaps++;
      this.#iommu.bytesUnmapped += log.unmappedSize(i);
    } else if (kind >= EventKind.DMA_MAP_PHYS && kind <= EventKind.SWIOTLB_BOUNCED) {
      this.#device(log.device(i)).add(log, i);
    }
  }

  #device(name: string): DeviceTally {
    const known = this.#devices.get(name);
    if (known !== undefined) return known;
    const tally = new DeviceTally(name);
    this.#devices.set(name, tally);
    return tally;
  }
}

/** What a trace that is in memory holds. */
export function summarise(trace: Trace): TraceSummary {
  const summariser = new Summariser();
  summariser.add(trace.log);
  return summariser.result(trace);
}
