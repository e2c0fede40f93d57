// Workloads.

export type {
  DomainAgreement,
  InferredFlush,
  IovaAgreement,
  MovedAllocation,
  ReplayIovaOptions,
} from './replay/iova.ts';
export { replayIova } from './replay/iova.ts';
// Real traces against the model.
export type { Agreement, ReplayOptions } from './replay/replay-trace.ts';
export { replayTrace } from './replay/replay-trace.ts';
export type { SwiotlbAgreement, SwiotlbResidual } from './replay/swiotlb/agreement.ts';
export type { SwiotlbReplayOptions } from './replay/swiotlb.ts';
export { replaySwiotlb } from './replay/swiotlb.ts';
export { FioJobError } from './workload/fio-error.ts';
export type { AccessPattern, FioJob, FioJobFile } from './workload/fio-job.ts';
export { parseFioJobs } from './workload/fio-parser.ts';
export type { BlockShare, DiskSize } from './workload/fio-values.ts';
export type { JobExtent, WorkloadIo } from './workload/job-stream.ts';
export { JobStream, jobExtent } from './workload/job-stream.ts';
