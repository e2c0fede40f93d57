import { Swiotlb, type SwiotlbOptions } from '@dmalab/swiotlb';
import { WORK_BOUNCE, WORK_BOUNCED_BYTE } from './work-kinds.ts';
import type { WorkMeter } from './work-meter.ts';

/** A bounce-buffer allocator whose searches and copies are counted. */
export class MeteredSwiotlb extends Swiotlb {
  readonly #meter: WorkMeter;

  constructor(options: SwiotlbOptions, meter: WorkMeter) {
    const { memory } = options;
    super({
      ...options,
      memory: {
        copy(to, from, lengthBytes) {
          meter.add(WORK_BOUNCED_BYTE, lengthBytes);
          memory.copy(to, from, lengthBytes);
        },
      },
    });
    this.#meter = meter;
  }

  override tblMapSingle(...request: Parameters<Swiotlb['tblMapSingle']>): number {
    this.#meter.add(WORK_BOUNCE, 1);
    return super.tblMapSingle(...request);
  }
}
