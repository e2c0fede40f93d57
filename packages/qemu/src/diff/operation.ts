/** One step of a sequence that is played on two sides. Registers are those of the IOMMU. */
export type Operation =
  | { readonly kind: 'readl'; readonly offset: number }
  | { readonly kind: 'writel'; readonly offset: number; readonly value: number }
  | { readonly kind: 'read'; readonly at: number; readonly lengthBytes: number }
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'clock'; readonly nanoseconds: number }
  | { readonly kind: 'dma'; readonly rid: number; readonly isWrite: boolean; readonly iova: number };

/** A sequence as its file has it. */
export interface Sequence {
  /** Whose registers the sequence speaks of. */
  readonly unit: UnitName;
  readonly steps: readonly { readonly line: number; readonly text: string; readonly operation: Operation }[];
}

/** Units that there are two of, a model and QEMU's. */
export const UNIT_NAMES = ['vtd', 'vtd-scalable', 'smmuv3'] as const;
export type UnitName = (typeof UNIT_NAMES)[number];
