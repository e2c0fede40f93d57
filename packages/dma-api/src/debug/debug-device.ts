/** What dma-debug reads of a device; `Device` is one, and a trace replay makes its own. */
export interface DebugDevice {
  readonly name: string;
  /** The bound driver's name, null while none is. */
  readonly boundDriver: string | null;
  /** A small number that no other device of this dma-debug has. */
  readonly debugId: number;
  readonly maxSegSize: number;
  readonly segBoundaryMask: number;
  readonly swiotlbActive: boolean;
}
