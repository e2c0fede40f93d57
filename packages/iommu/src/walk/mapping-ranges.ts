/** A run of addresses that goes to one run of memory with the same rights. */
export interface MappingRange {
  readonly iova: number;
  readonly phys: number;
  readonly lengthBytes: number;
  /** `IOMMU_READ` and `IOMMU_WRITE`. */
  readonly rights: number;
}

const INITIAL = 4096;

/** Ranges in columns, so that a dump of a million scattered pages stays cheap: neighbours merge as they come. */
export class MappingRanges {
  #iovas = new Float64Array(INITIAL);
  #physes = new Float64Array(INITIAL);
  #lengths = new Float64Array(INITIAL);
  #rights = new Uint8Array(INITIAL);
  /** Leaf entries that the ranges came from. */
  leaves = 0;
  /** Ranges so far. */
  count = 0;

  /** Adds a leaf; leaves come in ascending order of `iova`. */
  add(iova: number, phys: number, lengthBytes: number, rights: number): void {
    this.leaves++;
    const last = this.count - 1;
    if (
      last >= 0 &&
      this.#rights[last] === rights &&
      this.#iovas[last] + this.#lengths[last] === iova &&
      this.#physes[last] + this.#lengths[last] === phys
    ) {
      this.#lengths[last] += lengthBytes;
      return;
    }
    if (this.count === this.#iovas.length) this.#grow();
    this.#iovas[this.count] = iova;
    this.#physes[this.count] = phys;
    this.#lengths[this.count] = lengthBytes;
    this.#rights[this.count] = rights;
    this.count++;
  }

  /** @throws {RangeError} when there is no such range */
  at(index: number): MappingRange {
    if (!(index >= 0 && index < this.count)) throw new RangeError(`range ${index} of ${this.count}`);
    return {
      iova: this.#iovas[index],
      phys: this.#physes[index],
      lengthBytes: this.#lengths[index],
      rights: this.#rights[index],
    };
  }

  *[Symbol.iterator](): Generator<MappingRange> {
    for (let index = 0; index < this.count; index++) yield this.at(index);
  }

  #grow(): void {
    this.#iovas = grown(this.#iovas);
    this.#physes = grown(this.#physes);
    this.#lengths = grown(this.#lengths);
    const rights = new Uint8Array(this.#rights.length * 2);
    rights.set(this.#rights);
    this.#rights = rights;
  }
}

function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
