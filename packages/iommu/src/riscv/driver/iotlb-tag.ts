import type { CacheTag } from '../../core/unit/cache-tag.ts';
import type { Commands } from './commands.ts';

/** The unit's translations of one domain: those under its PSCID (spec H98). */
export class IotlbTag implements CacheTag {
  /** No unit caches that something isn't mapped (spec H4). */
  readonly syncsMaps = false;
  readonly #commands: Commands;
  readonly #pscid: number;

  constructor(commands: Commands, pscid: number) {
    this.#commands = commands;
    this.#pscid = pscid;
  }

  flushRange(start: number, end: number, leafOnly: boolean): void {
    this.#commands.pages(this.#pscid, start, end, leafOnly);
  }

  flushAll(): void {
    this.#commands.addressSpace(this.#pscid);
  }

  syncMap(): void {}

  finish(): void {
    this.#commands.ring.finish();
  }
}
