/** Space 0 holds nothing: its tag never matches. */
export const NO_SPACE = 0;
/** PASID part of a space that isn't tagged with one: legacy mode, second stage alone. */
export const NO_PASID = -1;

const INITIAL_SPACES = 64;

/**
 * What the translation caches are tagged with: (domain id, PASID) pairs (spec H27), numbered as they turn up. Each has a
 * tag that no other space ever had; a new tag makes everything cached under the old one unreachable, which is how a
 * whole space is invalidated at once.
 */
export class AddressSpaces {
  /** Current tag by space: read by the unit's hit path. Replaced when it grows. */
  tags = new Int32Array(INITIAL_SPACES);
  #domainIds = new Int32Array(INITIAL_SPACES);
  #pasids = new Int32Array(INITIAL_SPACES);
  #count = 1;
  #lastTag = 0;
  readonly #byKey = new Map<number, number>();
  readonly #forgetAll: () => void;

  /** @param forgetAll empties every cache: called when tags run out, before the first is used again */
  constructor(forgetAll: () => void) {
    this.#forgetAll = forgetAll;
  }

  /** Number of the space of that domain id and PASID ({@link NO_PASID} for none). */
  intern(domainId: number, pasid: number): number {
    const key = domainId * 2 ** 21 + pasid + 1;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#count === this.tags.length) this.#grow();
    const space = this.#count++;
    this.#byKey.set(key, space);
    this.#domainIds[space] = domainId;
    this.#pasids[space] = pasid;
    this.#retag(space);
    return space;
  }

  /** Makes everything that is cached for a domain id unreachable, whatever its PASID. */
  flushDomain(domainId: number): void {
    for (let space = 1; space < this.#count; space++) if (this.#domainIds[space] === domainId) this.#retag(space);
  }

  /** Makes what is cached for the domain id's PASID-tagged spaces unreachable; one of them, or all with PASID -1. */
  flushPasids(domainId: number, pasid = NO_PASID): void {
    for (let space = 1; space < this.#count; space++) {
      if (this.#domainIds[space] !== domainId || this.#pasids[space] === NO_PASID) continue;
      if (pasid === NO_PASID || this.#pasids[space] === pasid) this.#retag(space);
    }
  }

  flushAll(): void {
    for (let space = 1; space < this.#count; space++) this.#retag(space);
  }

  /** Tag of an existing space, or 0 when nothing was ever cached for it. */
  tagOf(domainId: number, pasid: number): number {
    const space = this.#byKey.get(domainId * 2 ** 21 + pasid + 1);
    return space === undefined ? 0 : this.tags[space];
  }

  #retag(space: number): void {
    if (this.#lastTag === 2 ** 31 - 1) {
      this.#lastTag = 0;
      this.#forgetAll();
      for (let other = 1; other < this.#count; other++) this.tags[other] = ++this.#lastTag;
    }
    this.tags[space] = ++this.#lastTag;
  }

  #grow(): void {
    this.tags = grown(this.tags);
    this.#domainIds = grown(this.#domainIds);
    this.#pasids = grown(this.#pasids);
  }
}

function grown(column: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(column.length * 2);
  larger.set(column);
  return larger;
}
