/**
 * What a trace shows of the result of a bounced mapping: the address of the bounce buffer; only its IOMMU granule
 * (behind an IOMMU); that there is one, but not where (an entry of a list that failed later or was cut short); failure.
 */
export type Outcome = 'address' | 'granule' | 'mapped' | 'failed';

/** One bounced mapping of a trace: a `swiotlb_bounced` event and what followed from it. */
export interface Bounce {
  /** Position in the list of bounces. */
  readonly id: number;
  /** Index of its `swiotlb_bounced` event, and the line in the file. */
  readonly event: number;
  readonly line: number;
  /** As the trace names it. */
  readonly device: string;
  /** First byte of the caller's buffer, and its length. */
  readonly orig: number;
  readonly size: number;
  /** CPU that executed the map call. */
  readonly cpu: number;
  outcome: Outcome;
  /** Address or granule where the outcome shows one, else -1. */
  place: number;
}

/**
 * Something that happened to the pool at an instant that the trace narrows down: after event `from` and before event
 * `until` (spec S99). Printed order puts it at event `at`.
 */
export interface Step {
  readonly bounce: Bounce;
  readonly isFree: boolean;
  readonly at: number;
  readonly from: number;
  until: number;
  /** A step that comes before this one in any order: the one before it in a list, or the mapping that a free ends. */
  readonly after: Step | null;
}

/** What a trace shows of bouncing. */
export interface BounceHistory {
  readonly bounces: readonly Bounce[];
  /** In printed order. */
  readonly steps: readonly Step[];
  /** Devices that bounce behind an IOMMU: their allocations are aligned to its granule (spec S30). */
  readonly behindIommu: ReadonlySet<string>;
}
