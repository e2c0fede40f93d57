import type { TraceLog } from '@dmalab/trace';

/**
 * Who executes an event: a task wherever it runs, or the interrupt level of a CPU. A map call stays in one of these from
 * its first event to its last, while interrupts put events of their own between (spec S98).
 */
export function contextOf(log: TraceLog, event: number): string {
  const level = interruptLevel(log.flags(event));
  const pid = log.pid(event);
  return level === 0 && pid !== 0 ? `task ${pid}` : `cpu ${log.cpu(event)} level ${level}`;
}

/** 0 in a task, 1 in a soft interrupt, 2 in a hard one, 3 in an NMI (spec D95). */
function interruptLevel(flags: string): number {
  switch (flags.charAt(2)) {
    case 's':
      return 1;
    case 'h':
    case 'H':
      return 2;
    case 'z':
    case 'Z':
      return 3;
    default:
      return 0;
  }
}

/** How long before its event a free may have happened at most (spec S141). */
const FREE_WINDOW_MICROS = 300;

/** Where on its CPU an event stands: the bounds of what happened just before and just after it. */
export class CpuOrder {
  readonly #log: TraceLog;
  readonly #last: number[] = [];
  readonly #waiting: { until: number }[][] = [];
  /** First event that lies less than the free window back. */
  #recent = 0;

  constructor(log: TraceLog) {
    this.#log = log;
  }

  /** The event after which something that event `i` reports can have happened: the last of its CPU, 300 us at most. */
  before(i: number): number {
    const earliest = this.#log.time(i) - FREE_WINDOW_MICROS;
    while (this.#recent < i && this.#log.time(this.#recent) < earliest) this.#recent++;
    return Math.max(this.#last[this.#log.cpu(i)] ?? -1, Math.min(this.#recent, i) - 1);
  }

  /** Ends the window of a step at the next event of the CPU of event `i`. */
  untilNext(i: number, step: { until: number }): void {
    const cpu = this.#log.cpu(i);
    this.#waiting[cpu] ??= [];
    this.#waiting[cpu].push(step);
  }

  /** Event `i` is next: windows that wait for it end, call before its steps are read. */
  arrive(i: number): void {
    const waiting = this.#waiting[this.#log.cpu(i)];
    if (waiting === undefined) return;
    for (const step of waiting) step.until = i;
    waiting.length = 0;
  }

  /** Event `i` is done with. */
  leave(i: number): void {
    this.#last[this.#log.cpu(i)] = i;
  }
}
