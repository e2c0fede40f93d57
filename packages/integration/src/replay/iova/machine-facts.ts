import type { IommuKind } from '../../machine/parts/iommu-models.ts';

/** A range of page numbers that no IOVA may lie in, both ends inclusive. */
export interface PageRange {
  readonly lo: number;
  readonly hi: number;
}

/** What decides addresses besides the sequence of requests. */
export interface MachineFacts {
  readonly cpus: number;
  readonly hz: number;
  /** Unmaps wait in a flush queue; null when it has to be found out from the trace. */
  readonly lazy: boolean | null;
  /** Every device tries below 4 GiB first (spec I39). */
  readonly below4gFirst: boolean;
  readonly apertureEnd: number;
  /** Whose IOMMU it has, as far as the boot log says: Intel's where it doesn't. */
  readonly iommuKind: IommuKind;
  readonly reserved: readonly PageRange[];
  /** IOMMU group by device, where known: devices of one group share a domain (spec I1). */
  readonly groups: ReadonlyMap<string, number>;
  /** PCI device by NVMe controller (`nvme0`), where known. */
  readonly controllers: ReadonlyMap<string, string>;
}

/** x86 interrupt messages, reserved in every domain (spec I139). */
const MSI_WINDOW: PageRange = { lo: 0xfee00, hi: 0xfeeff };
/** Reserved behind an AMD unit (spec I139). */
const HYPERTRANSPORT_HOLE: PageRange = { lo: 0xfd00000, hi: 0xfffffff };
const APERTURE_48BIT = 2 ** 48 - 1;

/**
 * The facts that a boot log and `/proc/iomem` hold (spec I7, I11, I112 to I115, I139). Without text: an x86 machine whose mode is not
 * known. Lines that say nothing of this are passed over.
 */
export function machineFacts(bootText: string, cpus: number): MachineFacts {
  const reserved: PageRange[] = [MSI_WINDOW];
  const groups = new Map<string, number>();
  const controllers = new Map<string, string>();
  let lazy: boolean | null = null;
  let below4gFirst = true;
  for (const line of bootText.split('\n')) {
    const window = /^([0-9a-f]{8,})-([0-9a-f]{8,}) : PCI Bus /.exec(line);
    if (window !== null) reserved.push({ lo: page(window[1]), hi: page(window[2]) });
    const group = /(\S+): Adding to iommu group (\d+)/.exec(line);
    if (group !== null) groups.set(group[1], Number(group[2]));
    const controller = /nvme (nvme\d+): pci function (\S+)/.exec(line);
    if (controller !== null) controllers.set(controller[1], controller[2]);
    const policy = /TLB invalidation policy: (strict|lazy) mode/.exec(line);
    if (policy !== null) lazy = policy[1] === 'lazy';
    // Printed after the policy line, and stronger (spec I115).
    if (/Using strict mode due to virtualization|IOMMU batching disallowed/.test(line)) lazy = false;
    if (/Forcing DAC for PCI devices|iommu\.forcedac=1|intel_iommu=\S*forcedac/.test(line)) below4gFirst = false;
  }
  const iommuKind = /AMD-Vi: /.test(bootText) ? 'amd' : 'vtd';
  if (iommuKind === 'amd') reserved.push(HYPERTRANSPORT_HOLE);
  return { cpus, hz: 250, lazy, below4gFirst, apertureEnd: APERTURE_48BIT, iommuKind, reserved, groups, controllers };
}

function page(hexAddress: string): number {
  return Math.floor(Number.parseInt(hexAddress, 16) / 4096);
}
