/** Reads and writes that a disk was given, in the order of issue. */
export interface BlockIos {
  /** `MAJ,MIN` of the disk. */
  readonly device: string;
  readonly count: number;
  readonly isWrite: Uint8Array;
  readonly offsetBytes: Float64Array;
  readonly lengthBytes: Float64Array;
  /** From the first. */
  readonly timeNanos: Float64Array;
  /** What was there besides, and how often: other disks, flushes, discards, lines that are none. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** A block trace that holds nothing to run. */
export class BlockTraceError extends Error {
  readonly code = 'ERR_BLOCK_TRACE';

  constructor(file: string, problem: string, remedy: string) {
    super(`${file}: ${problem}; ${remedy}`);
    this.name = 'BlockTraceError';
  }
}

const SECTOR_BYTES = 512;

/** One request as a trace has it. */
export interface TracedRequest {
  readonly device: string;
  /** Letters of blktrace: R read, W write, D discard, F flush, and modifiers. */
  readonly rwbs: string;
  readonly sector: number;
  readonly sectors: number;
  readonly nanos: number;
}

/** Collects requests, and counts what can't be run. */
export class BlockIoCollector {
  readonly #requests: TracedRequest[] = [];
  readonly #skipped = new Map<string, number>();

  skip(what: string): void {
    this.#skipped.set(what, (this.#skipped.get(what) ?? 0) + 1);
  }

  add(request: TracedRequest): void {
    this.#requests.push(request);
  }

  /**
   * The reads and writes of the busiest disk.
   * @throws {BlockTraceError} when there are none
   */
  finish(file: string): BlockIos {
    const moving = this.#requests.filter((request) => this.#moves(request));
    const devices = Map.groupBy(moving, ({ device }) => device);
    const [busiest] = [...devices].sort(([, a], [, b]) => b.length - a.length);
    if (busiest === undefined) {
      const remedy = 'give it the text of blkparse, or a trace with block_rq_issue events';
      throw new BlockTraceError(file, 'holds no read or write of a disk', remedy);
    }
    const [device, ios] = busiest;
    for (const [other, { length }] of devices) if (other !== device) this.#skipped.set(`disk ${other}`, length);
    const first = ios[0].nanos;
    return {
      device,
      count: ios.length,
      isWrite: Uint8Array.from(ios, ({ rwbs }) => (isWrite(rwbs) ? 1 : 0)),
      offsetBytes: Float64Array.from(ios, ({ sector }) => sector * SECTOR_BYTES),
      lengthBytes: Float64Array.from(ios, ({ sectors }) => sectors * SECTOR_BYTES),
      timeNanos: Float64Array.from(ios, ({ nanos }) => Math.max(0, Math.round(nanos - first))),
      skipped: Object.fromEntries([...this.#skipped].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  #moves({ rwbs, sectors }: TracedRequest): boolean {
    if (sectors > 0 && (isWrite(rwbs) || /^F?R/.test(rwbs))) return true;
    this.skip(`requests ${rwbs}`);
    return false;
  }
}

/** `W`, after an `F` that says that a flush comes first. */
function isWrite(rwbs: string): boolean {
  return /^F?W/.test(rwbs);
}
