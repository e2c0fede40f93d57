/** Stands for "any" in an invalidation, and for "none" in a space: host spaces have no GSCID (spec H100, GV = 0). */
export const ANY = -1;

/**
 * What translations are cached under: (GSCID or none, PSCID) pairs, numbered as they turn up (spec H98 step 9). Each has
 * a tag that no other space ever had; a new tag makes everything cached under the old one unreachable. Whoever keeps
 * copies of tags renews them after a flush.
 */
export class AddressSpaces {
  /** Space 0 holds nothing: its tag, 0, never matches. */
  readonly #tags: number[] = [0];
  readonly #gscids: number[] = [ANY];
  readonly #pscids: number[] = [ANY];
  #lastTag = 0;
  readonly #forgetAll: () => void;

  /** @param forgetAll empties every cache: called when tags run out, before the first is used again */
  constructor(forgetAll: () => void) {
    this.#forgetAll = forgetAll;
  }

  /** @param gscid -1 for a context without second stage */
  intern(gscid: number, pscid: number): number {
    const known = this.find(gscid, pscid);
    if (known > 0) return known;
    this.#gscids.push(gscid);
    this.#pscids.push(pscid);
    this.#tags.push(0);
    const space = this.#tags.length - 1;
    this.retag(space);
    return space;
  }

  /** Number of the space, or 0 when nothing was ever cached for it. */
  find(gscid: number, pscid: number): number {
    for (let space = 1; space < this.#tags.length; space++) {
      if (this.#pscids[space] === pscid && this.#gscids[space] === gscid) return space;
    }
    return 0;
  }

  tagOf(space: number): number {
    return this.#tags[space];
  }

  get count(): number {
    return this.#tags.length;
  }

  /** Does an invalidation for that host or guest (-1, or a GSCID, or {@link ANY} guest) and PSCID reach the space? */
  covers(space: number, guests: boolean, gscid: number, pscid: number): boolean {
    const isGuest = this.#gscids[space] !== ANY;
    if (isGuest !== guests || (guests && gscid !== ANY && this.#gscids[space] !== gscid)) return false;
    return pscid === ANY || this.#pscids[space] === pscid;
  }

  flush(guests: boolean, gscid: number, pscid: number): void {
    for (let space = 1; space < this.#tags.length; space++) {
      if (this.covers(space, guests, gscid, pscid)) this.retag(space);
    }
  }

  /** First and second stage together: known by other addresses than the guest's own. */
  isCombined(space: number): boolean {
    return this.#gscids[space] !== ANY && this.#pscids[space] !== ANY;
  }

  retag(space: number): void {
    if (this.#lastTag === 2 ** 31 - 1) {
      this.#forgetAll();
      this.#lastTag = 0;
      for (let other = 1; other < this.#tags.length; other++) this.#tags[other] = ++this.#lastTag;
    }
    this.#tags[space] = ++this.#lastTag;
  }
}
