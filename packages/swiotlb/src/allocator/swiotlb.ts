import { PAGE_SIZE } from '@dmalab/phys-memory';
import {
  DMA_ATTR_NO_WARN,
  DMA_ATTR_SKIP_CPU_SYNC,
  DMA_FROM_DEVICE,
  DMA_TO_DEVICE,
  IO_TLB_SEGSIZE,
  IO_TLB_SIZE,
} from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import { hex, SwiotlbError } from '../errors.ts';
import type { SwiotlbPool } from '../pool/pool.ts';
import { recordOriginal, releaseSlots } from '../pool/slot-claim.ts';
import { BounceCopies } from './bounce-copies.ts';
import { type MemoryEncryption, mayBounce } from './encryption.ts';
import { type GrowthOptions, PoolGrowth } from './growth.ts';
import type { BounceShadow, SwiotlbMemory } from './memory.ts';
import { SILENT_LOG, type SwiotlbLog, SwiotlbMessages } from './messages.ts';
import { PoolSet } from './pool-set.ts';
import { checkBlock, checkDirection, checkRequest } from './request.ts';
import { SwiotlbUsage } from './usage.ts';

export interface SwiotlbOptions {
  readonly memory: SwiotlbMemory;
  /** The pool that boot created, or null where it created none. */
  readonly pool: SwiotlbPool | null;
  /** `swiotlb=force`: bounce everything (spec S23a). */
  readonly force?: boolean;
  /** Serves coherent allocations too: a restricted pool (spec S120). */
  readonly forAlloc?: boolean;
  /** Count usage exactly and keep its maximum: `track_hiwater` (spec S94). */
  readonly trackHiwater?: boolean;
  readonly memoryEncryption?: MemoryEncryption;
  /** Address that a device uses for a physical one, in shared or private form (spec S100). Default: the same. */
  readonly deviceAddress?: (device: SwiotlbDevice, phys: number, shared: boolean) => number;
  /** The kernel is built to grow pools (spec section 15). */
  readonly growth?: GrowthOptions;
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
  readonly forAlloc: boolean;
  readonly #copies: BounceCopies;
  readonly #encryption: MemoryEncryption;
  readonly #pools: PoolSet;
  readonly #growth: PoolGrowth | null;
  readonly #usage: SwiotlbUsage;
  readonly #messages: SwiotlbMessages;

  constructor(options: SwiotlbOptions) {
    this.force = options.force ?? false;
    this.forAlloc = options.forAlloc ?? false;
    this.#encryption = options.memoryEncryption ?? 'none';
    this.#usage = new SwiotlbUsage(options.trackHiwater ?? false);
    this.#messages = new SwiotlbMessages(options.log ?? SILENT_LOG);
    this.#copies = new BounceCopies(options.memory, options.shadow ?? null, this.#messages);
    this.#growth = options.growth === undefined ? null : new PoolGrowth(options.growth, this.#messages);
    this.#pools = new PoolSet(options.pool, this.#growth, options.deviceAddress ?? null);
  }

  /** Whether there is anything to bounce through: `is_swiotlb_active` (spec D36). */
  get active(): boolean {
    return this.#pools.lasting.length > 0;
  }

  /** The pool that holds the byte, or null: whether an address is a bounce address goes by range alone (spec S65). */
  findPool(phys: number): SwiotlbPool | null {
    return this.#pools.find(phys);
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
    if (!this.#mayMap(device, allocAlignMask)) return -1;
    const offset = orig & device.minAlignMask & (allocAlignMask | (IO_TLB_SIZE - 1)); // spec S34
    const total = roundUp(length + offset, allocAlignMask + 1);
    const slot = this.#pools.take(device, orig, total, allocAlignMask, cpu);
    if (slot < 0) {
      if ((attrs & DMA_ATTR_NO_WARN) === 0) this.#messages.full(device, total, this.nslabs, this.used);
      return -1;
    }
    device.dmaSkipSync = false; // spec S39
    const pool = this.#pools.taken!;
    const padSlots = offset >>> 11;
    this.#usage.claimed(this.#pools.need);
    recordOriginal(pool, slot, this.#pools.need, padSlots, orig);
    const bounce = pool.start + (slot + padSlots) * IO_TLB_SIZE + (offset & (IO_TLB_SIZE - 1));
    this.#copies.in(bounce, orig, length);
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
    checkDirection(device, dir);
    const pool = this.#pools.find(bounce);
    const first = pool === null ? -1 : pool.slotOf(bounce);
    if (pool === null || pool.head[first] === 0) throw notMapped(bounce, length);
    if ((attrs & DMA_ATTR_SKIP_CPU_SYNC) === 0 && dir !== DMA_TO_DEVICE)
      this.#copies.part(pool, device, bounce, length, true);
    this.#release(pool, first, bounce & device.minAlignMask & (IO_TLB_SIZE - 1));
  }

  /** Makes the caller's stores visible in the bounce buffer. An address outside every pool is no work (spec S61, S65). */
  syncForDevice(device: SwiotlbDevice, bounce: number, length: number, dir: number): void {
    checkDirection(device, dir);
    if (dir === DMA_FROM_DEVICE) return;
    const pool = this.#pools.find(bounce);
    if (pool !== null) this.#copies.part(pool, device, bounce, length, false);
  }

  /** Makes the device's stores visible in the caller's buffer. An address outside every pool is no work. */
  syncForCpu(device: SwiotlbDevice, bounce: number, length: number, dir: number): void {
    checkDirection(device, dir);
    if (dir === DMA_TO_DEVICE) return;
    const pool = this.#pools.find(bounce);
    if (pool !== null) this.#copies.part(pool, device, bounce, length, true);
  }

  /**
   * `swiotlb_alloc`: a coherent block out of a restricted pool, aligned to its order (spec S122). No original is
   * recorded, so syncs on it do nothing.
   *
   * @param size bytes, a multiple of 4096
   * @returns its physical address, or -1 when the pool has no room; there is no other source (spec S121)
   */
  alloc(device: SwiotlbDevice, size: number, cpu: number): number {
    checkBlock(device, size);
    const pages = size / PAGE_SIZE;
    const allocAlignMask = PAGE_SIZE * 2 ** Math.ceil(Math.log2(pages)) - 1;
    const slot = this.active ? this.#pools.take(device, 0, size, allocAlignMask, cpu) : -1;
    if (slot < 0) return -1;
    const pool = this.#pools.taken!;
    const address = pool.start + slot * IO_TLB_SIZE;
    pool.head[slot] = 1;
    this.#usage.claimed(this.#pools.need);
    if (address % PAGE_SIZE !== 0) this.#messages.unalignedBlock(device, address);
    else if (this.#reachesBlock(device, pool, address + size - 1)) return address;
    this.#release(pool, slot, 0);
    return -1;
  }

  #reachesBlock(device: SwiotlbDevice, pool: SwiotlbPool, lastByte: number): boolean {
    const { coherentDmaMask = Number.POSITIVE_INFINITY } = device;
    return this.#pools.deviceAddress(device, lastByte, pool.shared) <= coherentDmaMask;
  }

  /** `swiotlb_free`: gives a coherent block back. False if the address is in no pool of this allocator. */
  free(address: number): boolean {
    const pool = this.#pools.find(address);
    if (pool === null) return false;
    const slot = pool.slotOf(address);
    if (pool.head[slot] === 0) throw notMapped(address, 0);
    this.#release(pool, slot, 0);
    return true;
  }

  /** Largest mapping that can succeed (spec S75). */
  maxMappingSize(device: SwiotlbDevice): number {
    return IO_TLB_SEGSIZE * IO_TLB_SIZE - roundUp(device.minAlignMask, IO_TLB_SIZE);
  }

  /**
   * Converts the default pool to shared memory, as a machine with memory encryption does before the first use. If that
   * fails the pool stays and is full for ever (spec S101).
   *
   * @param setDecrypted converts whole pages; false if it can't
   */
  decryptPool(setDecrypted: (start: number, bytes: number) => boolean): void {
    for (const pool of this.#pools.lasting) {
      pool.shared = setDecrypted(pool.start, pool.end - pool.start);
      if (pool.shared) continue;
      this.#messages.decryptionFailed();
      pool.disable();
    }
  }

  /** Start of the default pool. Whoever asks relies on it: the allocator will not grow from then on (spec S110). */
  defaultBase(): number {
    if (this.#growth !== null) this.#growth.canGrow = false;
    return this.#pools.lasting.at(-1)?.start ?? -1;
  }

  /** Lets the kernel's worker run: memory of transient pools goes back, and a queued growth happens (spec S114, S115). */
  runWorker(): void {
    const oldest = this.#pools.lasting.at(-1);
    const grown = oldest === undefined ? null : (this.#growth?.runWorker(oldest) ?? null);
    if (grown !== null) this.#pools.lasting.unshift(grown); // newest first
  }

  /** Slots of all lasting pools: `io_tlb_nslabs`. */
  get nslabs(): number {
    let slots = 0;
    for (const pool of this.#pools.lasting) slots += pool.slotCount;
    return slots;
  }

  /** Slots in use: `io_tlb_used` (spec S94). */
  get used(): number {
    return this.#usage.used(this.#pools.lasting);
  }

  /** The most slots that were ever in use, 0 unless tracked: `io_tlb_used_hiwater`. */
  get usedHiwater(): number {
    return this.#usage.hiwater;
  }

  /** Slots in live transient pools: `io_tlb_transient_nslabs`; null where pools don't grow, and the file is missing. */
  get transientNslabs(): number | null {
    return this.#growth?.transientSlots ?? null;
  }

  /** A write to `io_tlb_used_hiwater`: 0, or -22 for anything but 0 (spec S95). */
  writeUsedHiwater(value: number): number {
    return this.#usage.writeHiwater(value);
  }

  #mayMap(device: SwiotlbDevice, allocAlignMask: number): boolean {
    const { lasting } = this.#pools;
    if (lasting.length === 0) {
      this.#messages.noPool(device);
      return false;
    }
    if (this.#encryption !== 'none' && !mayBounce(this.#encryption, device, lasting[0], this.#messages)) return false;
    if (allocAlignMask > 4095) this.#messages.wideAlignment(device);
    return true;
  }

  #release(pool: SwiotlbPool, first: number, low: number): void {
    const slot = first - pool.pad(first);
    const count = Math.ceil((pool.size[slot] + low) / IO_TLB_SIZE);
    this.#usage.released(count);
    if (this.#growth?.dropTransient(pool)) return; // its slots go with it (spec S114)
    releaseSlots(pool, slot, count);
  }
}

function roundUp(bytes: number, unit: number): number {
  return unit === 1 ? bytes : Math.ceil(bytes / unit) * unit;
}

function notMapped(bounce: number, length: number): SwiotlbError {
  const range = `${hex(bounce)}..${hex(bounce + length)}`;
  return new SwiotlbError('ERR_SWIOTLB_NOT_MAPPED', `free of ${range}: no live bounce buffer begins there`);
}
