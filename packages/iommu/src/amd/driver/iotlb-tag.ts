import { blockOrder, blockStart } from '../../core/unit/aligned-block.ts';
import type { CacheTag } from '../../core/unit/cache-tag.ts';
import type { CommandQueue } from './command-queue.ts';
import type { InvalidationCommands } from './invalidation-commands.ts';

/** The unit's translations of one domain (spec H41, I163). */
export class IotlbTag implements CacheTag {
  /** Absent entries may be cached: mapping invalidates too. */
  readonly syncsMaps: boolean;
  /** Devices that the domain is attached to. */
  users = 0;
  readonly #queue: CommandQueue;
  readonly #commands: InvalidationCommands;
  readonly #domainId: number = 0;
  /** PASID of its translations; -1 for host tables. */
  readonly #pasid: number = 0;

  constructor(queue: CommandQueue, commands: InvalidationCommands, domainId: number, pasid: number, npCache: boolean) {
    this.#queue = queue;
    this.#commands = commands;
    this.#domainId = domainId;
    this.#pasid = pasid;
    this.syncsMaps = npCache;
  }

  /** One block that covers the range; with a cache of absent entries blocks that add up to it and no more (spec I163). */
  flushRange(start: number, end: number, leafOnly: boolean): void {
    if (this.syncsMaps) this.#flushPieces(start, end, leafOnly);
    else this.#flushBlock(start, blockOrder(start, end), leafOnly);
  }

  flushAll(): void {
    this.#commands.domain(this.#domainId, this.#pasid);
  }

  syncMap(start: number, end: number): void {
    if (!this.syncsMaps) return;
    this.flushRange(start, end, true);
    this.finish();
  }

  finish(): void {
    this.#queue.finish();
  }

  #flushPieces(start: number, end: number, leafOnly: boolean): void {
    for (let at = start; at <= end; ) {
      let order = 0;
      while (at % (8192 * 2 ** order) === 0 && at + 8192 * 2 ** order - 1 <= end) order++;
      this.#flushBlock(at, order, leafOnly);
      at += 4096 * 2 ** order;
    }
  }

  #flushBlock(address: number, order: number, leafOnly: boolean): void {
    this.#commands.pages(this.#domainId, this.#pasid, blockStart(address, order), order, leafOnly);
  }
}
