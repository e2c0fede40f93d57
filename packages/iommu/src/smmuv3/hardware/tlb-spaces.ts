/** Who a translation belongs to: stage 1 of EL1 or EL2, or stage 2 (spec H72). */
export const Regime = { EL1: 0, EL2: 1, STAGE2: 2 } as const;

/** ASID of translations that hold for every ASID of their VMID (nG = 0, spec H64). */
export const GLOBAL_ASID = 0x10000;
/** Stands for every VMID, or every ASID. */
export const ANY = -1;
/** ASID of what has none: stage 2. */
export const NO_ASID = 0;

/**
 * What the TLB is tagged with: (regime, VMID, ASID), numbered as they turn up. Each has a tag that no other space ever
 * had; a new tag makes everything cached under the old one unreachable. Whoever keeps copies of tags renews them then.
 */
export class TlbSpaces {
  readonly #tags: number[] = [];
  readonly #regimes: number[] = [];
  readonly #vmids: number[] = [];
  readonly #asids: number[] = [];
  readonly #numbers = new Map<number, number>();
  /** The space that was found last: consecutive invalidations are nearly always about one. */
  #latest = -1;
  #lastTag = 0;
  readonly #forgetAll: () => void;

  /** @param forgetAll empties every cache: called when tags run out, before the first is used again */
  constructor(forgetAll: () => void) {
    this.#forgetAll = forgetAll;
  }

  get count(): number {
    return this.#tags.length;
  }

  intern(regime: number, vmid: number, asid: number): number {
    const known = this.find(regime, vmid, asid);
    if (known >= 0) return known;
    const space = this.#tags.length;
    this.#tags.push(0);
    this.#regimes.push(regime);
    this.#vmids.push(vmid);
    this.#asids.push(asid);
    this.#numbers.set(keyOf(regime, vmid, asid), space);
    this.#retag(space);
    return space;
  }

  /** The space of what holds for every ASID of a VMID. */
  internGlobal(regime: number, vmid: number): number {
    return this.intern(regime, vmid, GLOBAL_ASID);
  }

  /** Number of the space, or -1 when nothing was ever cached for it. */
  find(regime: number, vmid: number, asid: number): number {
    const latest = this.#latest;
    if (latest >= 0 && this.#matches(latest, regime, vmid, asid)) return latest;
    const found = this.#numbers.get(keyOf(regime, vmid, asid)) ?? -1;
    if (found >= 0) this.#latest = found;
    return found;
  }

  tagOf(space: number): number {
    return this.#tags[space];
  }

  /** Is it that space, or one of those that {@link ANY} stands for? */
  covers(space: number, regime: number, vmid: number, asid: number): boolean {
    return (
      this.#regimes[space] === regime &&
      (vmid === ANY || this.#vmids[space] === vmid) &&
      (asid === ANY || this.#asids[space] === asid)
    );
  }

  /** Makes everything that is cached for the spaces covered unreachable. */
  flush(regime: number, vmid: number, asid: number): void {
    for (let space = 0; space < this.#tags.length; space++) {
      if (this.covers(space, regime, vmid, asid)) this.#retag(space);
    }
  }

  flushAll(): void {
    for (let space = 0; space < this.#tags.length; space++) this.#retag(space);
  }

  #matches(space: number, regime: number, vmid: number, asid: number): boolean {
    return this.#asids[space] === asid && this.#vmids[space] === vmid && this.#regimes[space] === regime;
  }

  #retag(space: number): void {
    if (this.#lastTag === 2 ** 31 - 1) {
      this.#forgetAll();
      this.#lastTag = 0;
      for (let other = 0; other < this.#tags.length; other++) this.#tags[other] = spread(++this.#lastTag);
    }
    this.#tags[space] = spread(++this.#lastTag);
  }
}

function keyOf(regime: number, vmid: number, asid: number): number {
  return (regime * 0x10000 + vmid) * 0x20000 + asid;
}

/** A tag from 1 to 2^31 - 1 for each such count, neighbours far apart: caches take part of a tag into the slot. */
function spread(count: number): number {
  return Math.imul(count, 0x9e3779b1) & 0x7fffffff; // odd, so that no two are the same; near the golden ratio of 2^32
}
