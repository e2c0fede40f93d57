import { Summariser, type Trace, type TraceNote, type TraceSummary } from '@dmalab/trace';
import { type DirectAgreement, DirectReplay, MAX_RESIDUALS } from './direct.ts';
import { DmaDebugReplay } from './dma-debug.ts';
import { type ReplayOptions, type ReplayReport, type ReplayWindow, replayFromStart } from './replay-trace.ts';

/** Notes that are kept; a file that is no trace has one a line. */
const MOST_NOTES = 1000;

/**
 * Replays a trace of any length in bounded memory: give `take` every batch that a reader hands over. The first with
 * events is the window: it goes through everything that {@link replayTrace} does, since allocators have to be followed from their
 * start and searches look ahead. Later batches are summed up, checked by dma-debug, and compared mapping by mapping
 * where a mapping can be judged by itself.
 */
export class TraceReplay {
  readonly #options: ReplayOptions;
  readonly #summariser = new Summariser();
  readonly #dmaDebug = new DmaDebugReplay();
  readonly #notes: TraceNote[] = [];
  #start: ReplayReport | null = null;
  #window: ReplayWindow = { events: 0, lastLine: 0, eventsAfter: 0 };
  #directAfter = new DirectReplay(new Set());

  constructor(options: ReplayOptions = {}) {
    this.#options = options;
  }

  /** The first lines that are no event, {@link MOST_NOTES} at most. */
  get notes(): readonly TraceNote[] {
    return this.#notes;
  }

  /** Goes over a batch; nothing of it is kept. */
  take(trace: Trace): void {
    const { log, notes } = trace;
    this.#summariser.add(log);
    this.#notes.push(...notes.slice(0, MOST_NOTES - this.#notes.length));
    this.#dmaDebug.take(log);
    if (log.length === 0) return; // nothing but lines that are no event
    if (this.#start === null) this.#replayWindow(trace);
    else {
      this.#directAfter.take(log);
      this.#window = { ...this.#window, eventsAfter: this.#window.eventsAfter + log.length };
    }
  }

  /** @param trace of the last batch: its counts and header are those of the whole file */
  summary(trace: Trace): TraceSummary {
    return this.#summariser.result(trace);
  }

  /** @throws {RangeError} when no event was taken */
  report(): ReplayReport {
    if (this.#start === null) throw new RangeError('no event of the trace was taken; take all of its batches first');
    if (this.#window.eventsAfter === 0) return this.#start;
    const { agreement } = this.#start;
    const direct = joined(agreement.direct, this.#directAfter.agreement);
    return {
      ...this.#start,
      agreement: { ...agreement, ...(direct !== undefined && { direct }) },
      dmaDebug: this.#dmaDebug.report(),
      window: this.#window,
    };
  }

  #replayWindow(trace: Trace): void {
    const { log } = trace;
    this.#start = replayFromStart(trace, this.#dmaDebug.report(), this.#options);
    this.#window = { events: log.length, lastLine: log.line(log.length - 1), eventsAfter: 0 };
    const translated = this.#start.agreement.iova?.domains.flatMap(({ devices }) => devices) ?? [];
    this.#directAfter = new DirectReplay(new Set(translated));
  }
}

function joined(start: DirectAgreement | undefined, after: DirectAgreement | null): DirectAgreement | undefined {
  if (start === undefined || after === null) return start ?? after ?? undefined;
  return {
    compared: start.compared + after.compared,
    agree: start.agree + after.agree,
    residuals: [...start.residuals, ...after.residuals].slice(0, MAX_RESIDUALS),
  };
}
