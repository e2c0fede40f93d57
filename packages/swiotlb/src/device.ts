/** What bouncing may see of a device. Addresses and masks are plain numbers. */
export interface SwiotlbDevice {
  /** As traces and messages print it: `0000:00:03.0`. */
  readonly name: string;
  /** The driver's name, which messages print before the device's. */
  readonly boundDriver?: string | null;
  /** Highest address that the device can send; all ones is 2 ** 64. */
  readonly dmaMask: number;
  /** Highest address that the bus in between can carry, 0 if it sets no limit. */
  readonly busDmaLimit?: number;
  /** `mam`: low address bits that a bounce must preserve (spec S30): 4095 for NVMe, 0 for most. Below 2^31. */
  readonly minAlignMask: number;
  /** `bmask`: a buffer never crosses a multiple of this plus one (spec S33). One less than a power of two, or {@link NO_SEG_BOUNDARY}. */
  readonly segBoundaryMask: number;
  /** The device reaches shared (decrypted) memory only (spec S24c, P65). Absent: false. */
  readonly needsUnencrypted?: boolean;
  /** Highest address that coherent memory may have; only a restricted pool looks at it. Absent: no limit. */
  readonly coherentDmaMask?: number;
  /** "Syncs may be skipped": the first bounce clears it for good (spec S39). */
  dmaSkipSync?: boolean;
}
