import { EXPOSURE_CLASSES_MILLIS, type ExposedPage, type Exposure, type ReusedPage } from './exposure.ts';
import { PeakTimeline, type TraceSpan } from './timeline.ts';

const MOST_LISTED = 20;

/** Pages of one unmap that no invalidation has followed yet. */
export interface OpenExposure {
  readonly pages: readonly number[];
  readonly line: number;
  readonly sinceMicros: number;
}

interface PageTally {
  times: number;
  totalMicros: number;
  longestMicros: number;
  line: number;
}

/** Follows which pages a device may still reach, from their unmap to the invalidation. */
export class ExposureLog {
  readonly #timeline: PeakTimeline;
  readonly #tallies = new Map<number, PageTally>();
  /** Lines of the unmaps that left a page open, by page. */
  readonly #openPages = new Map<number, number[]>();
  readonly #classes = new Array<number>(EXPOSURE_CLASSES_MILLIS.length + 1).fill(0);
  readonly #firstReused: ReusedPage[] = [];
  #reused = 0;
  #deferred = 0;
  #immediate = 0;
  #totalMicros = 0;
  #longestMicros = 0;
  #bytesBeside = 0;
  #mostBytesBeside = 0;
  #mostBytesBesideLine = 0;

  constructor(span: TraceSpan) {
    this.#timeline = new PeakTimeline(span);
  }

  unmappedAtOnce(): void {
    this.#immediate++;
  }

  open({ pages, line, sinceMicros }: OpenExposure): void {
    for (const page of pages) {
      const lines = this.#openPages.get(page);
      if (lines === undefined) this.#openPages.set(page, [line]);
      else lines.push(line);
    }
    this.#timeline.set(sinceMicros, this.#openPages.size);
  }

  /** The invalidation: from then on the pages are their owner's alone. */
  close({ pages, line, sinceMicros }: OpenExposure, micros: number): void {
    const lasted = Math.max(0, micros - sinceMicros);
    this.#deferred++;
    this.#totalMicros += lasted;
    this.#longestMicros = Math.max(this.#longestMicros, lasted);
    const above = EXPOSURE_CLASSES_MILLIS.findIndex((millis) => lasted <= millis * 1000);
    this.#classes[above < 0 ? EXPOSURE_CLASSES_MILLIS.length : above]++;
    for (const page of pages) {
      this.#tally(page, lasted, line);
      const lines = this.#openPages.get(page)!;
      lines.splice(lines.indexOf(line), 1);
      if (lines.length === 0) this.#openPages.delete(page);
    }
    this.#timeline.set(micros, this.#openPages.size);
  }

  mapped(pages: readonly number[], line: number): void {
    for (const page of pages) {
      const unmapLine = this.#openPages.get(page)?.[0];
      if (unmapLine === undefined) continue;
      this.#reused++;
      if (this.#firstReused.length < MOST_LISTED) {
        this.#firstReused.push({ page: pageAddress(page), unmapLine, mapLine: line });
      }
    }
  }

  /** Bytes in the granules of a mapping that aren't its buffer's: positive while mapped, negative afterwards. */
  beside(bytes: number, line: number): void {
    this.#bytesBeside += bytes;
    if (this.#bytesBeside <= this.#mostBytesBeside) return;
    this.#mostBytesBeside = this.#bytesBeside;
    this.#mostBytesBesideLine = line;
  }

  finish(): Exposure {
    return {
      deferredUnmaps: this.#deferred,
      immediateUnmaps: this.#immediate,
      pages: this.#tallies.size,
      meanMicros: this.#deferred === 0 ? 0 : Math.round(this.#totalMicros / this.#deferred),
      longestMicros: Math.round(this.#longestMicros),
      classes: this.#classes,
      worstPages: this.#worstPages(),
      pagesReused: this.#reused,
      firstReused: this.#firstReused,
      exposedPages: this.#timeline.finish(),
      mostBytesBeside: this.#mostBytesBeside,
      mostBytesBesideLine: this.#mostBytesBesideLine,
    };
  }

  #worstPages(): ExposedPage[] {
    return [...this.#tallies]
      .sort(([a, one], [b, other]) => other.totalMicros - one.totalMicros || a - b)
      .slice(0, MOST_LISTED)
      .map(([page, { times, totalMicros, longestMicros, line }]) => ({
        page: pageAddress(page),
        times,
        totalMicros: Math.round(totalMicros),
        longestMicros: Math.round(longestMicros),
        line,
      }));
  }

  #tally(page: number, lasted: number, line: number): void {
    const tally = this.#tallies.get(page) ?? { times: 0, totalMicros: 0, longestMicros: 0, line };
    this.#tallies.set(page, tally);
    tally.times++;
    tally.totalMicros += lasted;
    if (lasted <= tally.longestMicros) return;
    tally.longestMicros = lasted;
    tally.line = line;
  }
}

function pageAddress(page: number): string {
  return `0x${(page * 4096).toString(16)}`;
}
