import type { Finding } from '@dmalab/dma-api';

/** What a driver did wrong, in words a program can compare. */
export type FindingKind =
  | 'leak'
  | 'double-unmap'
  | 'unknown-unmap'
  | 'wrong-size'
  | 'wrong-direction'
  | 'wrong-attributes'
  | 'wrong-function'
  | 'wrong-cpu-address'
  | 'wrong-entry-count'
  | 'overlap'
  | 'sync';

/** One finding, by its lines in the trace file. */
export interface TraceFinding {
  readonly kind: FindingKind;
  /** Number in the list of dma-debug's findings (E1 to E24). */
  readonly id: string;
  readonly device: string;
  /** Line of the call that is wrong; of the map, for a leak. */
  readonly line: number;
  /** Line of the mapping that the call meant, 0 where there is none. */
  readonly mapLine: number;
  readonly text: string;
}

const KINDS: Readonly<Record<string, FindingKind>> = {
  E8: 'overlap',
  E9: 'unknown-unmap',
  E10: 'double-unmap',
  E11: 'wrong-size',
  E12: 'wrong-function',
  E13: 'wrong-cpu-address',
  E14: 'wrong-entry-count',
  E15: 'wrong-direction',
  E17: 'wrong-attributes',
  E24: 'leak',
};

/** A finding of dma-debug, whose sites are lines, as a finding of the trace. */
export function traceFinding({ id, device, text, site, mapSite }: Finding): TraceFinding {
  return { kind: KINDS[id] ?? 'sync', id, device: device ?? '', line: site, mapLine: mapSite, text };
}
