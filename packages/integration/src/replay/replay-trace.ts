import type { Trace } from '@dmalab/trace';
import { type IovaAgreement, replayIova } from './iova.ts';
import type { SwiotlbAgreement } from './swiotlb/agreement.ts';
import { replaySwiotlb } from './swiotlb.ts';

export interface ReplayOptions {
  /** Kernel log of the traced boot: pool geometry, command line, IOMMU mode, groups. Without it they are inferred. */
  readonly bootText?: string;
}

/** How far the model hands out the addresses that the kernel did. A part that the trace doesn't exercise is absent. */
export interface Agreement {
  readonly iova?: IovaAgreement;
  readonly swiotlb?: SwiotlbAgreement;
}

/** Drives the model's allocators with the requests of a whole trace (one that was read in a single batch). */
export function replayTrace({ log, header }: Trace, { bootText }: ReplayOptions = {}): Agreement {
  const options = {
    ...(bootText !== undefined && { bootText }),
    ...(header.cpus > 0 && { cpus: header.cpus }),
  };
  const iova = replayIova(log, options);
  const swiotlb = replaySwiotlb(log, options);
  return { ...(iova.compared > 0 && { iova }), ...(swiotlb !== null && { swiotlb }) };
}
