/**
 * What a device model may see of its machine. Addresses are what the device puts on the bus; 0 or a negative fault comes
 * back. Used only in the device's `step()`, never inside a register access.
 */
export interface BusMasterPort {
  /** A failed read fills the rest of the buffer range with ones. */
  read(at: number, into: Uint8Array, offset?: number, lengthBytes?: number): number;
  write(at: number, from: Uint8Array, offset?: number, lengthBytes?: number): number;
  /** Ordered after the writes before it. */
  interrupt(vector: number): void;
  /** Level of the interrupt wire, for models that have one; may be called inside a register access. */
  wire?(isAsserted: boolean): void;
}
