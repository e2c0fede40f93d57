/** What one device has mapped: how many bytes by address. */
export class LiveMappings {
  readonly #bytesByAddress = new Map<number, number>();
  /** Adds of an address that was there. */
  again = 0;
  /** Removals of an address that was not there. */
  stray = 0;

  add(address: number, bytes: number): void {
    if (this.#bytesByAddress.has(address)) this.again++;
    this.#bytesByAddress.set(address, bytes);
  }

  remove(address: number): void {
    if (!this.#bytesByAddress.delete(address)) this.stray++;
  }

  get count(): number {
    return this.#bytesByAddress.size;
  }

  get bytes(): number {
    let sum = 0;
    for (const bytes of this.#bytesByAddress.values()) sum += bytes;
    return sum;
  }
}
