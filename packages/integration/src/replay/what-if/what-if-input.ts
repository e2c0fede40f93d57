import type { Diagnosis } from '../diagnosis/diagnose.ts';
import type { DmaDebugReport } from '../dma-debug.ts';
import type { MachineFacts } from '../iova/machine-facts.ts';
import type { IovaOperation } from '../iova/operation.ts';
import type { TracedPool } from '../swiotlb.ts';

/** What the replay of a trace found out, as far as another machine's answer depends on it. */
export interface WhatIfInput {
  readonly pool: TracedPool | null;
  readonly operations: readonly IovaOperation[];
  readonly diagnosis: Diagnosis;
  readonly dmaDebug: DmaDebugReport;
  readonly bootText: string;
  readonly facts: MachineFacts;
}

/** Devices whose drivers leave unmaps out where they change nothing (spec D60). */
export function elidingDevices({ dmaDebug }: WhatIfInput): Set<string> {
  return new Set(dmaDebug.devices.filter(({ elidesUnmaps }) => elidesUnmaps).map(({ device }) => device));
}
