/** A bio holds at most this many vectors (spec N1). */
export const BIO_MAX_VECS = 256;

/**
 * Physical vectors of a bio (spec N3, N4): each a run of bytes side by side in memory. All of one bio belong to one
 * owner of page descriptors: RAM, or one provider of peer-to-peer memory.
 */
export class PhysVecs {
  readonly phys: Float64Array;
  readonly lengthBytes: Float64Array;
  count = 0;

  constructor(capacity: number = BIO_MAX_VECS) {
    this.phys = new Float64Array(capacity);
    this.lengthBytes = new Float64Array(capacity);
  }

  get isFull(): boolean {
    return this.count === this.phys.length;
  }

  /** Adds a vector as it stands; false when there is no room. */
  push(phys: number, lengthBytes: number): boolean {
    if (this.isFull) return false;
    this.phys[this.count] = phys;
    this.lengthBytes[this.count++] = lengthBytes;
    return true;
  }

  clear(): void {
    this.count = 0;
  }
}
