import { NO_SEG_BOUNDARY } from '@dmalab/swiotlb';
import type { Bounce } from './bounce.ts';
import type { DeviceMasks } from './pool-machine.ts';

const PAGE_MASK = 4095;
const PCI_BOUNDARY = 0xffffffff;
const LEGACY_ATA_BOUNDARY = 0xffff;

/** What drivers are known to ask for (spec S30, S33). */
const KNOWN_DRIVERS: readonly (readonly [drivers: RegExp, masks: DeviceMasks])[] = [
  [/^(nvme|hv_netvsc|hv_storvsc)$/, { minAlignMask: PAGE_MASK, segBoundaryMask: PCI_BOUNDARY }],
  [
    /^(ata_piix|ata_generic|pata_\w+|sata_(nv|promise|sil|sis|svw|sx4|uli|via|vsc))$/,
    { minAlignMask: 0, segBoundaryMask: LEGACY_ATA_BOUNDARY },
  ],
  [
    /^(ahci|virtio[_-]\w+|e1000e?|igb\w*|ixgbe\w*|xhci_hcd|ehci[-_]\w+|ohci[-_]\w+|uhci_hcd)$/,
    { minAlignMask: 0, segBoundaryMask: PCI_BOUNDARY },
  ],
];

/** The masks of a driver that is known, else undefined. */
export function masksOfDriver(driver: string | undefined): DeviceMasks | undefined {
  if (driver === undefined) return undefined;
  return KNOWN_DRIVERS.find(([drivers]) => drivers.test(driver))?.[1];
}

/**
 * The masks that an unknown device may have, likeliest first. An alignment mask is out if some buffer of the device did
 * not keep those bits of its address (spec S38).
 */
export function possibleMasks(device: string, bounces: readonly Bounce[], behindIommu: boolean): DeviceMasks[] {
  const shown = bounces.filter((bounce) => bounce.device === device && bounce.outcome === 'address');
  const keeps = (mask: number) => behindIommu || shown.every(({ orig, place }) => ((orig ^ place) & mask) === 0);
  const boundaries = isPci(device) ? [PCI_BOUNDARY, LEGACY_ATA_BOUNDARY] : [NO_SEG_BOUNDARY, PCI_BOUNDARY];
  const alignments = [PAGE_MASK, 2047, 511, 0].filter(keeps);
  return alignments.flatMap((minAlignMask) => boundaries.map((segBoundaryMask) => ({ minAlignMask, segBoundaryMask })));
}

function isPci(device: string): boolean {
  return /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(device);
}
