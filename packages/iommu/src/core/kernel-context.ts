import { IommuUsageError } from './errors.ts';
import { timerDueNanos } from './timer-wheel.ts';

export interface KernelContextOptions {
  /** CPUs that may ever come online, 1 by default. */
  readonly possibleCpus?: number;
  /** Timer ticks a second, 250 by default (spec I103). */
  readonly hz?: number;
  /** Receives each kernel log line, without time stamp and newline. */
  readonly log?: (line: string) => void;
}

/**
 * Where the kernel code is running: which CPU, and when. One object for a machine; whoever drives the machine moves it,
 * because nothing in here reads a clock. All caches and queues that the kernel keeps by CPU look here (spec I24).
 */
export class KernelContext {
  readonly possibleCpus: number;
  readonly hz: number;
  readonly log: (line: string) => void;
  /** 1 for each CPU that is online. Change it through the owner of the caches (spec I34). */
  readonly online: Uint8Array;
  /** The CPU that executes now. */
  cpu = 0;
  /** Time since boot. */
  nowNanos = 0;

  /** @throws {IommuUsageError} when there is no CPU, or no tick */
  constructor(options: KernelContextOptions = {}) {
    this.possibleCpus = options.possibleCpus ?? 1;
    this.hz = options.hz ?? 250;
    this.log = options.log ?? (() => {});
    if (!(Number.isInteger(this.possibleCpus) && this.possibleCpus >= 1)) {
      throw new IommuUsageError(`${this.possibleCpus} possible CPUs: must be a whole number from 1`);
    }
    if (!(this.hz > 0)) throw new IommuUsageError(`hz ${this.hz} must be above 0`);
    this.online = new Uint8Array(this.possibleCpus).fill(1);
  }

  get onlineCpus(): number {
    let count = 0;
    for (let cpu = 0; cpu < this.possibleCpus; cpu++) count += this.online[cpu];
    return count;
  }

  /** When a timer that is armed now for `millis` fires, in nanoseconds (spec I103). */
  timerDue(millis: number): number {
    return timerDueNanos(this.nowNanos, millis, this.hz);
  }
}
