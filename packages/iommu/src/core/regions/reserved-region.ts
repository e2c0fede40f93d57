import { IOMMU_READ, IOMMU_WRITE } from '../paging-domain.ts';

/** Kinds of reserved region, as sysfs spells them (spec I139). */
export const RegionKind = {
  /** Must be mapped 1:1. */
  DIRECT: 'direct',
  /** Mapped 1:1 now, may be dropped. */
  DIRECT_RELAXABLE: 'direct-relaxable',
  /** Never to be used. */
  RESERVED: 'reserved',
  /** Interrupt messages that hardware picks out. */
  MSI: 'msi',
  /** Window that software maps interrupt messages into; sysfs spells it like the other. */
  SW_MSI: 'sw-msi',
} as const;
export type RegionKind = (typeof RegionKind)[keyof typeof RegionKind];

/** IO virtual addresses of a device that are not free for mappings; both ends inclusive, in bytes. */
export interface ReservedRegion {
  readonly start: number;
  readonly last: number;
  readonly kind: RegionKind;
  /** `IOMMU_READ` and so on, for the direct kinds. */
  readonly prot: number;
}

/** What x86 keeps for interrupt messages in every domain (spec I139). */
export const X86_MSI_REGION: ReservedRegion = { start: 0xfee00000, last: 0xfeefffff, kind: RegionKind.MSI, prot: 0 };
/** Behind an AMD unit, unless the hardware waives it (spec I139). */
export const AMD_HYPERTRANSPORT_REGION: ReservedRegion = {
  start: 0xfd00000000,
  last: 0xffffffffff,
  kind: RegionKind.RESERVED,
  prot: 0,
};
/** SMMU and virtio-iommu (spec I139). */
export const SW_MSI_REGION: ReservedRegion = { start: 0x8000000, last: 0x80fffff, kind: RegionKind.SW_MSI, prot: 0 };
/** The first 16 MiB, for an ISA bridge behind VT-d (spec I11, I139). */
export const ISA_BRIDGE_REGION: ReservedRegion = {
  start: 0,
  last: 0xffffff,
  kind: RegionKind.DIRECT_RELAXABLE,
  prot: IOMMU_READ | IOMMU_WRITE,
};

/** Sorted by start; overlapping or touching regions of one kind become one (spec I139). */
export function mergeRegions(regions: readonly ReservedRegion[]): ReservedRegion[] {
  const merged: ReservedRegion[] = [];
  for (const region of regions.toSorted((a, b) => a.start - b.start || a.kind.localeCompare(b.kind))) {
    const twin = merged.findLastIndex(({ kind }) => kind === region.kind);
    if (twin >= 0 && region.start <= merged[twin].last + 1) {
      merged[twin] = { ...merged[twin], last: Math.max(merged[twin].last, region.last) };
    } else merged.push(region);
  }
  return merged;
}

/** The group's `reserved_regions` file in sysfs (spec I139). */
export function reservedRegionsFile(regions: readonly ReservedRegion[]): string {
  return mergeRegions(regions)
    .map(({ start, last, kind }) => `${hex16(start)} ${hex16(last)} ${kind === RegionKind.SW_MSI ? 'msi' : kind}\n`)
    .join('');
}

function hex16(value: number): string {
  return `0x${value.toString(16).padStart(16, '0')}`;
}
