/** What the IOMMU core needs to know of a device; the DMA API's device carries these fields. */
export interface IommuDevice {
  /** As the kernel prints it: `0000:00:03.0`. */
  readonly name: string;
  /** Bound driver, for log lines. */
  readonly driver?: string;
  /** Last address that the device's bus carries, 0 for no limit (spec I37). */
  readonly busDmaLimit: number;
  /** Try below 4 GiB first (spec I38). Cleared for good, by the core, when that space is exhausted (spec I41). */
  pci32bitWorkaround: boolean;
  /** Low address bits that a bounce slot must keep, as a mask (spec I46, I50). */
  readonly minAlignMask: number;
}

/** How the kernel's log lines begin for a device. */
export function logPrefix(device: IommuDevice): string {
  return `${device.driver ?? 'pci'} ${device.name}: `;
}
