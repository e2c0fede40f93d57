export type {
  DomainAgreement,
  InferredFlush,
  IovaAgreement,
  MovedAllocation,
  ReplayIovaOptions,
} from './replay/iova.ts';
export { replayIova } from './replay/iova.ts';
