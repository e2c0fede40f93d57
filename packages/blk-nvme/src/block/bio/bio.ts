import { BLK_STS_OK } from './block-status.ts';
import { PhysVecs } from './phys-vecs.ts';

/** Priority class of an ordinary task: best effort. 0 is none, 1 real time, 3 idle (spec N110). */
const IOPRIO_CLASS_BE = 2;

/**
 * One block I/O (spec N1): an operation, a place on the disk and the memory it moves. Reusable once `endIo` was called.
 * The iterator (`index`, `done`, `bytes`) is where the untouched part of the vectors starts, and how long it is.
 */
export class Bio {
  /** Operation and flags. */
  opf = 0;
  /** First 512-byte sector. */
  sector = 0;
  readonly vecs: PhysVecs;
  /** Bytes left. */
  bytes = 0;
  /** First vector that is not used up, and how much of it is. */
  index = 0;
  done = 0;
  status = BLK_STS_OK;
  /** Lowest bit, counted from 1, at which an inner boundary of two vectors is not aligned; 0 for none (spec N14). */
  gapBit = 0;
  ioprioClass = IOPRIO_CLASS_BE;
  /** Metadata that goes with the data: vectors with an iterator of their own (spec N1, N47). */
  integrity: Bio | null = null;
  /** Next bio of the same request. */
  next: Bio | null = null;
  /** Called once when everything of the bio ended. */
  endIo: ((bio: Bio) => void) | null = null;
  /** The submitter's own mark. */
  mark = 0;
  /** The bio that this one was split off from. */
  parent: Bio | null = null;
  /** Split-off parts that did not end yet, and 1 for the bio itself. */
  remaining = 1;

  constructor(vecs: PhysVecs = new PhysVecs()) {
    this.vecs = vecs;
  }

  /** 512-byte sectors left. */
  get sectors(): number {
    return this.bytes / 512;
  }

  /** Starts anew; the vectors follow with {@link addPhys}. */
  init(opf: number, sector: number): this {
    this.opf = opf;
    this.sector = sector;
    this.vecs.count = 0;
    this.bytes = 0;
    this.index = 0;
    this.done = 0;
    this.status = BLK_STS_OK;
    this.gapBit = 0;
    this.integrity = null;
    this.next = null;
    this.parent = null;
    this.remaining = 1;
    return this;
  }

  /** Adds memory to a bio under construction; false when its vectors are full. */
  addPhys(phys: number, lengthBytes: number): boolean {
    if (!this.vecs.push(phys, lengthBytes)) return false;
    this.bytes += lengthBytes;
    return true;
  }

  /** Moves the iterator on: those bytes belong to someone else now. */
  advance(bytes: number): void {
    const { vecs } = this;
    this.sector += bytes / 512;
    this.bytes -= bytes;
    let left = bytes + this.done;
    while (left > 0 && this.index < vecs.count && left >= vecs.lengthBytes[this.index]) {
      left -= vecs.lengthBytes[this.index++];
    }
    this.done = left;
  }
}
