import type { TraceLog } from '@dmalab/trace';
import type { IovaOperation } from '../iova/operation.ts';
import { iovaOperations } from '../iova/operations.ts';
import type { IovaAgreement } from '../iova.ts';
import type { PoolPressure } from '../swiotlb/pool-pressure.ts';
import { tracedPressure } from '../swiotlb/pool-run.ts';
import type { TracedPool } from '../swiotlb.ts';
import { eventsOverTime, mappedOverTime, type NamedTimeline } from './activity.ts';
import { DomainWalk } from './domain-walk.ts';
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
  /** PCI device by NVMe controller, as the boot log tells it. */
  readonly controllers: ReadonlyMap<string, string>;
}

export function diagnose(log: TraceLog, { pool, iova, controllers }: DiagnosisInput): Diagnosis {
  const operations = iova.domains.length === 0 ? [] : iovaOperations(log, controllers);
  return {
    events: eventsOverTime(log),
    mapped: mappedOverTime(log),
    ...(pool?.setting && { swiotlb: tracedPressure(log, pool.history, pool.setting) }),
    iova: iova.domains.map((domain) => new DomainWalk(log, ofDomain(operations, domain.devices), domain).run()),
  };
}

function ofDomain(operations: readonly IovaOperation[], devices: readonly string[]): IovaOperation[] {
  return operations.filter(({ device }) => devices.includes(device));
}
