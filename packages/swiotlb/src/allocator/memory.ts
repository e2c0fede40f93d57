/** The machine's memory as bouncing needs it. `PhysMemory` satisfies it. */
export interface SwiotlbMemory {
  copy(to: number, from: number, lengthBytes: number): void;
}

/** The shadow of initialised bytes beside the memory (spec S70); left out, nothing is tracked. */
export interface BounceShadow {
  /** The bytes at `from` went to `to`: their shadow goes with them, nothing is reported. */
  copyShadow(to: number, from: number, lengthBytes: number): void;
  /** The device wrote these bytes. */
  markInitialised(at: number, lengthBytes: number): void;
}
