import type { Bio } from '../bio/bio.ts';
import {
  opIsPassthrough,
  REQ_ATOMIC,
  REQ_FUA,
  REQ_INTEGRITY,
  REQ_NOMERGE,
  REQ_OP_DISCARD,
  REQ_OP_FLUSH,
  REQ_OP_WRITE_ZEROES,
  REQ_OP_ZONE_APPEND,
  REQ_PREFLUSH,
  reqOp,
} from '../bio/op.ts';
import { integritySegments } from '../integrity/integrity-segments.ts';
import { MQ_RQ_IDLE, type Request } from '../queue/request.ts';
import { ffs } from './gap.ts';
import { minNotZero, type QueueLimits } from './queue-limits.ts';

const PAGE = 4096;

export const MERGE_NONE = 0;
export const MERGE_BACK = 1;
export const MERGE_FRONT = 2;
export const MERGE_DISCARD = 3;

/** Flags that keep a bio or request by itself (spec N16). */
const ALONE: number = REQ_NOMERGE | REQ_PREFLUSH | REQ_FUA;

/** Physical address of the first byte that a bio still moves. */
export function bioFirstPhys(bio: Bio): number {
  return bio.vecs.phys[bio.index] + bio.done;
}

/** One past the last byte of a bio, and of its last vector. */
export function bioEndPhys(bio: Bio): number {
  let left = bio.bytes + bio.done;
  let i = bio.index;
  while (left > bio.vecs.lengthBytes[i]) left -= bio.vecs.lengthBytes[i++];
  return bio.vecs.phys[i] + left;
}

/** Two runs that one segment can cover (spec N18): they meet, in one boundary window. */
export function physMergeable(lim: QueueLimits, end: number, start: number): boolean {
  if (end !== start) return false;
  return (start & lim.segBoundaryMask) !== 0;
}

/** How that bio could join that request (spec N16), by kind and position alone. */
export function mergeCandidate<D>(request: Request<D>, bio: Bio, lim: QueueLimits): number {
  if (!mayMerge(request.opf) || !mayMerge(bio.opf) || request.state !== MQ_RQ_IDLE || request.specialPhys >= 0) {
    return MERGE_NONE;
  }
  const sameKind =
    reqOp(request.opf) === reqOp(bio.opf) &&
    ((request.opf ^ bio.opf) & (REQ_ATOMIC | REQ_INTEGRITY)) === 0 &&
    request.ioprioClass === bio.ioprioClass;
  if (!sameKind) return MERGE_NONE;
  if (reqOp(bio.opf) === REQ_OP_DISCARD && lim.maxDiscardSegments > 1) return MERGE_DISCARD;
  if (request.sector + request.sectors === bio.sector) return MERGE_BACK;
  return bio.sector + bio.sectors === request.sector ? MERGE_FRONT : MERGE_NONE;
}

function mayMerge(opf: number): boolean {
  if (opIsPassthrough(opf) || (opf & ALONE) !== 0) return false;
  const op = reqOp(opf);
  return op !== REQ_OP_FLUSH && op !== REQ_OP_WRITE_ZEROES && op !== REQ_OP_ZONE_APPEND;
}

/** Sectors that a request may grow to (spec N17). */
function maxRequestSectors(opf: number, sector: number, lim: QueueLimits): number {
  if (reqOp(opf) === REQ_OP_DISCARD) return lim.maxDiscardSectors;
  const most = (opf & REQ_ATOMIC) !== 0 ? lim.atomicWriteMaxSectors : lim.maxSectors;
  return lim.chunkSectors === 0 ? most : Math.min(most, lim.chunkSectors - (sector % lim.chunkSectors));
}

/** Puts the bio behind the request's last; false when limits forbid it (spec N17). */
export function tryBackMerge<D>(request: Request<D>, bio: Bio, segments: number, lim: QueueLimits): boolean {
  const end = bioEndPhys(request.bioTail!);
  const start = bioFirstPhys(bio);
  const first = bioFirstPhys(request.bio!);
  if (!meetsVirtBoundary(first, end, start, lim) || !fits(request, bio, segments, request.sector, lim)) return false;
  addGap(request, bio, end, start, lim);
  request.bioTail!.next = bio;
  request.bioTail = bio;
  grow(request, bio, segments);
  return true;
}

/** Puts the bio in front of the request's first (spec N17). */
export function tryFrontMerge<D>(request: Request<D>, bio: Bio, segments: number, lim: QueueLimits): boolean {
  const end = bioEndPhys(bio);
  const start = bioFirstPhys(request.bio!);
  const first = bioFirstPhys(bio);
  if (!meetsVirtBoundary(first, end, start, lim) || !fits(request, bio, segments, bio.sector, lim)) return false;
  addGap(request, bio, end, start, lim);
  bio.next = request.bio;
  request.bio = bio;
  request.sector = bio.sector;
  grow(request, bio, segments);
  return true;
}

/** Adds a discard as one more range (spec N16); the ranges need not touch. */
export function tryDiscardMerge<D>(request: Request<D>, bio: Bio, lim: QueueLimits): boolean {
  if (request.nrPhysSegments >= lim.maxDiscardSegments) return false;
  if (request.sectors + bio.sectors > maxRequestSectors(request.opf, request.sector, lim)) return false;
  request.bioTail!.next = bio;
  request.bioTail = bio;
  grow(request, bio, 1);
  return true;
}

function meetsVirtBoundary(first: number, end: number, start: number, lim: QueueLimits): boolean {
  if (lim.virtBoundaryMask === 0) return true;
  if ((first & lim.virtBoundaryMask) !== 0) return false;
  return physMergeable(lim, end, start) || ((end | start) & lim.virtBoundaryMask) === 0;
}

function fits<D>(request: Request<D>, bio: Bio, segments: number, sector: number, lim: QueueLimits): boolean {
  const small =
    request.sectors + bio.sectors <= maxRequestSectors(request.opf, sector, lim) &&
    request.nrPhysSegments + segments <= lim.maxSegments &&
    request.nrIntegritySegments + integritySegments(bio) <= lim.maxIntegritySegments;
  if (!small) request.opf |= REQ_NOMERGE;
  return small;
}

function addGap<D>(request: Request<D>, bio: Bio, end: number, start: number, lim: QueueLimits): void {
  let gapBit = minNotZero(request.gapBit, bio.gapBit);
  if (!physMergeable(lim, end, start)) gapBit = minNotZero(gapBit, ffs((start % PAGE) | endOffset(end)));
  request.gapBit = gapBit;
}

/** End of a vector relative to its page: 4096, not 0, where it fills the page. */
function endOffset(end: number): number {
  return end % PAGE === 0 ? PAGE : end % PAGE;
}

function grow<D>(request: Request<D>, bio: Bio, segments: number): void {
  request.bytes += bio.bytes;
  request.nrPhysSegments += segments;
  request.nrIntegritySegments += integritySegments(bio);
}
