import {
  DMA_ATTR_NO_WARN,
  DMA_ATTR_SKIP_CPU_SYNC,
  DMA_FROM_DEVICE,
  DMA_TO_DEVICE,
  INVALID_PHYS_ADDR,
  IO_TLB_SEGSIZE,
  IO_TLB_SIZE,
} from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import { hex, SwiotlbError } from '../errors.ts';
import type { SwiotlbPool } from '../pool/pool.ts';
import { claimSlots, recordOriginal, releaseSlots } from '../pool/slot-claim.ts';
import { SlotSearch } from '../pool/slot-search.ts';
import type { BounceShadow, SwiotlbMemory } from './memory.ts';
import { SILENT_LOG, type SwiotlbLog, SwiotlbMessages } from './messages.ts';
import { checkRequest } from './request.ts';
import { SwiotlbUsage } from './usage.ts';

export interface SwiotlbOptions {
  readonly memory: SwiotlbMemory;
  /** The pool that boot created, or null where it created none. */
  readonly pool: SwiotlbPool | null;
  /** `swiotlb=force`: bounce everything (spec S23a). */
  readonly force?: boolean;
  /** Count usage exactly and keep its maximum: `track_hiwater` (spec S94). */
  readonly trackHiwater?: boolean;
  readonly shadow?: BounceShadow;
  readonly log?: SwiotlbLog;
}

/**
 * The bounce-buffer allocator: one for the system, and one for each restricted pool (spec S6).
 *
 * Calls take the number of the CPU that executes them, since it decides where a search begins (spec S40).
 */
export class Swiotlb {
  readonly force: boolean;
  readonly #memory: SwiotlbMemory;
  readonly #shadow: BounceShadow | null;
  readonly #pools: SwiotlbPool[];
  readonly #search = new SlotSearch();
  readonly #usage: SwiotlbUsage;
  readonly #messages: SwiotlbMessages;
  /** Where the last successful search found its slots. */
  #found: SwiotlbPool | null = null;

  constructor(options: SwiotlbOptions) {
    this.force = options.force ?? false;
    this.#memory = options.memory;
    this.#shadow = options.shadow ?? null;
    this.#pools = options.pool === null ? [] : [options.pool];
    this.#usage = new SwiotlbUsage(options.trackHiwater ?? false);
    this.#messages = new SwiotlbMessages(options.log ?? SILENT_LOG);
  }

  /** Whether there is anything to bounce through (spec S36 of the DMA API: "active"). */
  get active(): boolean {
    return this.#pools.length > 0;
  }

  /** The pool that holds the byte, or null: whether an address is a bounce address goes by range alone (spec S65). */
  findPool(phys: number): SwiotlbPool | null {
    for (let k = 0; k < this.#pools.length; k++) {
      if (this.#pools[k].contains(phys)) return this.#pools[k];
    }
    return null;
  }

  /**
   * Bounces `length` bytes at `orig` and copies them in, whatever the direction (spec S30 to S37, S62).
   *
   * @param allocAlignMask 0 on the direct path, IOMMU granule - 1 behind an IOMMU
   * @param attrs `DMA_ATTR_NO_WARN` keeps the "full" message back
   * @returns the physical address of the bounce buffer, or -1 with nothing changed
   * @throws {SwiotlbError} ERR_SWIOTLB_REQUEST for a length, direction or mask that no kernel would pass
   */
  tblMapSingle(
    device: SwiotlbDevice,
    orig: number,
    length: number,
    allocAlignMask: number,
    dir: number,
    attrs: number,
    cpu: number,
  ): number {
    checkRequest(device, orig, length, allocAlignMask, dir);
    if (this.#pools.length === 0) {
      this.#messages.noPool(device);
      return -1;
    }
    if (allocAlignMask > 4095) this.#messages.wideAlignment(device);
    const offset = orig & device.minAlignMask & (allocAlignMask | (IO_TLB_SIZE - 1)); // spec S34
    const total = roundUp(length + offset, allocAlignMask + 1);
    const slot = this.#findSlots(device, orig, total, allocAlignMask, cpu);
    if (slot < 0) {
      if ((attrs & DMA_ATTR_NO_WARN) === 0) this.#messages.full(device, total, this.nslabs, this.used);
      return -1;
    }
    device.dmaSkipSync = false; // spec S39
    const pool = this.#found!;
    const padSlots = offset >>> 11;
    recordOriginal(pool, slot, this.#search.need, padSlots, orig);
    const bounce = pool.start + (slot + padSlots) * IO_TLB_SIZE + (offset & (IO_TLB_SIZE - 1));
    this.#copyIn(bounce, orig, length);
    return bounce;
  }

  /**
   * Ends a bounce: copies back what the device may have written, unless `DMA_ATTR_SKIP_CPU_SYNC`, and frees the slots.
   * `length` counts for the copy alone; what is freed stands in the slot table (spec S55 to S60).
   *
   * @throws {SwiotlbError} ERR_SWIOTLB_NOT_MAPPED when no live bounce buffer begins in the slot of `bounce`; the kernel
   *   would corrupt its table (spec S60)
   */
  tblUnmapSingle(device: SwiotlbDevice, bounce: number, length: number, dir: number, attrs: number): void {
    const pool = this.findPool(bounce);
    const first = pool === null ? -1 : pool.slotOf(bounce);
    if (pool === null || pool.head[first] === 0) throw notMapped(bounce, length);
    if ((attrs & DMA_ATTR_SKIP_CPU_SYNC) === 0) this.syncForCpu(device, bounce, length, dir);
    this.#release(pool, first, device, bounce);
  }

  /** Makes the caller's stores visible in the bounce buffer. An address outside every pool is no work (spec S61, S65). */
  syncForDevice(device: SwiotlbDevice, bounce: number, length: number, dir: number): void {
    if (dir === DMA_FROM_DEVICE) return;
    const pool = this.findPool(bounce);
    if (pool !== null) this.#bounce(pool, device, bounce, length, false);
  }

  /** Makes the device's stores visible in the caller's buffer. */
  syncForCpu(device: SwiotlbDevice, bounce: number, length: number, dir: number): void {
    if (dir === DMA_TO_DEVICE) return;
    const pool = this.findPool(bounce);
    if (pool !== null) this.#bounce(pool, device, bounce, length, true);
  }

  /** Largest mapping that can succeed (spec S75). */
  maxMappingSize(device: SwiotlbDevice): number {
    return IO_TLB_SEGSIZE * IO_TLB_SIZE - roundUp(device.minAlignMask, IO_TLB_SIZE);
  }

  /** Slots of all lasting pools: `io_tlb_nslabs`. */
  get nslabs(): number {
    let slots = 0;
    for (const pool of this.#pools) slots += pool.slotCount;
    return slots;
  }

  /** Slots in use: `io_tlb_used` (spec S94). */
  get used(): number {
    return this.#usage.used(this.#pools);
  }

  /** The most slots that were ever in use, 0 unless tracked: `io_tlb_used_hiwater`. */
  get usedHiwater(): number {
    return this.#usage.hiwater;
  }

  /** A write to `io_tlb_used_hiwater`: 0, or -22 for anything but 0 (spec S95). */
  writeUsedHiwater(value: number): number {
    return this.#usage.writeHiwater(value);
  }

  /** First slot of a fit, claimed, with its pool in `#found`; or -1 (spec S40). */
  #findSlots(device: SwiotlbDevice, orig: number, total: number, allocAlignMask: number, cpu: number): number {
    const search = this.#search;
    search.request(total, orig, device.minAlignMask, allocAlignMask);
    const pool = this.#pools[0];
    search.enter(pool, pool.start, device.segBoundaryMask);
    let area = cpu & (pool.areaCount - 1);
    for (let tried = 0; tried < pool.areaCount; tried++) {
      const slot = search.inArea(pool, area);
      if (slot >= 0) {
        claimSlots(pool, slot, search.need, total, search.low);
        this.#usage.claimed(search.need);
        this.#found = pool;
        return slot;
      }
      if (++area === pool.areaCount) area = 0;
    }
    return -1;
  }

  #release(pool: SwiotlbPool, first: number, device: SwiotlbDevice, bounce: number): void {
    const low = bounce & device.minAlignMask & (IO_TLB_SIZE - 1);
    const slot = first - pool.pad(first);
    const count = Math.ceil((pool.size[slot] + low) / IO_TLB_SIZE);
    releaseSlots(pool, slot, count);
    this.#usage.released(count);
  }

  /** Copies part of a buffer in or out, from any address inside it (spec S66, S67). */
  #bounce(pool: SwiotlbPool, device: SwiotlbDevice, bounce: number, length: number, out: boolean): void {
    const slot = pool.slotOf(bounce);
    const slotOrig = pool.orig[slot];
    if (slotOrig === INVALID_PHYS_ADDR) return;
    const into = (bounce & (IO_TLB_SIZE - 1)) - (slotOrig & device.minAlignMask & (IO_TLB_SIZE - 1));
    const room = pool.size[slot] - into;
    if (length > room) {
      this.#messages.overrun(device, room, length);
      length = room;
    }
    if (out) this.#copyOut(slotOrig + into, bounce, length);
    else this.#copyIn(bounce, slotOrig + into, length);
  }

  #copyIn(bounce: number, orig: number, length: number): void {
    this.#memory.copy(bounce, orig, length);
    if (this.#shadow !== null) this.#shadow.copyShadow(bounce, orig, length);
  }

  /** The device wrote the bounce bytes as far as anyone can tell, so the caller's become initialised (spec S70). */
  #copyOut(orig: number, bounce: number, length: number): void {
    if (this.#shadow !== null) this.#shadow.markInitialised(bounce, length);
    this.#memory.copy(orig, bounce, length);
    if (this.#shadow !== null) this.#shadow.copyShadow(orig, bounce, length);
  }
}

function roundUp(bytes: number, unit: number): number {
  return unit === 1 ? bytes : Math.ceil(bytes / unit) * unit;
}

function notMapped(bounce: number, length: number): SwiotlbError {
  const range = `${hex(bounce)}..${hex(bounce + length)}`;
  return new SwiotlbError('ERR_SWIOTLB_NOT_MAPPED', `free of ${range}: no live bounce buffer begins there`);
}
