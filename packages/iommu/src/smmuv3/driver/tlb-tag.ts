import type { CacheTag } from '../../core/unit/cache-tag.ts';
import type { CommandRing } from './command-ring.ts';
import type { SmmuRequests } from './requests.ts';

/** NUM has five bits, and holds the number of runs minus one. */
const MOST_RUNS = 32;

/** What a domain is known by in one unit's TLB: an ASID for stage 1, a VMID for stage 2 (spec H72). */
export class TlbTag implements CacheTag {
  readonly id: number;
  readonly stage: 1 | 2;
  /** Devices that this domain is attached to behind the unit. */
  users = 0;
  /** Absent entries are never cached (spec H111). */
  readonly syncsMaps = false;
  readonly #ring: CommandRing;
  readonly #requests: SmmuRequests;
  readonly #granuleShift: number = 0;
  readonly #granuleBytes: number = 0;
  readonly #hasRanges: boolean;

  constructor(
    ring: CommandRing,
    requests: SmmuRequests,
    space: { readonly stage: 1 | 2; readonly id: number; readonly granuleShift: number },
    hasRanges: boolean,
  ) {
    this.#ring = ring;
    this.#requests = requests;
    this.stage = space.stage;
    this.id = space.id;
    this.#granuleShift = space.granuleShift;
    this.#granuleBytes = 2 ** space.granuleShift;
    this.#hasRanges = hasRanges;
  }

  flushRange(start: number, end: number, leafOnly: boolean): void {
    if (end - start < this.#granuleBytes) {
      this.#flushPage(start, leafOnly); // what nearly every strict unmap asks
      return;
    }
    const granules = Math.ceil((end + 1 - start) / this.#granuleBytes);
    if (this.#hasRanges) this.#flushRuns(start, granules, leafOnly);
    else if (granules > 2 ** (this.#granuleShift - 3)) this.flushAll();
    else for (let i = 0; i < granules; i++) this.#flushPage(start + i * this.#granuleBytes, leafOnly);
  }

  flushAll(): void {
    if (this.stage === 1) this.#requests.asid(this.id);
    else this.#requests.vmid(this.id);
  }

  syncMap(): void {}

  finish(): void {
    this.#ring.finish();
  }

  #flushPage(address: number, leafOnly: boolean): void {
    if (this.stage === 1) this.#requests.asidPage(this.id, address, leafOnly);
    else this.#requests.vmidPage(this.id, address, leafOnly);
  }

  /**
   * As Linux splits a range: runs of 2^scale granules, the smallest first. A single granule without a level hint has a
   * reserved encoding, so that one more is dropped instead.
   */
  #flushRuns(start: number, granules: number, leafOnly: boolean): void {
    const tg = (this.#granuleShift - 10) / 2;
    let left = granules % MOST_RUNS === 1 ? granules + 1 : granules;
    let at = start;
    while (left > 0) {
      const scale = trailingZeros(left);
      const runs = Math.floor(left / 2 ** scale) % MOST_RUNS;
      const range = { num: runs - 1, scale, tg };
      if (this.stage === 1) this.#requests.asidRange(this.id, at, range, leafOnly);
      else this.#requests.vmidRange(this.id, at, range, leafOnly);
      left -= runs * 2 ** scale;
      at += runs * 2 ** scale * this.#granuleBytes;
    }
  }
}

function trailingZeros(value: number): number {
  let zeros = 0;
  while (value % 2 ** (zeros + 1) === 0) zeros++;
  return zeros;
}
