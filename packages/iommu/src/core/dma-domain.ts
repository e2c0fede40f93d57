import { DMA_MAPPING_ERROR, PAGE_SIZE } from '@dmalab/phys-memory';
import { IovaDomain } from '../iova/iova-domain.ts';
import { EINVAL } from '../page-table/errno.ts';
import { FLUSH_QUEUE_PER_CPU, FlushQueue, type FlushQueueOptions } from './flush-queue.ts';
import { type IommuDevice, logPrefix } from './iommu-device.ts';
import { iommuMap, iommuMapNosync, iommuUnmap, iommuUnmapFast, syncGather } from './iommu-map.ts';
import { type IommuTrace, NO_TRACE } from './iommu-trace.ts';
import { IotlbGather } from './iotlb-gather.ts';
import type { KernelContext } from './kernel-context.ts';
import { PageLane } from './page-lane.ts';
import type { PageOperations, PagingDomain } from './paging-domain.ts';

const LIMIT_32BIT = 2 ** 32 - 1;
/** A local copy: V8 folds it into the code, and loads an imported one on every use. */
const PAGE = PAGE_SIZE;
const PER_PAGE = 1 / PAGE;
/** Stands in where the short way is closed. */
const NO_PAGE_OPERATIONS: PageOperations = { mapPage: () => EINVAL, unmapPage: () => 0 };

export interface DmaDomainOptions {
  /** Lazy: unmaps wait in a flush queue (domain type DMA-FQ). Else strict (type DMA) (spec I93). */
  readonly lazy?: boolean;
  readonly flushQueue?: FlushQueueOptions;
  readonly trace?: IommuTrace;
}

/**
 * A domain that carries the DMA API's mappings (spec I120): page tables, the IOVA allocator in front of them, and the
 * flush queue of a lazy domain. Addresses are bytes; a failed mapping is {@link DMA_MAPPING_ERROR}.
 */
export class DmaDomain {
  readonly paging: PagingDomain;
  readonly iova: IovaDomain;
  readonly granule: number = 0;
  /** The short way for single pages, and how many bytes can go it: 0 where the paging domain has none for this granule. */
  readonly #pages: PageOperations;
  readonly #shortWayBytes: number = 0;
  readonly #context: KernelContext;
  readonly #trace: IommuTrace;
  readonly #granuleMask: number = 0;
  /** 1 / granule: exact, and a multiplication costs a fifth of a division. */
  readonly #perGranule: number = 0;
  readonly #apertureEnd: number = 0;
  readonly #gather = new IotlbGather();
  #flushQueue: FlushQueue | null;
  /** Unmaps that cleared fewer or more bytes than asked (the kernel warns each time, spec I53). */
  unmapMismatches = 0;
  #warnedAlignMask = false;

  constructor(context: KernelContext, paging: PagingDomain, options: DmaDomainOptions = {}) {
    this.paging = paging;
    this.granule = lowestBit(paging.pageSizes);
    this.iova = new IovaDomain(context, { granule: this.granule });
    this.#pages = paging.pageOperations ?? NO_PAGE_OPERATIONS;
    this.#shortWayBytes = paging.pageOperations !== undefined && this.granule === PAGE ? PAGE : 0;
    this.#context = context;
    this.#trace = options.trace ?? NO_TRACE;
    this.#granuleMask = this.granule - 1;
    this.#perGranule = 1 / this.granule;
    this.#apertureEnd = paging.apertureEnd;
    this.#flushQueue = null;
    if (options.lazy ?? false) this.startFlushQueue(options.flushQueue);
  }

  /** Null while the domain is strict. */
  get flushQueue(): FlushQueue | null {
    return this.#flushQueue;
  }

  /** Turns a live strict domain lazy: mappings that exist become lazy from their unmap on (spec I111). */
  startFlushQueue(options: FlushQueueOptions = FLUSH_QUEUE_PER_CPU): void {
    this.#flushQueue ??= new FlushQueue(this.#context, this.iova, this.paging, options);
  }

  /** When the flush timer or a depot reclaim is due next, in nanoseconds; infinity if neither is armed. */
  get timerDue(): number {
    return Math.min(this.#flushQueue?.timerDue ?? Number.POSITIVE_INFINITY, this.iova.reclaimDue);
  }

  /** Runs what is due by the context's time, on the context's CPU (spec I30, I102). */
  runTimers(): void {
    const queue = this.#flushQueue;
    if (queue !== null && queue.timerDue <= this.#context.nowNanos) queue.runTimer();
    if (this.iova.reclaimDue <= this.#context.nowNanos) this.iova.runReclaim();
  }

  /**
   * The short way for a device's single pages, as long as nothing changes that it depends on: the device's mask, bus limit,
   * alignment and its 32-bit workaround, and tracing by anyone but `observer`, who sees to it that no lane is used while he
   * traces. Null where there is none.
   */
  pageLane(device: IommuDevice, mask: number, observer: IommuTrace): PageLane | null {
    const { leafTables } = this.paging;
    const isTraced = this.#trace !== NO_TRACE && this.#trace !== observer;
    if (leafTables === undefined || isTraced || this.granule !== PAGE || device.minAlignMask >= PAGE) return null;
    const limit = this.#limit(device, mask);
    const below4g = limit > LIMIT_32BIT && device.pci32bitWorkaround;
    return new PageLane(this, leafTables, below4g ? this.iova.pfn32 : Math.floor(limit * this.#perGranule) + 1);
  }

  /** Invalidates one page of a strict domain that was unmapped, and makes its number reusable. */
  retirePage(pfn: number): void {
    this.#invalidate(pfn * PAGE, pfn * PAGE + PAGE - 1);
    this.iova.freeFast(pfn, 1);
  }

  /** An IO virtual address for `bytes`, a multiple of the granule, that `mask` and the device's bus allow; 0 if none is left (spec I35 to I41). */
  allocIova(device: IommuDevice, bytes: number, mask: number): number {
    return this.#allocPages(device, bytes * this.#perGranule, mask) * this.granule;
  }

  /** Makes the range reusable at once (spec I43); a range that the device saw must have been invalidated before. */
  freeIova(iova: number, bytes: number): void {
    this.iova.freeFast(iova * this.#perGranule, bytes * this.#perGranule);
  }

  /**
   * Maps `size` bytes at `phys` and returns the address for the device, which reaches the whole first and last granule
   * (spec I46, I228). `prot` is a sum of `IOMMU_*`; `mask` is the device's streaming or coherent mask.
   */
  mapRange(device: IommuDevice, phys: number, size: number, prot: number, mask: number): number {
    const offset = phys & this.#granuleMask;
    if (!(size > 0 && size + offset <= this.#shortWayBytes))
      return this.#mapRangeOfAnySize(device, phys, size, prot, mask);
    const pfn = this.#mapPage(device, (phys - offset) * PER_PAGE, prot, mask);
    return pfn === 0 ? DMA_MAPPING_ERROR : pfn * PAGE + offset;
  }

  /** Undoes {@link mapRange}: in a strict domain the range is invalidated on return, in a lazy one it waits (spec I53). */
  unmapRange(handle: number, size: number): void {
    const offset = handle & this.#granuleMask;
    if (size > 0 && size + offset <= this.#shortWayBytes) this.#unmapPage((handle - offset) * PER_PAGE);
    else this.#unmapRangeOfAnySize(handle, size);
  }

  /** Maps granules of a range from {@link allocIova} without making them visible yet; 0 or a negative errno (spec I84, I158). */
  linkRange(iova: number, phys: number, bytes: number, prot: number): number {
    if (bytes === this.#shortWayBytes && ((iova | phys) & this.#granuleMask) === 0) {
      return this.#linkPage(iova * PER_PAGE, phys * PER_PAGE, prot);
    }
    return iommuMapNosync(this.paging, this.#trace, iova, phys, bytes, prot);
  }

  /** Makes linked granules visible to the device; 0 or a negative errno (spec I87). */
  syncRange(iova: number, bytes: number): number {
    return this.paging.iotlbSyncMap(iova, bytes);
  }

  /** Unmaps granules and waits for their invalidation, in a lazy domain too; the IOVA stays taken (spec I88, I91). */
  unlinkRange(iova: number, bytes: number): void {
    const gather = this.#gather;
    gather.reset(false);
    if (iommuUnmapFast(this.paging, this.#trace, iova, bytes, gather) !== bytes) this.unmapMismatches++;
    syncGather(this.paging, gather);
  }

  /** Physical address of one byte, 0 where nothing is mapped (spec I159). */
  iovaToPhys(iova: number): number {
    return this.paging.iovaToPhys(iova);
  }

  /** Takes over the allocator and the queue of `other`, which has the same shape; page tables stay apart. */
  copyAllocator(other: DmaDomain): void {
    this.iova.copyFrom(other.iova);
    if (other.#flushQueue !== null) this.#flushQueue?.copyFrom(other.#flushQueue);
  }

  /** Would hand out the same addresses as `other` from here on. */
  sameAllocator(other: DmaDomain): boolean {
    const queue = other.#flushQueue;
    return (queue === null || (this.#flushQueue?.equals(queue) ?? false)) && this.iova.equals(other.iova);
  }

  /** Number of the first page; 0 if none is left. */
  #allocPages(device: IommuDevice, pages: number, mask: number): number {
    const limit = this.#limit(device, mask);
    if (limit > LIMIT_32BIT && device.pci32bitWorkaround) {
      const pfn = this.iova.allocFast(pages, this.iova.pfn32 - 1, false);
      if (pfn !== 0) return pfn;
      this.#leave32bit(device, limit);
    }
    return this.iova.allocFast(pages, Math.floor(limit * this.#perGranule), true);
  }

  /** Last address that the device can use here. */
  #limit(device: IommuDevice, mask: number): number {
    const limit = device.busDmaLimit !== 0 && device.busDmaLimit < mask ? device.busDmaLimit : mask;
    return Math.min(limit, this.#apertureEnd);
  }

  #mapRangeOfAnySize(device: IommuDevice, phys: number, size: number, prot: number, mask: number): number {
    if (device.minAlignMask > this.#granuleMask) return this.#refuseAlignMask(device);
    const offset = phys & this.#granuleMask;
    const bytes = this.#roundUp(size + offset);
    const iova = this.allocIova(device, bytes, mask);
    if (iova === 0) return DMA_MAPPING_ERROR;
    if (iommuMap(this.paging, this.#trace, iova, phys - offset, bytes, prot) !== 0) {
      this.freeIova(iova, bytes); // even in a lazy domain: no device saw it (spec I46)
      return DMA_MAPPING_ERROR;
    }
    return iova + offset;
  }

  #unmapRangeOfAnySize(handle: number, size: number): void {
    const offset = handle & this.#granuleMask;
    const start = handle - offset;
    const bytes = this.#roundUp(size + offset);
    const gather = this.#gather;
    const queue = this.#flushQueue;
    gather.reset(queue !== null);
    if (iommuUnmapFast(this.paging, this.#trace, start, bytes, gather) !== bytes) this.unmapMismatches++;
    if (queue !== null) {
      queue.queue(start * this.#perGranule, bytes * this.#perGranule, gather);
      return;
    }
    syncGather(this.paging, gather);
    this.freeIova(start, bytes);
  }

  /** {@link mapRange} of what lies in one page: its IO virtual page number, or 0. */
  #mapPage(device: IommuDevice, physPfn: number, prot: number, mask: number): number {
    if (device.minAlignMask > PAGE - 1) {
      this.#refuseAlignMask(device);
      return 0;
    }
    const pfn = this.#allocPages(device, 1, mask);
    if (pfn === 0) return 0;
    let error = this.#linkPage(pfn, physPfn, prot);
    if (error === 0 && this.paging.syncsMaps !== false) error = this.#syncPage(pfn);
    if (error === 0) return pfn;
    this.iova.freeFast(pfn, 1);
    return 0;
  }

  #linkPage(iovaPfn: number, physPfn: number, prot: number): number {
    const error = this.#pages.mapPage(iovaPfn, physPfn, prot);
    if (this.#trace.on) this.#trace.iommuMap(iovaPfn * PAGE, error === 0 ? PAGE : 0, physPfn * PAGE);
    if (error !== 0) iommuUnmap(this.paging, this.#trace, iovaPfn * PAGE, 0); // an event of 0 bytes (spec I154)
    return error;
  }

  #syncPage(pfn: number): number {
    const error = this.paging.iotlbSyncMap(pfn * PAGE, PAGE);
    if (error !== 0) iommuUnmap(this.paging, this.#trace, pfn * PAGE, PAGE);
    return error;
  }

  /** {@link unmapRange} of one page. */
  #unmapPage(pfn: number): void {
    const cleared = this.#pages.unmapPage(pfn);
    if (this.#trace.on) this.#trace.iommuUnmap(pfn * PAGE, PAGE, cleared);
    if (cleared !== PAGE) this.unmapMismatches++;
    const queue = this.#flushQueue;
    if (queue !== null) {
      queue.queue(pfn, 1, null);
      return;
    }
    if (cleared > 0) this.#invalidate(pfn * PAGE, pfn * PAGE + cleared - 1);
    this.iova.freeFast(pfn, 1);
  }

  #invalidate(start: number, end: number): void {
    const gather = this.#gather; // as the last sync left it: empty
    gather.addRange(start, end);
    syncGather(this.paging, gather);
  }

  /** The space below 4 GiB is exhausted: this device never tries it again (spec I41). */
  #leave32bit(device: IommuDevice, limit: number): void {
    device.pci32bitWorkaround = false;
    this.#context.log(`${logPrefix(device)}Using ${Math.ceil(Math.log2(limit + 1))}-bit DMA addresses`);
  }

  /** A bounce slot could not keep the bits that this device needs (spec I46). */
  #refuseAlignMask(device: IommuDevice): number {
    if (!this.#warnedAlignMask) {
      this.#warnedAlignMask = true;
      this.#context.log(
        `WARNING: ${device.name}: min_align_mask 0x${device.minAlignMask.toString(16)} exceeds the granule`,
      );
    }
    return DMA_MAPPING_ERROR;
  }

  #roundUp(bytes: number): number {
    const rest = bytes & this.#granuleMask;
    return rest === 0 ? bytes : bytes - rest + this.granule;
  }
}

function lowestBit(bits: number): number {
  let bit = 1;
  while (bits % (bit * 2) === 0) bit *= 2;
  return bit;
}
