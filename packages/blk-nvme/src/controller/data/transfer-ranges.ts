/** Where the data of one command lies in the host: address and length pairs, in order. Reused for every command. */
export class TransferRanges {
  address = new Float64Array(64);
  lengthBytes = new Float64Array(64);
  count = 0;
  /** Sum of the lengths. */
  totalBytes = 0;

  clear(): void {
    this.count = 0;
    this.totalBytes = 0;
  }

  /** Adds a range; one that continues the last is joined to it, so that its data moves in one copy. */
  add(address: number, lengthBytes: number): void {
    const last = this.count - 1;
    this.totalBytes += lengthBytes;
    if (last >= 0 && this.address[last] + this.lengthBytes[last] === address) {
      this.lengthBytes[last] += lengthBytes;
      return;
    }
    if (this.count === this.address.length) this.#grow();
    this.address[this.count] = address;
    this.lengthBytes[this.count] = lengthBytes;
    this.count++;
  }

  #grow(): void {
    const address = new Float64Array(this.address.length * 2);
    const lengthBytes = new Float64Array(this.address.length * 2);
    address.set(this.address);
    lengthBytes.set(this.lengthBytes);
    this.address = address;
    this.lengthBytes = lengthBytes;
  }
}

/** A range that an SGL bit bucket asks to be dropped (spec N143). */
export const BIT_BUCKET = -1;
