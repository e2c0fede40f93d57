/** A machine with one IOMMU and devices behind it, as a sequence sees it. */
export interface DiffSide {
  readRegister(offset: number): number;
  writeRegister(offset: number, value: number): void;
  readMemory(at: number, lengthBytes: number): Uint8Array;
  writeMemory(at: number, bytes: Uint8Array): void;
  advance(nanoseconds: number): void;
  /** The device puts those 512 bytes there. */
  dmaWrite(rid: number, iova: number, bytes: Uint8Array): void;
  /** What it takes from there; zeros where it is blocked. */
  dmaRead(rid: number, iova: number): Uint8Array;
  close(): void;
}
