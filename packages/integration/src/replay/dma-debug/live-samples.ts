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

/**
 * Takes samples at equal distances; nothing is kept of a device that has nothing mapped. When more of the trace comes
 * than was announced, the distances double and every other instant is dropped.
 */
export class LiveSampler {
  samples: LiveSample[] = [];
  #step = 0;
  #next = 0;
  #instants: number[] = [];

  /** A batch of events comes, from the first to the last of these times. */
  cover(firstMicros: number, lastMicros: number): void {
    if (this.#step > 0) return;
    this.#step = Math.max(1, (lastMicros - firstMicros) / SAMPLES);
    this.#next = firstMicros + this.#step;
  }

  /** Before the event at that time is looked at. */
  advance(micros: number, devices: Iterable<DeviceCheck>): void {
    if (micros < this.#next) return;
    while (this.#next <= micros) this.#next += this.#step;
    for (const device of devices) this.#sample(micros, device);
    this.#instants.push(micros);
    if (this.#instants.length >= 2 * SAMPLES) this.#thin();
  }

  #thin(): void {
    const kept = this.#instants.filter((_, i) => i % 2 === 1);
    const isKept = new Set(kept);
    this.samples = this.samples.filter(({ micros }) => isKept.has(micros));
    this.#instants = kept;
    this.#step *= 2;
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
