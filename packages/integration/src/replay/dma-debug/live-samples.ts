import type { DeviceCheck } from './device-check.ts';

/** Samples over the length of a trace. */
const SAMPLES = 40;

/** Live mappings of one device and call site at one time. */
export interface LiveSample {
  readonly micros: number;
  readonly device: string;
  /** Task that made the mappings. */
  readonly caller: string;
  readonly mappings: number;
  readonly bytes: number;
}

/** Takes samples at equal distances; nothing is kept of a device that has nothing mapped. */
export class LiveSampler {
  readonly samples: LiveSample[] = [];
  readonly #step: number;
  #next: number;

  constructor(firstMicros: number, lastMicros: number) {
    this.#step = Math.max(1, (lastMicros - firstMicros) / SAMPLES);
    this.#next = firstMicros + this.#step;
  }

  /** Before the event at that time is looked at. */
  advance(micros: number, devices: Iterable<DeviceCheck>): void {
    if (micros < this.#next) return;
    while (this.#next <= micros) this.#next += this.#step;
    for (const device of devices) this.#sample(micros, device);
  }

  #sample(micros: number, check: DeviceCheck): void {
    const byCaller = new Map<string, { mappings: number; bytes: number }>();
    for (const { caller, size } of check.liveMappings()) {
      const sum = byCaller.get(caller) ?? { mappings: 0, bytes: 0 };
      sum.mappings++;
      sum.bytes += size;
      byCaller.set(caller, sum);
    }
    for (const [caller, sum] of byCaller) this.samples.push({ micros, device: check.name, caller, ...sum });
  }
}
