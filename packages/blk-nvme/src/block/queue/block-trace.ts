import { EventKind, type TraceRing } from '@dmalab/trace';
import type { Bio } from '../bio/bio.ts';
import { blkStatusToErrno } from '../bio/block-status.ts';
import { opIsPassthrough, REQ_OP_FLUSH, reqOp, rwbs } from '../bio/op.ts';
import type { Request } from './request.ts';

const CLASS_NAMES = ['none', 'rt', 'be', 'idle'];
/** Level of a normal best-effort request (spec N110). */
const LEVEL_NORMAL = 4;

/** The block layer's trace points for one disk (spec N110). Callers look at `ring.on` first. */
export class BlockTrace {
  readonly ring: TraceRing;
  readonly #device: number;
  readonly #classes: readonly number[];
  readonly #rwbs = new Map<number, number>();
  /** Who submits and who dispatches, as string numbers; the machine's scheduler sets it. */
  comm: number;

  /** `device`: `259,0`; `0,0` for the admin queue. */
  constructor(ring: TraceRing, device: string) {
    this.ring = ring;
    this.#device = ring.intern(device);
    this.#classes = CLASS_NAMES.map((name) => ring.intern(name));
    this.comm = ring.intern('dmalab');
  }

  issue<D>(request: Request<D>): void {
    const untold = isUntold(request);
    const sector = untold ? 0 : request.sector;
    const ioClass = request.ioprioClass;
    this.ring.block.request(
      EventKind.BLOCK_RQ_ISSUE,
      this.#device,
      this.#op(request.opf),
      request.bytes,
      sector,
      untold ? 0 : request.sectors,
      this.#classes[ioClass],
      0,
      ioClass === 0 ? 0 : LEVEL_NORMAL,
      this.comm,
    );
  }

  complete<D>(request: Request<D>, bytes: number): void {
    this.#completion(EventKind.BLOCK_RQ_COMPLETE, request, bytes, blkStatusToErrno(request.status));
    if (request.status !== 0) {
      this.#completion(EventKind.BLOCK_RQ_ERROR, request, bytes, blkStatusToErrno(request.status));
    }
  }

  requeue<D>(request: Request<D>): void {
    this.#completion(EventKind.BLOCK_RQ_REQUEUE, request, request.bytes, 0);
  }

  bio(
    kind:
      | typeof EventKind.BLOCK_BIO_BACKMERGE
      | typeof EventKind.BLOCK_BIO_FRONTMERGE
      | typeof EventKind.BLOCK_BIO_QUEUE,
    bio: Bio,
  ): void {
    this.ring.block.bio(kind, this.#device, this.#op(bio.opf), bio.sector, bio.sectors, this.comm);
  }

  split(bio: Bio, newSector: number): void {
    this.ring.block.split(this.#device, this.#op(bio.opf), bio.sector, newSector, this.comm);
  }

  #completion<D>(
    kind: typeof EventKind.BLOCK_RQ_COMPLETE | typeof EventKind.BLOCK_RQ_ERROR | typeof EventKind.BLOCK_RQ_REQUEUE,
    request: Request<D>,
    bytes: number,
    errno: number,
  ): void {
    const ioClass = request.ioprioClass;
    this.ring.block.completion(
      kind,
      this.#device,
      this.#op(request.opf),
      isUntold(request) ? -1 : request.sector,
      bytes / 512,
      this.#classes[ioClass],
      0,
      ioClass === 0 ? 0 : LEVEL_NORMAL,
      errno,
    );
  }

  #op(opf: number): number {
    let id = this.#rwbs.get(opf);
    if (id === undefined) {
      id = this.ring.intern(rwbs(opf));
      this.#rwbs.set(opf, id);
    }
    return id;
  }
}

/** A request whose sector means nothing: passthrough, and the internal flush (spec N110, N27). */
function isUntold<D>(request: Request<D>): boolean {
  return opIsPassthrough(request.opf) || (reqOp(request.opf) === REQ_OP_FLUSH && request.sector < 0);
}
