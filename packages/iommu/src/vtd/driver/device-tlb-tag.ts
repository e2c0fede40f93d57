import { blockOrder, blockStart, ORDER_ALL } from '../../core/unit/aligned-block.ts';
import type { CacheTag } from '../../core/unit/cache-tag.ts';
import type { UnitControl } from './unit-control.ts';

/** The translation cache of an ATS device: visited after the IOTLB, in the same batch (spec I192, H13). */
export class DeviceTlbTag implements CacheTag {
  /** A device never caches that something isn't translatable. */
  readonly syncsMaps = false;
  readonly #unit: UnitControl;
  readonly #sourceId: number;

  constructor(unit: UnitControl, sourceId: number) {
    this.#unit = unit;
    this.#sourceId = sourceId;
  }

  flushRange(start: number, end: number): void {
    const order = blockOrder(start, end);
    this.#unit.requests.deviceTlb(this.#sourceId, blockStart(start, order), order);
  }

  flushAll(): void {
    this.#unit.requests.deviceTlb(this.#sourceId, 0, ORDER_ALL);
  }

  syncMap(): void {}

  finish(): void {
    this.#unit.queue.finish();
  }
}
