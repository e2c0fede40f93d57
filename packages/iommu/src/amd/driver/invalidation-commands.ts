import { ORDER_ALL } from '../../core/unit/aligned-block.ts';
import { AMD_EVERYTHING_HIGH, AMD_EVERYTHING_LOW, AmdCommandCode } from '../../spec/amd-commands.ts';
import type { CommandQueue } from './command-queue.ts';

const SIZED = 1;
const WITH_DIRECTORIES = 2;
const GUEST = 4;

/** The commands that Linux submits (spec H41), in its words. Each is only queued; the caller ends the batch. */
export class InvalidationCommands {
  readonly #queue: CommandQueue;

  constructor(queue: CommandQueue) {
    this.#queue = queue;
  }

  everything(): void {
    this.#push(AmdCommandCode.INVALIDATE_IOMMU_ALL, 0, 0, 0, 0);
  }

  deviceEntry(deviceId: number): void {
    this.#push(AmdCommandCode.INVALIDATE_DEVTAB_ENTRY, deviceId, 0, 0, 0);
  }

  /** Everything of a domain; of one PASID's guest table where there is one. */
  domain(domainId: number, pasid: number): void {
    const guest = pasid < 0 ? 0 : GUEST;
    this.#push(
      AmdCommandCode.INVALIDATE_IOMMU_PAGES,
      guest === 0 ? 0 : pasid,
      domainId,
      AMD_EVERYTHING_LOW | guest,
      AMD_EVERYTHING_HIGH,
    );
  }

  /** 2^order pages of a domain from an address that they divide. `leafOnly` when no table went (spec H6). */
  pages(domainId: number, pasid: number, address: number, order: number, leafOnly: boolean): void {
    const guest = pasid < 0 ? 0 : GUEST;
    const flags = (order > 0 ? SIZED : 0) | (leafOnly ? 0 : WITH_DIRECTORIES) | guest;
    this.#push(
      AmdCommandCode.INVALIDATE_IOMMU_PAGES,
      guest === 0 ? 0 : pasid,
      domainId,
      address | onesLow(order) | flags,
      Math.floor(address * 2 ** -32) | onesHigh(order),
    );
  }

  /** 2^order pages of a device's TLB, or all with {@link ORDER_ALL}; of one PASID's with `pasid`. */
  deviceTlb(deviceId: number, maxPending: number, pasid: number, address: number, order: number): void {
    const isGuest = pasid >= 0;
    const low0 = deviceId | (isGuest ? ((pasid >>> 8) & 0xff) << 16 : 0) | (maxPending << 24);
    const high0 = deviceId | (isGuest ? (pasid & 0xff) << 16 : 0); // the device's queue has its number
    const flags = (order > 0 ? SIZED : 0) | (isGuest ? GUEST : 0);
    const isAll = order === ORDER_ALL;
    const low1 = isAll ? 0xffff_f000 | flags : address | onesLow(order) | flags;
    const high1 = isAll ? AMD_EVERYTHING_HIGH : Math.floor(address * 2 ** -32) | onesHigh(order);
    this.#push(AmdCommandCode.INVALIDATE_IOTLB_PAGES, low0, high0, low1, high1);
  }

  #push(code: number, low0: number, high0: number, low1: number, high1: number): void {
    this.#queue.push(low0, high0 | (code << 28), low1, high1);
  }
}

/** Address bits from 12 on that are ones below the zero that gives the size (spec H13): bits 12 to order + 10. */
function onesLow(order: number): number {
  if (order < 2) return 0;
  return order > 20 ? 0xffff_f000 : (2 ** (order + 11) - 4096) | 0;
}

function onesHigh(order: number): number {
  return order > 21 ? 2 ** (order - 21) - 1 : 0;
}
