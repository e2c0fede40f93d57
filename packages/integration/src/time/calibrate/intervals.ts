import { EventKind, type TraceLog } from '@dmalab/trace';
import type { CostKey } from '../costs/cost-table.ts';

const NANOS_PER_MICRO = 1000;

/** Two events that follow each other on a CPU, in one task and context, and what happens between them. */
export interface IntervalKind {
  readonly what: string;
  readonly from: EventKind;
  readonly to: EventKind;
  /** The figure of the cost model that this is, recording of one event included. */
  readonly cost: CostKey;
}

/** Neighbours that tell a single piece of work. In a lazy domain nothing is invalidated between the last two pairs. */
export const INTERVAL_KINDS: readonly IntervalKind[] = [
  {
    what: 'one dma_map_phys to the next',
    from: EventKind.DMA_MAP_PHYS,
    to: EventKind.DMA_MAP_PHYS,
    cost: 'mapNanos',
  },
  {
    what: 'one dma_unmap_phys to the next',
    from: EventKind.DMA_UNMAP_PHYS,
    to: EventKind.DMA_UNMAP_PHYS,
    cost: 'unmapNanos',
  },
  { what: 'one IOMMU map to the next', from: EventKind.MAP, to: EventKind.MAP, cost: 'tableMapNanos' },
  {
    what: 'nvme_complete_rq to block_rq_complete',
    from: EventKind.NVME_COMPLETE_RQ,
    to: EventKind.BLOCK_RQ_COMPLETE,
    cost: 'completeNanos',
  },
  {
    what: 'IOMMU unmap to dma_unmap_phys: tables clear, then invalidated',
    from: EventKind.UNMAP,
    to: EventKind.DMA_UNMAP_PHYS,
    cost: 'invalidationNanos',
  },
  {
    what: 'IOMMU unmap to nvme_complete_rq: the same in two steps',
    from: EventKind.UNMAP,
    to: EventKind.NVME_COMPLETE_RQ,
    cost: 'invalidationNanos',
  },
];

/** Nanoseconds between such neighbours, by kind. */
export function measureIntervals(log: TraceLog): Map<IntervalKind, number[]> {
  const measured = new Map(INTERVAL_KINDS.map((kind) => [kind, [] as number[]]));
  const lastOfCpu = new Map<number, number>();
  for (let i = 0; i < log.length; i++) {
    const before = lastOfCpu.get(log.cpu(i));
    lastOfCpu.set(log.cpu(i), i);
    if (before === undefined || log.pid(before) !== log.pid(i) || log.inInterrupt(before) !== log.inInterrupt(i))
      continue;
    for (const [kind, values] of measured) {
      if (log.kind(before) !== kind.from || log.kind(i) !== kind.to) continue;
      values.push(Math.round((log.time(i) - log.time(before)) * NANOS_PER_MICRO));
    }
  }
  return measured;
}

/** How long each request was with its disk: from issue to completion. */
export interface RequestTime {
  readonly isWrite: boolean;
  readonly lengthBytes: number;
  readonly nanos: number;
}

const SECTOR_BYTES = 512;

/** Requests that were issued and completed inside the trace. */
export function measureRequests(log: TraceLog): RequestTime[] {
  const issued = new Map<string, number>();
  const requests: RequestTime[] = [];
  for (let i = 0; i < log.length; i++) {
    const kind = log.kind(i);
    if (kind !== EventKind.BLOCK_RQ_ISSUE && kind !== EventKind.BLOCK_RQ_COMPLETE) continue;
    const key = `${log.device(i)} ${log.address(i)} ${log.sectors(i)}`;
    if (kind === EventKind.BLOCK_RQ_ISSUE) {
      issued.set(key, log.time(i));
      continue;
    }
    const start = issued.get(key);
    issued.delete(key);
    if (start === undefined || log.sectors(i) === 0 || !/^F?[RW]/.test(log.rwbs(i))) continue;
    requests.push({
      isWrite: /^F?W/.test(log.rwbs(i)),
      lengthBytes: log.sectors(i) * SECTOR_BYTES,
      nanos: Math.round((log.time(i) - start) * NANOS_PER_MICRO),
    });
  }
  return requests;
}
