import { blockOrder, blockStart } from '../../core/unit/aligned-block.ts';
import type { CacheTag } from '../../core/unit/cache-tag.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import type { UnitControl } from './unit-control.ts';

/** The IOTLB of one unit under one domain id (spec I164 to I168). */
export class IotlbTag implements CacheTag {
  readonly unit: UnitControl;
  readonly domainId: number = 0;
  /** First-stage translations are tagged with a PASID and invalidated by it (spec I165); -1 for second stage. */
  readonly pasid: number = 0;
  /** Devices that this domain is attached to behind the unit. */
  users = 0;
  readonly syncsMaps: boolean;
  readonly #capabilities: VtdCapabilities;

  constructor(unit: UnitControl, capabilities: VtdCapabilities, domainId: number, pasid: number) {
    this.unit = unit;
    this.domainId = domainId;
    this.pasid = pasid;
    this.#capabilities = capabilities;
    this.syncsMaps = (capabilities.cachingMode && pasid < 0) || capabilities.writeBufferFlush;
  }

  flushRange(start: number, end: number, leafOnly: boolean): void {
    const order = blockOrder(start, end);
    if (!this.#capabilities.pageSelective || order > this.#capabilities.maxAddressMask) {
      this.flushAll();
      return;
    }
    const { requests } = this.unit;
    const block = blockStart(start, order);
    if (this.pasid < 0) requests.pages(this.domainId, block, order, leafOnly);
    else requests.pasidPages(this.domainId, this.pasid, block, order, leafOnly);
  }

  flushAll(): void {
    const { requests } = this.unit;
    if (this.pasid < 0) requests.domainTranslations(this.domainId);
    else requests.pasidTranslations(this.domainId, this.pasid);
  }

  /** Caching mode may have cached the absence of second-stage entries; first-stage ones never are (spec I167). */
  syncMap(start: number, end: number): void {
    if (this.#capabilities.cachingMode && this.pasid < 0) {
      this.flushRange(start, end, true);
      this.finish();
    } else if (this.#capabilities.writeBufferFlush) this.unit.flushWriteBuffer();
  }

  finish(): void {
    this.unit.queue.finish();
  }
}
