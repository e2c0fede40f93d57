/** A place where a QEMU departs from the specification of what it emulates, as observed through qtest. */
export interface QemuDifference {
  readonly id: string;
  /** Device of QEMU's. */
  readonly device: string;
  /** Versions that were seen to do it. */
  readonly seenIn: string;
  /** What the specification says, with the rule that cites it. */
  readonly specified: string;
  readonly qemu: string;
  /** What our model and driver do about it. */
  readonly ours: string;
}

/** All that are known; docs/qemu-differences.md shows them, and tests name those that they allow for. */
export const QEMU_DIFFERENCES = [
  {
    id: 'vtd-cached-rights',
    device: 'intel-iommu',
    seenIn: '7.2.22',
    specified: 'A request without the right is blocked and recorded, IOTLB hit or not (H26).',
    qemu: 'A request whose right the page lacks is blocked without a record once the IOTLB holds that page.',
    ours: 'The model records it.',
  },
  {
    id: 'vtd-record-pasid',
    device: 'intel-iommu',
    seenIn: '7.2.22',
    specified: 'A record of a request without PASID has PP = 0 and says nothing in its PASID field (H24).',
    qemu: 'The field holds 0xffff in legacy mode; in scalable mode PP is set, with PASID 0.',
    ours: 'The model leaves both 0; drivers look at the PASID only with PP.',
  },
  {
    id: 'smmu-outside-silent',
    device: 'arm-smmuv3',
    seenIn: '7.2.22',
    specified: 'An address outside the ranges of both tables is blocked with F_TRANSLATION (H63).',
    qemu: 'It is blocked without a record.',
    ours: 'The model records it.',
  },
  {
    id: 'smmu-access-flag',
    device: 'arm-smmuv3',
    seenIn: '7.2.22',
    specified: 'A leaf with AF = 0 faults with F_ACCESS where AFFD is 0 and hardware does not set it (H64).',
    qemu: 'AF is not looked at; 11.1 faults.',
    ours: 'The model faults; our driver sets AF.',
  },
  {
    id: 'smmu-output-size',
    device: 'arm-smmuv3',
    seenIn: '7.2.22',
    specified: 'A leaf whose address is wider than IPS or OAS faults with F_ADDR_SIZE (H70 step 8).',
    qemu: 'The address is used.',
    ours: 'The model faults.',
  },
  {
    id: 'smmu-block-level',
    device: 'arm-smmuv3',
    seenIn: '7.2.22',
    specified: 'A block descriptor is invalid at level 3, and at levels where the granule has no blocks (H64).',
    qemu: 'It is taken as a leaf.',
    ours: 'The model faults with F_TRANSLATION.',
  },
  {
    id: 'smmu-table-rights',
    device: 'arm-smmuv3',
    seenIn: '7.2.22',
    specified:
      'Rights are judged when a leaf was found; a missing one is F_TRANSLATION whatever APTable says (H70 step 8).',
    qemu: 'A write below APTable = read-only is F_PERMISSION at once.',
    ours: 'The model walks to the end.',
  },
  {
    id: 'smmu-cached-table-rights',
    device: 'arm-smmuv3',
    seenIn: '7.2.22',
    specified: 'A write below APTable = read-only is F_PERMISSION, TLB hit or not (H64).',
    qemu: 'Once a read has brought the translation into the TLB, the write is not recorded.',
    ours: 'The model records it.',
  },
  {
    id: 'smmu-event-class',
    device: 'arm-smmuv3',
    seenIn: '7.2.22',
    specified: 'An event of a blocked access has CLASS 2, the input address (H71).',
    qemu: 'CLASS stays 0; 11.1 fills it.',
    ours: 'The model fills it.',
  },
  {
    id: 'amd-mode-width',
    device: 'amd-iommu',
    seenIn: '7.2.22',
    specified: 'An address of more bits than Mode has levels for is blocked (H39 step 10).',
    qemu: 'Its upper bits are ignored: it aliases an address below.',
    ours: 'The model blocks it; the conformance suite leaves that test out.',
  },
  {
    id: 'amd-no-events',
    device: 'amd-iommu',
    seenIn: '7.2.22',
    specified: 'Blocked requests are logged as events (H39, H40).',
    qemu: 'They are blocked, but the event log stays empty.',
    ours: 'The model logs them; the conformance suite leaves its fault tests out.',
  },
] as const satisfies readonly QemuDifference[];

export type QemuDifferenceId = (typeof QEMU_DIFFERENCES)[number]['id'];
