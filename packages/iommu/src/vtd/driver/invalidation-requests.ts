import { halves, highHalf, lowHalf } from '../../spec/bits.ts';
import * as layout from '../../spec/vtd-invalidation.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import type { QueuedInvalidation } from './queued-invalidation.ts';

const { InvalidationType: Type } = layout;

/** The descriptors that Linux submits (spec H28), in its words. Each is only queued; the caller ends the batch. */
export class InvalidationRequests {
  readonly #queue: QueuedInvalidation;
  /** DW and DR where the unit drains (spec H28). */
  readonly #drain: number = 0;

  constructor(queue: QueuedInvalidation, capabilities: VtdCapabilities) {
    const { qw0 } = layout.IotlbDescriptor;
    this.#queue = queue;
    this.#drain = lowHalf(qw0.DW, capabilities.drainWrites ? 1 : 0) | lowHalf(qw0.DR, capabilities.drainReads ? 1 : 0);
  }

  allContexts(): void {
    this.#queue.push(Type.CONTEXT | lowHalf(layout.ContextDescriptor.qw0.G, layout.ContextGranularity.ALL), 0, 0, 0);
  }

  /** What hardware has cached of one source under a domain id: 0 stands for "not present" (spec H28, caching mode). */
  sourceContext(sourceId: number, domainId: number): void {
    const { qw0 } = layout.ContextDescriptor;
    const low = Type.CONTEXT | lowHalf(qw0.G, layout.ContextGranularity.SOURCE) | lowHalf(qw0.DID, domainId);
    this.#queue.push(low >>> 0, highHalf(qw0.SID, sourceId), 0, 0);
  }

  allTranslations(): void {
    const { qw0 } = layout.IotlbDescriptor;
    this.#queue.push(Type.IOTLB | lowHalf(qw0.G, layout.IotlbGranularity.ALL) | this.#drain, 0, 0, 0);
  }

  domainTranslations(domainId: number): void {
    const { qw0 } = layout.IotlbDescriptor;
    const low = Type.IOTLB | lowHalf(qw0.G, layout.IotlbGranularity.DOMAIN) | this.#drain | (domainId << 16);
    this.#queue.push(low >>> 0, 0, 0, 0);
  }

  /** 2^order pages. Plain shifts, and words left signed so that none is boxed: every strict unmap comes through here. */
  pages(domainId: number, address: number, order: number, leafOnly: boolean): void {
    const low0 = Type.IOTLB | (layout.IotlbGranularity.PAGE << 4) | this.#drain | (domainId << 16);
    const low1 = (address & ~0xfff) | order | (leafOnly ? 1 << 6 : 0);
    this.#queue.push(low0, 0, low1, Math.floor(address * 2 ** -32));
  }

  /** 2^order pages of a PASID's first stage. */
  pasidPages(domainId: number, pasid: number, address: number, order: number, leafOnly: boolean): void {
    const low0 = Type.PASID_IOTLB | (layout.PasidIotlbGranularity.PAGE << 4) | (domainId << 16);
    const low1 = (address & ~0xfff) | order | (leafOnly ? 1 << 6 : 0);
    this.#queue.push(low0 >>> 0, pasid, low1 >>> 0, Math.floor(address / 2 ** 32));
  }

  pasidTranslations(domainId: number, pasid: number): void {
    const low0 = Type.PASID_IOTLB | (layout.PasidIotlbGranularity.PASID << 4) | (domainId << 16);
    this.#queue.push(low0 >>> 0, pasid, 0, 0);
  }

  allPasidEntries(): void {
    const { qw0 } = layout.PasidCacheDescriptor;
    this.#queue.push(Type.PASID_CACHE | lowHalf(qw0.G, layout.PasidCacheGranularity.ALL), 0, 0, 0);
  }

  pasidEntry(domainId: number, pasid: number): void {
    const { qw0 } = layout.PasidCacheDescriptor;
    const low0 = Type.PASID_CACHE | lowHalf(qw0.G, layout.PasidCacheGranularity.PASID) | (domainId << 16);
    this.#queue.push(low0 >>> 0, pasid, 0, 0);
  }

  /**
   * 2^order pages of a device's TLB: for more than one, the lowest zero bit of the address from bit 12 on gives the size,
   * so the bits below it are ones (spec H13, I193).
   */
  deviceTlb(sourceId: number, address: number, order: number): void {
    const { qw0 } = layout.DeviceTlbDescriptor;
    const ones = order === 0 ? 0n : ((1n << BigInt(order - 1)) - 1n) << 12n;
    const { low, high } = halves((BigInt(address) | ones) & 0x7fff_ffff_ffff_ffffn);
    this.#queue.push(Type.DEVICE_TLB, highHalf(qw0.SID, sourceId), order === 0 ? low : (low | 1) >>> 0, high);
  }
}
