import { EventKind } from '../format/event-kind.ts';
import { ADDRESS, EXTRA, N0, N1, N2, N3, N4, NARROW_STRIDE, SIZE, WIDE_STRIDE } from '../format/record.ts';
import type { RingStore } from './ring-store.ts';

/** Events that print a request with the bytes it asks for. */
type RequestKind = typeof EventKind.BLOCK_RQ_ISSUE | typeof EventKind.BLOCK_RQ_INSERT | typeof EventKind.BLOCK_RQ_MERGE;

/** Events that print a request with its outcome. */
type CompletionKind =
  | typeof EventKind.BLOCK_RQ_COMPLETE
  | typeof EventKind.BLOCK_RQ_ERROR
  | typeof EventKind.BLOCK_RQ_REQUEUE;

/** Events that print a bio. */
type BioKind =
  | typeof EventKind.BLOCK_BIO_BACKMERGE
  | typeof EventKind.BLOCK_BIO_FRONTMERGE
  | typeof EventKind.BLOCK_BIO_QUEUE
  | typeof EventKind.BLOCK_GETRQ;

/**
 * Recorder of the block layer's events (spec N110). Devices (`259,0`; `0,0` for admin), operations (`WS`), priority
 * classes (`be`) and task names are string numbers; sectors have 512 bytes, and -1 is a sector that is not set.
 */
export class BlockEvents {
  readonly #store: RingStore;

  constructor(store: RingStore) {
    this.#store = store;
  }

  /** `block_rq_issue`, `block_rq_insert`, `block_rq_merge`. */
  request(
    kind: RequestKind,
    device: number,
    rwbs: number,
    bytes: number,
    sector: number,
    sectors: number,
    ioClass: number,
    hint: number,
    level: number,
    comm: number,
  ): void {
    const i = this.#begin(kind, device, rwbs, sector, sectors, comm);
    this.#store.wide[i * WIDE_STRIDE + SIZE] = bytes;
    this.#priority(i, ioClass, hint, level);
  }

  /** `block_rq_complete`, `block_rq_error`, `block_rq_requeue`. `errno`: 0 or negative. */
  completion(
    kind: CompletionKind,
    device: number,
    rwbs: number,
    sector: number,
    sectors: number,
    ioClass: number,
    hint: number,
    level: number,
    errno: number,
  ): void {
    this.#priority(this.#begin(kind, device, rwbs, sector, sectors, errno), ioClass, hint, level);
  }

  /** `block_bio_backmerge`, `block_bio_frontmerge`, `block_bio_queue`, `block_getrq`. */
  bio(kind: BioKind, device: number, rwbs: number, sector: number, sectors: number, comm: number): void {
    this.#begin(kind, device, rwbs, sector, sectors, comm);
  }

  /** `block_split`: the first part starts at `sector`, the rest at `newSector`. */
  split(device: number, rwbs: number, sector: number, newSector: number, comm: number): void {
    this.#begin(EventKind.BLOCK_SPLIT, device, rwbs, sector, newSector, comm);
  }

  /** `block_unplug`: so many requests. */
  unplug(comm: number, requests: number): void {
    const i = this.#store.begin(EventKind.BLOCK_UNPLUG, -1);
    this.#store.narrow[i * NARROW_STRIDE + N2] = requests;
    this.#store.narrow[i * NARROW_STRIDE + N4] = comm;
  }

  #begin(kind: EventKind, device: number, rwbs: number, sector: number, extra: number, n4: number): number {
    const store = this.#store;
    const i = store.begin(kind, device);
    store.narrow[i * NARROW_STRIDE + N0] = rwbs;
    store.narrow[i * NARROW_STRIDE + N4] = n4;
    store.wide[i * WIDE_STRIDE + ADDRESS] = sector;
    store.wide[i * WIDE_STRIDE + EXTRA] = extra;
    return i;
  }

  #priority(i: number, ioClass: number, hint: number, level: number): void {
    const { narrow } = this.#store;
    narrow[i * NARROW_STRIDE + N1] = ioClass;
    narrow[i * NARROW_STRIDE + N2] = hint;
    narrow[i * NARROW_STRIDE + N3] = level;
  }
}
