import { blockOrder, blockStart, ORDER_ALL } from '../../core/unit/aligned-block.ts';
import type { CacheTag } from '../../core/unit/cache-tag.ts';
import type { Commands } from './commands.ts';

/**
 * The translation cache of an ATS device: visited after the unit's own, from which the device could fill it again, so that
 * a fence stands between them (spec H13).
 */
export class DeviceTlbTag implements CacheTag {
  /** A device never caches that something isn't translatable. */
  readonly syncsMaps = false;
  readonly #commands: Commands;
  readonly #deviceId: number;

  constructor(commands: Commands, deviceId: number) {
    this.#commands = commands;
    this.#deviceId = deviceId;
  }

  flushRange(start: number, end: number): void {
    const order = blockOrder(start, end);
    this.#commands.ring.pushFence();
    this.#commands.deviceTlb(this.#deviceId, blockStart(start, order), order);
  }

  flushAll(): void {
    this.#commands.ring.pushFence();
    this.#commands.deviceTlb(this.#deviceId, 0, ORDER_ALL);
  }

  syncMap(): void {}

  finish(): void {
    this.#commands.ring.finish();
  }
}
