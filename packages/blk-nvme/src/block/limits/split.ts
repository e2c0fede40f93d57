import type { Bio } from '../bio/bio.ts';
import { EAGAIN, EINVAL } from '../bio/errno.ts';
import {
  REQ_ATOMIC,
  REQ_NOWAIT,
  REQ_OP_DISCARD,
  REQ_OP_READ,
  REQ_OP_SECURE_ERASE,
  REQ_OP_WRITE,
  REQ_OP_WRITE_ZEROES,
  reqOp,
} from '../bio/op.ts';
import { ffs } from './gap.ts';
import { maxSegmentAt, type QueueLimits } from './queue-limits.ts';

/** Offsets in a page are taken with `&`, which is right up to 2^53; `%` of doubles is a call of some 15 ns. */
const PAGE = 4096;

/** What one look at a bio found out. Reused: a split decides at most once a submission. */
export interface SplitPlan {
  /** Sectors of the first part; 0: no split; negative errno: the bio fails. */
  sectors: number;
  /** Physical segments of what is submitted now. */
  segments: number;
}

/** Decides where a bio must be split to fit the limits (spec N7). */
export function planSplit(bio: Bio, lim: QueueLimits, plan: SplitPlan): void {
  plan.sectors = 0;
  switch (reqOp(bio.opf)) {
    case REQ_OP_READ:
    case REQ_OP_WRITE:
      plan.segments = 1;
      if (mayNeedSplit(bio, lim)) planDataSplit(bio, lim, maxIoSectors(bio, lim) * 512, plan);
      break;
    case REQ_OP_DISCARD:
    case REQ_OP_SECURE_ERASE:
      plan.segments = 1;
      plan.sectors = discardSplit(bio, lim);
      break;
    case REQ_OP_WRITE_ZEROES:
      plan.segments = 0;
      if (lim.maxWriteZeroesSectors > 0 && bio.sectors > maxIoSectors(bio, lim)) plan.sectors = maxIoSectors(bio, lim);
      break;
    default:
      plan.segments = 0;
  }
}

/** Anything that makes a closer look worth while (spec N9). The ordinary small bio of one page stops here. */
export function mayNeedSplit(bio: Bio, lim: QueueLimits): boolean {
  const { vecs, index, done } = bio;
  if (lim.chunkSectors !== 0 || index >= vecs.count) return true;
  const lengthBytes = vecs.lengthBytes[index] - done;
  const offset = (vecs.phys[index] + done) & (PAGE - 1);
  return (
    bio.bytes > lengthBytes ||
    ((offset | lengthBytes) & lim.dmaAlignment) !== 0 ||
    offset + lengthBytes > lim.maxFastSegmentSize
  );
}

/** Sectors that may be submitted from the bio's start (spec N8): a misaligned start ends aligned. */
export function maxIoSectors(bio: Bio, lim: QueueLimits): number {
  let most = lim.maxSectors;
  if (reqOp(bio.opf) === REQ_OP_WRITE_ZEROES) most = lim.maxWriteZeroesSectors;
  else if ((bio.opf & REQ_ATOMIC) !== 0) most = lim.atomicWriteMaxSectors;
  if (lim.chunkSectors !== 0) most = Math.min(most, lim.chunkSectors - (bio.sector % lim.chunkSectors));
  const physical = lim.physicalBlockSize / 512;
  const start = bio.sector % physical;
  const end = start + most - ((start + most) % physical);
  return end > start ? end - start : most - (most % (lim.logicalBlockSize / 512));
}

function discardSplit(bio: Bio, lim: QueueLimits): number {
  const granularity = Math.max(lim.discardGranularity / 512, 1);
  const most = lim.maxDiscardSectors - (lim.maxDiscardSectors % granularity);
  if (most === 0 || bio.sectors <= most) return 0;
  const over = (bio.sector + most) % granularity;
  return over < most ? most - over : most;
}

/** Walks the vectors (spec N10); fills in the plan and the bio's gap bit. */
function planDataSplit(bio: Bio, lim: QueueLimits, maxBytes: number, plan: SplitPlan): void {
  const { vecs } = bio;
  let segments = 0;
  let bytes = 0;
  let gaps = 0;
  let previousEnd = -1;
  let left = bio.bytes;
  let cut = false;
  for (let i = bio.index, done = bio.done; left > 0 && !cut; i++, done = 0) {
    const phys = vecs.phys[i] + done;
    const lengthBytes = Math.min(vecs.lengthBytes[i] - done, left);
    const offset = phys & (PAGE - 1);
    if (((offset | lengthBytes) & lim.dmaAlignment) !== 0) {
      plan.sectors = EINVAL;
      return;
    }
    if (previousEnd >= 0) {
      cut = ((offset | previousEnd) & lim.virtBoundaryMask) !== 0;
      if (cut) break;
      gaps |= offset | previousEnd;
    }
    if (
      segments < lim.maxSegments &&
      bytes + lengthBytes <= maxBytes &&
      offset + lengthBytes <= lim.maxFastSegmentSize
    ) {
      segments++;
      bytes += lengthBytes;
    } else {
      const room = maxBytes - bytes;
      const taken = splitSegments(lim, phys, lengthBytes, room, lim.maxSegments - segments);
      segments += taken.segments;
      bytes += taken.bytes;
      cut = taken.bytes < lengthBytes;
    }
    left -= lengthBytes;
    previousEnd = offset + lengthBytes;
  }
  plan.segments = segments;
  bio.gapBit = ffs(gaps);
  if (cut) plan.sectors = cutSectors(bio, lim, bytes);
}

/** Cuts one vector into segments as far as room and number allow (spec N11). */
function splitSegments(
  lim: QueueLimits,
  phys: number,
  lengthBytes: number,
  room: number,
  segmentsLeft: number,
): { readonly segments: number; readonly bytes: number } {
  let left = Math.min(lengthBytes, room);
  let segments = 0;
  let bytes = 0;
  while (left > 0 && segments < segmentsLeft) {
    const piece = maxSegmentAt(lim, phys + bytes, left);
    segments++;
    bytes += piece;
    left -= piece;
    if ((((phys % PAGE) + bytes) & lim.virtBoundaryMask) !== 0) break;
  }
  return { segments, bytes };
}

/** Spec N12: what may not be split fails, the rest is cut at a whole logical block. */
function cutSectors(bio: Bio, lim: QueueLimits, bytes: number): number {
  if ((bio.opf & REQ_ATOMIC) !== 0) return EINVAL;
  if ((bio.opf & REQ_NOWAIT) !== 0) return EAGAIN;
  const whole = bytes - (bytes % lim.logicalBlockSize);
  return whole === 0 ? EINVAL : whole / 512;
}
