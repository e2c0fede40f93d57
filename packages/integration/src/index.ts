export type {
  DomainAgreement,
  InferredFlush,
  IovaAgreement,
  MovedAllocation,
  ReplayIovaOptions,
} from './replay/iova.ts';
export { replayIova } from './replay/iova.ts';
export type { SwiotlbAgreement, SwiotlbResidual } from './replay/swiotlb/agreement.ts';
export type { SwiotlbReplayOptions } from './replay/swiotlb.ts';
export { replaySwiotlb } from './replay/swiotlb.ts';
