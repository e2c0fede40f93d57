import { blockOrder, blockStart, ORDER_ALL } from '../../core/unit/aligned-block.ts';
import type { CacheTag } from '../../core/unit/cache-tag.ts';
import type { CommandQueue } from './command-queue.ts';
import type { InvalidationCommands } from './invalidation-commands.ts';

/** Invalidations that a device takes before it has answered one: as many as there are (spec H41, Maxpend). */
const MAX_PENDING = 32;

/** The translation cache of an ATS device: visited after the unit's own, in the same batch (spec I192, H13). */
export class DeviceTlbTag implements CacheTag {
  /** A device never caches that something isn't translatable. */
  readonly syncsMaps = false;
  readonly #queue: CommandQueue;
  readonly #commands: InvalidationCommands;
  readonly #sourceId: number = 0;
  readonly #pasid: number = 0;

  constructor(queue: CommandQueue, commands: InvalidationCommands, sourceId: number, pasid: number) {
    this.#queue = queue;
    this.#commands = commands;
    this.#sourceId = sourceId;
    this.#pasid = pasid;
  }

  flushRange(start: number, end: number): void {
    const order = blockOrder(start, end);
    this.#commands.deviceTlb(this.#sourceId, MAX_PENDING, this.#pasid, blockStart(start, order), order);
  }

  flushAll(): void {
    this.#commands.deviceTlb(this.#sourceId, MAX_PENDING, this.#pasid, 0, ORDER_ALL);
  }

  syncMap(): void {}

  finish(): void {
    this.#queue.finish();
  }
}
