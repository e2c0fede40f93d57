import type { Bio } from '../bio/bio.ts';
import { BLK_STS_OK } from '../bio/block-status.ts';
import { integritySegments } from '../integrity/integrity-segments.ts';
import type { RequestQueue } from './request-queue.ts';

/** States of a request (spec N2). */
export const MQ_RQ_IDLE = 0;
export const MQ_RQ_IN_FLIGHT = 1;
export const MQ_RQ_COMPLETE = 2;

/**
 * One command on its way to the driver (spec N2). Made once and used again and again; `data` is the driver's part, which
 * keeps its contents between uses.
 */
export class Request<D> {
  readonly data: D;
  queue: RequestQueue<D> | null = null;
  /** Operation and flags of its first bio. */
  opf = 0;
  /** First 512-byte sector. */
  sector = 0;
  /** Bytes of all bios. */
  bytes = 0;
  bio: Bio | null = null;
  bioTail: Bio | null = null;
  nrPhysSegments = 0;
  nrIntegritySegments = 0;
  gapBit = 0;
  ioprioClass = 0;
  /** Hardware context, by index in the tag set. */
  hctx = 0;
  /** Driver tag, the low bits of the command id; -1 until one is taken. */
  tag = -1;
  /** Scheduler tag; -1 without an elevator. */
  schedTag = -1;
  cpu = 0;
  state = MQ_RQ_IDLE;
  status = BLK_STS_OK;
  deadlineNanos = 0;
  retries = 0;
  /** One vector that stands in for the bios' (spec N41): the range page of a discard. -1 for none. */
  specialPhys = -1;
  specialBytes = 0;
  /** Ends a request that has no bio. */
  endIo: ((request: Request<D>) => void) | null = null;

  constructor(data: D) {
    this.data = data;
  }

  get sectors(): number {
    return this.bytes / 512;
  }

  /** Starts anew with one bio. */
  fromBio(queue: RequestQueue<D>, bio: Bio, segments: number): void {
    this.#reset(queue, bio.opf, bio.sector, bio.bytes);
    this.bio = bio;
    this.bioTail = bio;
    this.nrPhysSegments = segments;
    this.nrIntegritySegments = integritySegments(bio);
    this.gapBit = bio.gapBit;
    this.ioprioClass = bio.ioprioClass;
  }

  /** Starts anew without a bio: passthrough, flush. */
  blank(queue: RequestQueue<D>, opf: number): void {
    this.#reset(queue, opf, -1, 0);
    this.bio = null;
    this.bioTail = null;
    this.nrPhysSegments = 0;
    this.gapBit = 0;
    this.ioprioClass = 0;
  }

  #reset(queue: RequestQueue<D>, opf: number, sector: number, bytes: number): void {
    this.queue = queue;
    this.opf = opf;
    this.sector = sector;
    this.bytes = bytes;
    this.nrIntegritySegments = 0;
    this.state = MQ_RQ_IDLE;
    this.status = BLK_STS_OK;
    this.retries = 0;
    this.specialPhys = -1;
    this.specialBytes = 0;
    this.endIo = null;
  }
}
