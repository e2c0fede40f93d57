import * as layout from '../../spec/vtd-invalidation.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import type { Descriptor } from './descriptor.ts';
import type { InvalidationTarget } from './invalidation-target.ts';

/** What became of a descriptor. */
export const Outcome = { DONE: 0, INVALID: 1, DEVICE_TIMEOUT: 2 } as const;

const EVERYTHING_BYTES = 2 ** 64;

/** Carries out one well-formed descriptor other than a wait (spec H28). */
export class InvalidationCommands {
  readonly #target: InvalidationTarget;
  readonly #capabilities: VtdCapabilities;

  constructor(target: InvalidationTarget, capabilities: VtdCapabilities) {
    this.#target = target;
    this.#capabilities = capabilities;
  }

  execute(descriptor: Descriptor): number {
    switch (descriptor.type) {
      case layout.InvalidationType.CONTEXT:
        return this.#context(descriptor);
      case layout.InvalidationType.IOTLB:
        return this.#iotlb(descriptor);
      case layout.InvalidationType.DEVICE_TLB:
        return this.#deviceTlb(descriptor);
      case layout.InvalidationType.INTERRUPT_ENTRY:
        return this.#interruptEntry(descriptor);
      case layout.InvalidationType.PASID_IOTLB:
        return this.#pasidIotlb(descriptor);
      case layout.InvalidationType.PASID_CACHE:
        return this.#pasidCache(descriptor);
      case layout.InvalidationType.PASID_DEVICE_TLB:
        return this.#pasidDeviceTlb(descriptor);
      default:
        return this.#pageGroupResponse(descriptor);
    }
  }

  #context(descriptor: Descriptor): number {
    const { qw0 } = layout.ContextDescriptor;
    const domainId = descriptor.get0(qw0.DID);
    switch (descriptor.get0(qw0.G)) {
      case layout.ContextGranularity.ALL:
        this.#target.invalidateAllContexts();
        return Outcome.DONE;
      case layout.ContextGranularity.DOMAIN:
        this.#target.invalidateDomainContexts(domainId);
        return Outcome.DONE;
      case layout.ContextGranularity.SOURCE:
        this.#target.invalidateSourceContexts(descriptor.get0(qw0.SID), domainId, descriptor.get0(qw0.FM));
        return Outcome.DONE;
      default:
        return Outcome.INVALID;
    }
  }

  /** By masks, not by the field helpers: every strict unmap comes through here (vtd-domain.bench.ts). */
  #iotlb(descriptor: Descriptor): number {
    const domainId = descriptor.low0 >>> 16;
    switch ((descriptor.low0 >>> 4) & 3) {
      case layout.IotlbGranularity.ALL:
        this.#target.invalidateAllTranslations();
        return Outcome.DONE;
      case layout.IotlbGranularity.DOMAIN:
        this.#target.invalidateDomainTranslations(domainId);
        return Outcome.DONE;
      case layout.IotlbGranularity.PAGE: {
        const order = descriptor.low1 & 0x3f;
        if (order > this.#capabilities.maxAddressMask) return Outcome.INVALID;
        const address = (descriptor.high1 >>> 0) * 2 ** 32 + ((descriptor.low1 & ~0xfff) >>> 0);
        this.#target.invalidatePages(domainId, address, order, (descriptor.low1 & 0x40) !== 0);
        return Outcome.DONE;
      }
      default:
        return Outcome.INVALID;
    }
  }

  #deviceTlb(descriptor: Descriptor): number {
    const { qw0, qw1 } = layout.DeviceTlbDescriptor;
    const address = descriptor.address1(qw1.ADDR);
    const bytes = deviceTlbBytes(descriptor.get1(qw1.S), descriptor.low1, descriptor.high1);
    return this.#askDevice(descriptor.get0(qw0.SID), -1, address, bytes);
  }

  #pasidDeviceTlb(descriptor: Descriptor): number {
    const { qw0, qw1 } = layout.PasidDeviceTlbDescriptor;
    const global = descriptor.get1(qw1.G) === 1;
    const bytes = deviceTlbBytes(descriptor.get1(qw1.S), descriptor.low1, descriptor.high1);
    const pasid = global ? -1 : descriptor.get0(qw0.PASID);
    return this.#askDevice(descriptor.get0(qw0.SID), pasid, descriptor.address1(qw1.ADDR), bytes);
  }

  #askDevice(sourceId: number, pasid: number, address: number, bytes: number): number {
    const start = bytes === EVERYTHING_BYTES ? 0 : address - (address % bytes);
    return this.#target.invalidateDeviceTlb(sourceId, pasid, start, bytes) ? Outcome.DONE : Outcome.DEVICE_TIMEOUT;
  }

  #interruptEntry(descriptor: Descriptor): number {
    const { qw0 } = layout.InterruptEntryDescriptor;
    if (descriptor.get0(qw0.G) === 0) this.#target.invalidateInterruptEntries(0, 0x10000);
    else this.#target.invalidateInterruptEntries(descriptor.get0(qw0.IIDX), 2 ** descriptor.get0(qw0.IM));
    return Outcome.DONE;
  }

  #pasidIotlb(descriptor: Descriptor): number {
    const { qw0, qw1 } = layout.PasidIotlbDescriptor;
    const domainId = descriptor.get0(qw0.DID);
    const pasid = descriptor.get0(qw0.PASID);
    switch (descriptor.get0(qw0.G)) {
      case layout.PasidIotlbGranularity.PASID:
        this.#target.invalidatePasid(domainId, pasid);
        return Outcome.DONE;
      case layout.PasidIotlbGranularity.PAGE: {
        const order = descriptor.get1(qw1.AM);
        if (order > this.#capabilities.maxAddressMask) return Outcome.INVALID;
        const leafOnly = descriptor.get1(qw1.IH) === 1;
        this.#target.invalidatePasidPages(domainId, pasid, descriptor.address1(qw1.ADDR), order, leafOnly);
        return Outcome.DONE;
      }
      default:
        return Outcome.INVALID;
    }
  }

  #pasidCache(descriptor: Descriptor): number {
    const { qw0 } = layout.PasidCacheDescriptor;
    const domainId = descriptor.get0(qw0.DID);
    switch (descriptor.get0(qw0.G)) {
      case layout.PasidCacheGranularity.DOMAIN:
        this.#target.invalidateDomainPasidEntries(domainId);
        return Outcome.DONE;
      case layout.PasidCacheGranularity.PASID:
        this.#target.invalidatePasidEntry(domainId, descriptor.get0(qw0.PASID));
        return Outcome.DONE;
      case layout.PasidCacheGranularity.ALL:
        this.#target.invalidateAllPasidEntries();
        return Outcome.DONE;
      default:
        return Outcome.INVALID;
    }
  }

  #pageGroupResponse(descriptor: Descriptor): number {
    const { qw0, qw1 } = layout.PageGroupResponseDescriptor;
    const pasid = descriptor.get0(qw0.PP) === 1 ? descriptor.get0(qw0.PASID) : -1;
    const group = descriptor.get1(qw1.PRGI);
    this.#target.respondToPageRequest(descriptor.get0(qw0.RID), pasid, group, descriptor.get0(qw0.CODE));
    return Outcome.DONE;
  }
}

/** Bytes that a device-TLB descriptor covers, by the lowest zero bit of its address from bit 12 on (spec H13). */
export function deviceTlbBytes(sized: number, low: number, high: number): number {
  if (sized === 0) return 4096;
  for (let bit = 12; bit < 63; bit++) {
    const isSet = bit < 32 ? (low >>> bit) & 1 : (high >>> (bit - 32)) & 1;
    if (isSet === 0) return 2 ** (bit + 1);
  }
  return EVERYTHING_BYTES;
}
