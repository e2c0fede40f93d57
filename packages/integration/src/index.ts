// A kernel's log explained.
export type { BootFacts } from './explain/boot-facts.ts';
export type { LogExplanation, UnknownLine } from './explain/explain-log.ts';
export { explainLog } from './explain/explain-log.ts';
export type { Explanation, Family, FieldValue, Occurrence, Relation, Severity } from './explain/explanation.ts';
// What fio prints.
export type { FioJsonOptions } from './fio-output/fio-json.ts';
export { fioJson } from './fio-output/fio-json.ts';
export { fioText } from './fio-output/fio-text.ts';
// Machines.
export { BringUpError, bringUp } from './machine/bring-up.ts';
export type { BuildOptions } from './machine/build-machine.ts';
export { buildMachine } from './machine/build-machine.ts';
export { MachineDescriptionError } from './machine/description-error.ts';
export type { Machine, NvmePart, RunningMachine } from './machine/machine.ts';
export type {
  Attachment,
  DeviceDescription,
  IommuPolicy,
  MachineDescription,
  NvmeDescription,
  PeerMemoryDescription,
} from './machine/machine-description.ts';
export { MACHINE_DEFAULTS, PLAIN_NVME } from './machine/machine-description.ts';
export type { IommuTraffic } from './machine/parts/iommu-meter.ts';
export { IommuMeter } from './machine/parts/iommu-meter.ts';
export type { IommuPart } from './machine/parts/iommu-part.ts';
export type { PeerPart } from './machine/parts/peer-part.ts';
export { MACHINES } from './machine/presets.ts';
export { readMachineDescription } from './machine/read-description.ts';
// What a replay finds.
export type { NamedTimeline } from './replay/diagnosis/activity.ts';
export type { Diagnosis } from './replay/diagnosis/diagnose.ts';
export type { ExposedPage, Exposure, ReusedPage } from './replay/diagnosis/exposure.ts';
export { EXPOSURE_CLASSES_MILLIS } from './replay/diagnosis/exposure.ts';
export type { FlushQueueUse, IovaUse, SpaceMoment } from './replay/diagnosis/iova-use.ts';
export type { Timeline } from './replay/diagnosis/timeline.ts';
export type { DirectAgreement, DirectResidual } from './replay/direct.ts';
export { replayDirect } from './replay/direct.ts';
export type { DmaDebugDevice, DmaDebugReport, FindingKind, LiveSample, TraceFinding } from './replay/dma-debug.ts';
export { replayDmaDebug } from './replay/dma-debug.ts';
export type {
  DomainAgreement,
  InferredFlush,
  IovaAgreement,
  MovedAllocation,
  ReplayIovaOptions,
} from './replay/iova.ts';
export { replayIova } from './replay/iova.ts';
export type {
  CommandField,
  FieldAgreement,
  IdentityAgreement,
  IdentityField,
  NvmeAgreement,
  NvmeResidual,
} from './replay/nvme.ts';
export { replayNvme } from './replay/nvme.ts';
export type { TableAgreement, TableResidual } from './replay/page-tables.ts';
export { replayPageTables } from './replay/page-tables.ts';
// Real traces against the model.
export type { Agreement, ReplayOptions, ReplayReport, ReplayWindow } from './replay/replay-trace.ts';
export { disagreements, replayTrace } from './replay/replay-trace.ts';
export type { SwiotlbAgreement, SwiotlbResidual } from './replay/swiotlb/agreement.ts';
export type { PoolFailure, PoolMoment, PoolPressure, SlotHolder } from './replay/swiotlb/pool-pressure.ts';
export type { SwiotlbReplayOptions } from './replay/swiotlb.ts';
export { replaySwiotlb } from './replay/swiotlb.ts';
export { TraceReplay } from './replay/trace-replay.ts';
// The same requests elsewhere.
export type { OtherMachine } from './replay/what-if/other-machine.ts';
export { otherMachine } from './replay/what-if/other-machine.ts';
export type { SideBySide, WhatIf } from './replay/what-if/what-if.ts';
// Pages to show to somebody else.
export type { ReplayPageInput } from './report/replay/replay-page.ts';
export { replayPage } from './report/replay/replay-page.ts';
export { runPage } from './report/run-page.ts';
export { storyPage } from './report/story-page.ts';
export { studyPage } from './report/study-page.ts';
export { topologyPage } from './report/topology-page.ts';
// Defects that happen before one's eyes.
export { STORIES } from './story/stories.ts';
export type { Story, StoryRequest, StoryRun } from './story/story.ts';
// The study: one workload, every machine, both mapping interfaces.
export type { StudyAnswer } from './study/answers.ts';
export { answerQuestions } from './study/answers.ts';
export type { MappingTarget, MappingTrial } from './study/mapping-trials.ts';
export { MAPPING_TARGETS, tryMappings } from './study/mapping-trials.ts';
export type { PlatformTrial } from './study/platform-trial.ts';
export { tryPlatformOps } from './study/platform-trial.ts';
export type { StudyOptions } from './study/run-study.ts';
export { runStudy } from './study/run-study.ts';
export type { StudyRow, UnmapSources } from './study/study-row.ts';
export type { StudyTime } from './study/time-trial.ts';
// Virtual time.
export type { Calibration, CalibrationFigure } from './time/calibrate/calibrate.ts';
export { calibrate } from './time/calibrate/calibrate.ts';
export type { CostEntry, CostKey, Costs } from './time/costs/cost-table.ts';
export { COST_TABLE, DEFAULT_COSTS, settleCosts } from './time/costs/cost-table.ts';
export type { DirectionTimes, ThreadTimes } from './time/run/job-times.ts';
export type { LatencyHistogram } from './time/run/latency-histogram.ts';
export { SpanLog } from './time/run/span-log.ts';
export type { TimedResult, TimeParts } from './time/run/timed-run.ts';
export { cpuNanosPerIo, TimedRun } from './time/run/timed-run.ts';
export { timedSummary } from './time/run/timed-summary.ts';
export type { WorkPart } from './time/work/work-kinds.ts';
// Workloads.
export { isBlkparseLine, readBlkparse } from './workload/block-trace/blkparse.ts';
export { readBlockEvents } from './workload/block-trace/block-events.ts';
export type { BlockIos } from './workload/block-trace/block-ios.ts';
export { BlockTraceError } from './workload/block-trace/block-ios.ts';
export type { BlockTraceOptions } from './workload/block-trace/plan-block-ios.ts';
export { planBlockIos, withRoomFor } from './workload/block-trace/plan-block-ios.ts';
export { FioJobError } from './workload/fio-error.ts';
export type { AccessPattern, FioJob, FioJobFile, JobPace } from './workload/fio-job.ts';
export { parseFioJobs } from './workload/fio-parser.ts';
export type { BlockShare, DiskSize } from './workload/fio-values.ts';
export { BufferMemoryError } from './workload/io-buffers.ts';
export type { JobExtent, WorkloadIo } from './workload/job-stream.ts';
export { JobStream, jobExtent } from './workload/job-stream.ts';
export type { WorkloadResult } from './workload/workload.ts';
export { WorkloadError } from './workload/workload-error.ts';
export type { IoSource, ThreadPace, ThreadPlan, WorkloadPlan } from './workload/workload-plan.ts';
export { planJobs } from './workload/workload-plan.ts';
export { WorkloadRunner } from './workload/workload-runner.ts';
