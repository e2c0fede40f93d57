import type { Trace, TraceLog } from '@dmalab/trace';
import { type Diagnosis, diagnose } from './diagnosis/diagnose.ts';
import { type DirectAgreement, replayDirect } from './direct.ts';
import { type DmaDebugReport, replayDmaDebug } from './dma-debug.ts';
import { machineFacts } from './iova/machine-facts.ts';
import { iovaOperations } from './iova/operations.ts';
import { type IovaAgreement, replayIova } from './iova.ts';
import { type NvmeAgreement, replayNvme } from './nvme.ts';
import { replayPageTables, type TableAgreement } from './page-tables.ts';
import type { SwiotlbAgreement } from './swiotlb/agreement.ts';
import { compareWithPool, readTracedPool } from './swiotlb.ts';
import type { OtherMachine } from './what-if/other-machine.ts';
import { type WhatIf, whatIf } from './what-if/what-if.ts';

export interface ReplayOptions {
  /** Kernel log of the traced boot: pool geometry, command line, IOMMU mode, groups. Without it they are inferred. */
  readonly bootText?: string;
  /** Give the trace's I/O to the NVMe driver and controller too, and compare command by command. Default false. */
  readonly nvme?: boolean;
  /** Another machine, to which the same requests are given. */
  readonly as?: OtherMachine;
}

/** How far the model hands out the addresses that the kernel did. A part that the trace doesn't exercise is absent. */
export interface Agreement {
  readonly direct?: DirectAgreement;
  readonly iova?: IovaAgreement;
  readonly tables?: TableAgreement;
  readonly swiotlb?: SwiotlbAgreement;
  /** `compared` counts commands; their tags, generations and queue positions stand apart in `identity`. */
  readonly nvme?: NvmeAgreement;
}

/** What a replay finds out. Plain JSON. */
export interface ReplayReport {
  readonly agreement: Agreement;
  /** What dma-debug says of the drivers in the trace. */
  readonly dmaDebug: DmaDebugReport;
  /** How bounce buffers, IOVA space and flush queue fared, and what was exposed. */
  readonly diagnosis: Diagnosis;
  /** With `as`: the same requests there. */
  readonly whatIf?: WhatIf;
  /** Of a trace that was longer than the replay's window: how far it went. Absent where it went to the end. */
  readonly window?: ReplayWindow;
}

/** The part of a long trace that was replayed; events after it were counted, and checked for driver faults. */
export interface ReplayWindow {
  readonly events: number;
  /** Line of the last event in it. */
  readonly lastLine: number;
  readonly eventsAfter: number;
}

/** Drives the model with the requests of a whole trace, one that was read in a single batch. */
export function replayTrace(trace: Trace, options: ReplayOptions = {}): ReplayReport {
  return replayFromStart(trace, replayDmaDebug(trace.log), options);
}

/** The same where dma-debug has gone over the trace already. */
export function replayFromStart(
  { log, header }: Trace,
  dmaDebug: DmaDebugReport,
  { bootText, nvme: withNvme = false, as: other }: ReplayOptions,
): ReplayReport {
  const options = {
    ...(bootText !== undefined && { bootText }),
    ...(header.cpus > 0 && { cpus: header.cpus }),
  };
  const iova = replayIova(log, options);
  const facts = machineFacts(bootText ?? '', tracedCpus(log, header.cpus));
  const tables = replayPageTables(log, facts.iommuKind);
  const pool = readTracedPool(log, options);
  const direct = replayDirect(log, new Set(iova.domains.flatMap(({ devices }) => devices)));
  const nvme = withNvme ? replayNvme(log, options) : null;
  const agreement = {
    ...(direct !== null && { direct }),
    ...(iova.compared > 0 && { iova }),
    ...(tables !== null && { tables }),
    ...(pool !== null && { swiotlb: compareWithPool(pool) }),
    ...(nvme !== null && { nvme }),
  };
  const operations = iova.domains.length === 0 ? [] : iovaOperations(log, facts.controllers);
  const diagnosis = diagnose(log, { pool, iova, operations });
  const input = { pool, operations, diagnosis, dmaDebug, bootText: bootText ?? '', facts };
  return { agreement, dmaDebug, diagnosis, ...(other !== undefined && { whatIf: whatIf(log, input, other) }) };
}

/** As the header says, or as many as the trace shows. */
function tracedCpus(log: TraceLog, announced: number): number {
  let cpus = Math.max(announced, 1);
  for (let i = 0; i < log.length; i++) cpus = Math.max(cpus, log.cpu(i) + 1);
  return cpus;
}

/** Comparisons that came out otherwise than in the trace, and have no explanation. */
export function disagreements({ direct, iova, tables, swiotlb, nvme }: Agreement): number {
  const names = nvme?.identity;
  return [direct, iova, tables, swiotlb, nvme, names].reduce(
    (sum, part) => sum + (part === undefined ? 0 : part.compared - part.agree),
    -(names?.explained ?? 0),
  );
}
