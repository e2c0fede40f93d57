import type { Bounce, BounceHistory } from './bounce.ts';
import type { Comparison } from './order-search.ts';
import type { LikelySetting } from './setting-search.ts';

/** A mapping that our pool answered differently. Addresses are hexadecimal text; null is a failed mapping. */
export interface SwiotlbResidual {
  readonly line: number;
  readonly device: string;
  readonly cpu: number;
  readonly orig: string;
  readonly size: number;
  readonly kernel: string | null;
  readonly ours: string | null;
}

/** How our pool agrees with the kernel's. Plain JSON. */
export interface SwiotlbAgreement {
  /** Bounced mappings that the trace shows, failed ones included. */
  readonly compared: number;
  /** Those that our pool answers with the same address, or failure. */
  readonly agree: number;
  /** Mappings that the kernel failed. */
  readonly failures: number;
  /** Of `agree`: those that need an order other than the printed one (several CPUs, spec S99). */
  readonly reordered: number;
  readonly unexplained: number;
  /** Null when no mapping of the trace shows where its buffer lies. */
  readonly geometry: { readonly start: string; readonly slotCount: number; readonly areaCount: number } | null;
  /** By device. */
  readonly masks: Readonly<Record<string, { readonly minAlignMask: string; readonly segBoundaryMask: string }>>;
  /** What the boot text told, and where. */
  readonly told: Readonly<Record<string, string>>;
  /** What nobody told and the trace itself had to show. */
  readonly inferred: readonly string[];
  readonly firstMismatch?: SwiotlbResidual;
  /** The first mismatches, {@link MAX_RESIDUALS} at most. */
  readonly residuals: readonly SwiotlbResidual[];
}

/** A report names no more mismatches than this. */
export const MAX_RESIDUALS = 20;

/** Puts a comparison into the form of a report. */
export function describeAgreement(
  { bounces }: BounceHistory,
  { pool, masks, inferred }: LikelySetting,
  { verdicts, given }: Comparison,
  told: Readonly<Record<string, string>>,
): SwiotlbAgreement {
  const residuals = [...given].slice(0, MAX_RESIDUALS).map(([id, ours]) => residual(bounces[id], ours));
  const { start, slotCount, areaCount = 1 } = pool;
  return {
    ...counts(bounces, verdicts.length - given.size),
    reordered: verdicts.filter((verdict) => verdict === 'reordered').length,
    geometry: { start: hex(start), slotCount, areaCount },
    masks: Object.fromEntries(
      [...masks].map(([device, { minAlignMask, segBoundaryMask }]) => [
        device,
        { minAlignMask: hex(minAlignMask), segBoundaryMask: hex(segBoundaryMask) },
      ]),
    ),
    told,
    inferred,
    ...(residuals.length > 0 && { firstMismatch: residuals[0] }),
    residuals,
  };
}

/** The report of a trace in which no bounce buffer shows: every mapping failed, and no pool is known to compare with. */
export function describeNothingShown({ bounces }: BounceHistory): SwiotlbAgreement {
  return { ...counts(bounces, 0), reordered: 0, geometry: null, masks: {}, told: {}, inferred: [], residuals: [] };
}

function counts(bounces: readonly Bounce[], agree: number) {
  const failures = bounces.filter(({ outcome }) => outcome === 'failed').length;
  return { compared: bounces.length, agree, failures, unexplained: bounces.length - agree };
}

function residual({ line, device, cpu, orig, size, place }: Bounce, ours: number): SwiotlbResidual {
  return {
    line,
    device,
    cpu,
    orig: hex(orig),
    size,
    kernel: place < 0 ? null : hex(place),
    ours: ours < 0 ? null : hex(ours),
  };
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
