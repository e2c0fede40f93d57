import type { TraceLog } from '@dmalab/trace';
import type { IovaOperation } from '../iova/operation.ts';
import type { IovaAgreement } from '../iova.ts';
import type { PoolPressure } from '../swiotlb/pool-pressure.ts';
import { tracedPressure } from '../swiotlb/pool-run.ts';
import type { TracedPool } from '../swiotlb.ts';
import { eventsOverTime, mappedOverTime, type NamedTimeline } from './activity.ts';
import { DomainWalk } from './domain-walk.ts';
import { flushSchedule } from './flush-schedule.ts';
import type { IovaUse } from './iova-use.ts';

/** What the traced machine went through, beyond what its drivers did wrong. Plain JSON. */
export interface Diagnosis {
  readonly events: readonly NamedTimeline[];
  readonly mapped: readonly NamedTimeline[];
  /** Absent where nothing bounced, or no pool shows. */
  readonly swiotlb?: PoolPressure;
  /** By domain; empty where no IOMMU translates. */
  readonly iova: readonly IovaUse[];
}

export interface DiagnosisInput {
  readonly pool: TracedPool | null;
  readonly iova: IovaAgreement;
  /** Of all domains. */
  readonly operations: readonly IovaOperation[];
}

export function diagnose(log: TraceLog, { pool, iova, operations }: DiagnosisInput): Diagnosis {
  return {
    events: eventsOverTime(log),
    mapped: mappedOverTime(log),
    ...(pool?.setting && { swiotlb: tracedPressure(log, pool.history, pool.setting) }),
    iova: iova.domains.map((domain) => {
      const own = ofDomain(operations, domain.devices);
      return new DomainWalk(log, own, domain, flushSchedule(own, domain.inferredFlushes)).run();
    }),
  };
}

function ofDomain(operations: readonly IovaOperation[], devices: readonly string[]): IovaOperation[] {
  return operations.filter(({ device }) => devices.includes(device));
}
