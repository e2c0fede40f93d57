/** Space 0 holds nothing: its tag, 0, never matches. */
export const NO_SPACE = 0;
/** PASID part of a space that isn't tagged with one: legacy mode, second stage alone. */
export const NO_PASID = -1;

/** Odd, so that the product modulo 2^31 is one to one; near the golden ratio of 2^32, so that its low bits spread as well. */
const GOLDEN = 0x9e3779b1;

/** One more than the largest domain id of VT-d (spec H14 CAP.ND) and AMD-Vi. */
const DOMAIN_IDS = 0x10000;

/**
 * What the translation caches are tagged with: (domain id, PASID) pairs (spec H27), numbered as they turn up. Each has a
 * tag that no other space ever had; a new tag makes everything cached under the old one unreachable, which is how a
 * whole space is invalidated at once. Whoever keeps copies of tags renews them after a flush.
 */
export class AddressSpaces {
  /** Current tag by space. */
  readonly #tags: number[] = [0];
  readonly #pasids: number[] = [NO_PASID];
  /** Space of a domain id without PASID: found by index, for every strict unmap asks. */
  readonly #plain = new Int32Array(DOMAIN_IDS);
  /** Spaces with a PASID, by domain id. */
  readonly #tagged = new Map<number, number[]>();
  #lastTag = 0;
  readonly #forgetAll: () => void;

  /** @param forgetAll empties every cache: called when tags run out, before the first is used again */
  constructor(forgetAll: () => void) {
    this.#forgetAll = forgetAll;
  }

  /** Number of the space of that domain id and PASID ({@link NO_PASID} for none). */
  intern(domainId: number, pasid: number): number {
    const known = this.#find(domainId, pasid);
    if (known !== NO_SPACE) return known;
    const space = this.#tags.length;
    this.#tags.push(0);
    this.#pasids.push(pasid);
    this.#retag(space);
    if (pasid === NO_PASID) this.#plain[domainId] = space;
    else this.#tagged.set(domainId, [...(this.#tagged.get(domainId) ?? []), space]);
    return space;
  }

  tagOfSpace(space: number): number {
    return this.#tags[space];
  }

  /** Tag of an existing space, or 0 when nothing was ever cached for it. */
  tagOf(domainId: number, pasid: number): number {
    return this.#tags[this.#find(domainId, pasid)];
  }

  /** Makes everything that is cached for a domain id unreachable, whatever its PASID. */
  flushDomain(domainId: number): void {
    const plain = this.#plain[domainId];
    if (plain !== NO_SPACE) this.#retag(plain);
    this.flushPasids(domainId);
  }

  /**
   * Makes what is cached for the domain id's PASID-tagged spaces unreachable: one of them, or all with PASID -1.
   * @returns whether there was any
   */
  flushPasids(domainId: number, pasid = NO_PASID): boolean {
    if (this.#tagged.size === 0) return false;
    const spaces = this.#tagged.get(domainId) ?? [];
    for (const space of spaces) if (pasid === NO_PASID || this.#pasids[space] === pasid) this.#retag(space);
    return spaces.length > 0;
  }

  flushAll(): void {
    for (let space = 1; space < this.#tags.length; space++) this.#retag(space);
  }

  #find(domainId: number, pasid: number): number {
    if (pasid === NO_PASID) return this.#plain[domainId];
    return this.#tagged.get(domainId)?.find((space) => this.#pasids[space] === pasid) ?? NO_SPACE;
  }

  #retag(space: number): void {
    if (this.#lastTag === 2 ** 31 - 1) {
      this.#forgetAll();
      this.#lastTag = 0;
      for (let other = 1; other < this.#tags.length; other++) this.#tags[other] = spread(++this.#lastTag);
    }
    this.#tags[space] = spread(++this.#lastTag);
  }
}

/**
 * A number from 1 to 2^31 - 1 for each such number, neighbours far apart: caches take part of a tag into the slot, so that
 * devices which use the same addresses don't evict each other's pages.
 */
function spread(count: number): number {
  return Math.imul(count, GOLDEN) & 0x7fffffff;
}
