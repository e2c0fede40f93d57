/**
 * Bytes by physical address. Memory itself answers it, and so does everything that can stand in front of memory:
 * a CPU cache, a store buffer, the bus. Little endian; values come back unsigned.
 */
export interface ByteAccess {
  load8(at: number): number;
  load16(at: number): number;
  load32(at: number): number;
  store8(at: number, value: number): void;
  store16(at: number, value: number): void;
  store32(at: number, value: number): void;
  /** To a caller's buffer. */
  read(at: number, into: Uint8Array, offset?: number, lengthBytes?: number): void;
  /** From a caller's buffer. */
  write(at: number, from: Uint8Array, offset?: number, lengthBytes?: number): void;
}
