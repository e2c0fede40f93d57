import { type ByteAccess, CpuCache } from '@dmalab/phys-memory';
import { WORK_CACHE_LINE } from './work-kinds.ts';
import type { WorkMeter } from './work-meter.ts';

/** A CPU cache whose maintenance is counted, line by line; a flush counts as the two operations that it is. */
export class MeteredCache extends CpuCache {
  readonly #meter: WorkMeter;

  constructor(memory: ByteAccess, meter: WorkMeter) {
    super(memory);
    this.#meter = meter;
  }

  override clean(at: number, lengthBytes: number): void {
    this.#count(at, lengthBytes);
    super.clean(at, lengthBytes);
  }

  override invalidate(at: number, lengthBytes: number): void {
    this.#count(at, lengthBytes);
    super.invalidate(at, lengthBytes);
  }

  #count(at: number, lengthBytes: number): void {
    const first = Math.floor(at / this.lineBytes);
    this.#meter.add(WORK_CACHE_LINE, Math.floor((at + lengthBytes - 1) / this.lineBytes) - first + 1);
  }
}
