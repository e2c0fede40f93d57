import { blockOrder, blockStart } from '../../core/unit/aligned-block.ts';
import type { CacheTag } from '../../core/unit/cache-tag.ts';
import { ATC_SIZE_ALL } from '../../spec/smmuv3-commands.ts';
import type { CommandRing } from './command-ring.ts';
import type { SmmuRequests } from './requests.ts';

/** The translation cache of an ATS device: visited after the TLB, and after a SYNC of its commands (spec I192, H13). */
export class DeviceTlbTag implements CacheTag {
  /** A device never caches that something isn't translatable. */
  readonly syncsMaps = false;
  readonly #ring: CommandRing;
  readonly #requests: SmmuRequests;
  readonly #streamId: number;

  constructor(ring: CommandRing, requests: SmmuRequests, streamId: number) {
    this.#ring = ring;
    this.#requests = requests;
    this.#streamId = streamId;
  }

  flushRange(start: number, end: number): void {
    const order = blockOrder(start, end);
    this.#ring.finish();
    this.#requests.deviceTlb(this.#streamId, blockStart(start, order), order);
  }

  flushAll(): void {
    this.#ring.finish();
    this.#requests.deviceTlb(this.#streamId, 0, ATC_SIZE_ALL);
  }

  syncMap(): void {}

  finish(): void {
    this.#ring.finish();
  }
}
