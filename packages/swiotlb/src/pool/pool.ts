import { ADDRESS_LIMIT, PAGE_SIZE } from '@dmalab/phys-memory';
import { INVALID_PHYS_ADDR, IO_TLB_SEGSIZE, IO_TLB_SIZE } from '../constants.ts';
import { hex, SwiotlbError } from '../errors.ts';
import { freeRun } from './free-runs.ts';

/** Where a pool lies and how it is divided. */
export interface PoolGeometry {
  /** First byte, a multiple of 4096 (spec S20). */
  readonly start: number;
  readonly slotCount: number;
  /** Areas, each with a search position of its own; more than one only if they divide into whole segments (spec S8). */
  readonly areaCount?: number;
  /** The memory is shared with (decrypted for) the devices (spec S101). */
  readonly shared?: boolean;
}

const MAX_SLOTS = 2 ** 28; // keeps a slot number and a step beyond it in 31 bits

/**
 * A bounce pool: its place, and the state of its areas and slots in columns (spec S7 to S10).
 *
 * The kernel keeps in every free slot the length of the free run from there (`list`). Here a slot has one busy bit and
 * {@link SwiotlbPool.list} counts when asked: writing the numbers out cost 60 to 130 byte stores for each map and free
 * of a nearly empty segment, a bit costs one.
 */
export class SwiotlbPool {
  readonly start: number = 0;
  /** Exclusive. */
  readonly end: number = 0;
  readonly slotCount: number = 0;
  readonly areaCount: number = 0;
  /** Slots of one area: `P` in the specification. */
  readonly areaSlots: number = 0;
  /** The memory is decrypted: devices that reach only shared memory can use it (spec S101). */
  shared: boolean;

  /** Slots handed out, by area. */
  readonly areaUsed: Int32Array;
  /** Where the next search of the area starts, relative to its first slot. */
  readonly areaIndex: Int32Array;

  /** One bit a slot, set while it is occupied; slots past the end of the last segment count as occupied. */
  readonly busy: Int32Array;
  /** Physical address of the caller's byte that corresponds to the slot's start, or {@link INVALID_PHYS_ADDR}. */
  readonly orig: Float64Array;
  /** Bytes from the slot's original address to the end of the allocation; negative in a last slot (spec S53). */
  readonly size: Int32Array;
  /** In the first slot of a buffer behind its padding slots: 1 + their number. 0 in all others. */
  readonly head: Uint16Array;

  /** Upper bounds for the free runs of a segment, see segment-bounds.ts. */
  readonly runBound: Uint8Array;

  /** @throws {SwiotlbError} ERR_SWIOTLB_POOL when the range or its division is impossible */
  constructor(geometry: PoolGeometry) {
    const { start, slotCount, areaCount = 1 } = geometry;
    checkGeometry(start, slotCount, areaCount);
    this.start = start;
    this.end = start + slotCount * IO_TLB_SIZE;
    this.slotCount = slotCount;
    this.areaCount = areaCount;
    this.areaSlots = Math.floor(slotCount / areaCount);
    this.shared = geometry.shared ?? false;
    this.areaUsed = new Int32Array(areaCount);
    this.areaIndex = new Int32Array(areaCount);
    const segments = Math.ceil(slotCount / IO_TLB_SEGSIZE);
    this.busy = new Int32Array(segments * (IO_TLB_SEGSIZE / 32));
    for (let slot = slotCount; slot < segments * IO_TLB_SEGSIZE; slot++) this.busy[slot >> 5] |= 1 << (slot & 31);
    this.orig = new Float64Array(slotCount).fill(INVALID_PHYS_ADDR);
    this.size = new Int32Array(slotCount);
    this.head = new Uint16Array(slotCount);
    this.runBound = new Uint8Array(2 * segments).fill(IO_TLB_SEGSIZE);
  }

  /** Whether the byte lies in the pool (spec S65). */
  contains(phys: number): boolean {
    return phys >= this.start && phys < this.end;
  }

  /** The slot that holds the byte. */
  slotOf(phys: number): number {
    return Math.floor((phys - this.start) / IO_TLB_SIZE);
  }

  /** Consecutive free slots from this one to the end of its free run within the segment; 0 if occupied (spec S9). */
  list(slot: number): number {
    return freeRun(this.busy, slot);
  }

  /** Padding slots in front of the buffer whose first slot this is; 0 in every other slot (spec S9). */
  pad(slot: number): number {
    return this.head[slot] === 0 ? 0 : this.head[slot] - 1;
  }

  /** Slots handed out, all areas together. */
  used(): number {
    let used = 0;
    for (let area = 0; area < this.areaCount; area++) used += this.areaUsed[area];
    return used;
  }

  /** Marks every slot as handed out: what becomes of a pool that can't be decrypted (spec S101). */
  disable(): void {
    this.busy.fill(-1);
    this.areaUsed.fill(this.areaSlots);
  }
}

function checkGeometry(start: number, slotCount: number, areaCount: number): void {
  const range = `pool of ${slotCount} slots in ${areaCount} areas at ${hex(start)}`;
  const refuse = (why: string): never => {
    throw new SwiotlbError('ERR_SWIOTLB_POOL', `${range}: ${why}`);
  };
  if (!(Number.isInteger(start) && start >= 0 && start % PAGE_SIZE === 0))
    refuse('the start must be a multiple of 4096');
  if (!(Number.isInteger(slotCount) && slotCount >= 1 && slotCount <= MAX_SLOTS))
    refuse(`slots must be 1 to ${MAX_SLOTS}`);
  if (start + slotCount * IO_TLB_SIZE > ADDRESS_LIMIT) refuse('it ends above 2^52');
  if (!(Number.isInteger(areaCount) && areaCount >= 1)) refuse('there must be at least one area');
  if (areaCount > 1 && Math.floor(slotCount / areaCount) % IO_TLB_SEGSIZE !== 0) {
    refuse(`an area must be whole segments of ${IO_TLB_SEGSIZE} slots`);
  }
}

/** `slots(bytes)` of the specification (S3). */
export function slotsFor(bytes: number): number {
  return Math.ceil(bytes / IO_TLB_SIZE);
}
