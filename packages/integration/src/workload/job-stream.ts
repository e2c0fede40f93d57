import { FioJobError } from './fio-error.ts';
import type { FioJob } from './fio-job.ts';
import type { BlockShare, DiskSize } from './fio-values.ts';
import { Random } from './random.ts';

/** One I/O of a workload; the stream fills the same record again and again. */
export interface WorkloadIo {
  isWrite: boolean;
  offsetBytes: number;
  lengthBytes: number;
  /** Not before so many nanoseconds from the start, where the source says when. */
  dueNanos?: number;
}

const SECTOR_BYTES = 512;

/** Where on the disk a job works, and how much it transfers; all in bytes, whole sectors. */
export interface JobExtent {
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly ioBytes: number;
}

/**
 * Fits a job to a disk.
 * @throws {FioJobError} when its region does not lie on the disk or holds no block
 */
export function jobExtent(job: FioJob, diskBytes: number, file: string): JobExtent {
  const room = diskBytes - job.offsetBytes;
  const wanted = job.size === null ? room : bytesOf(job.size, diskBytes);
  if (wanted > room) {
    const problem = `size ${wanted} at offset ${job.offsetBytes} does not fit the disk of ${diskBytes} bytes`;
    throw new FioJobError(file, job.sizeLine, problem, `write size=${Math.max(room, 0)} or less`);
  }
  const sizeBytes = wanted - (wanted % SECTOR_BYTES);
  const largest = Math.max(...[...job.readBlocks, ...job.writeBlocks].map((block) => block.bytes));
  if (sizeBytes < largest) {
    const problem = `size ${sizeBytes} is smaller than the block size ${largest}`;
    throw new FioJobError(file, job.sizeLine, problem, 'make size larger or bs smaller');
  }
  return {
    startBytes: job.offsetBytes,
    sizeBytes,
    ioBytes: job.pace.loops * (job.ioSize === null ? sizeBytes : bytesOf(job.ioSize, diskBytes)),
  };
}

function bytesOf(size: DiskSize, diskBytes: number): number {
  return size.percent > 0 ? Math.floor((diskBytes * size.percent) / 100) : size.bytes;
}

/**
 * The I/Os of one copy of a job, in the order of issue: same job, same seed, same stream. Offsets are multiples of the
 * I/O's own length; random ones are drawn with repetition (fio's random map is not reproduced).
 */
export class JobStream {
  readonly #job: FioJob;
  readonly #extent: JobExtent;
  readonly #random: Random;
  readonly #isRandom: boolean;
  #issuedBytes = 0;
  #issued = 0;
  #position = 0;

  constructor(job: FioJob, extent: JobExtent, copy = 0) {
    this.#job = job;
    this.#extent = extent;
    this.#random = new Random((job.seed + copy * 0x9e3779b1) | 0);
    this.#isRandom = job.pattern.startsWith('rand');
  }

  /** Fills in the next I/O; false when the job has transferred what it should. */
  next(io: WorkloadIo): boolean {
    const { sizeBytes, startBytes, ioBytes } = this.#extent;
    if (this.#issuedBytes >= ioBytes || this.#issued === this.#job.pace.mostIos) return false;
    this.#issued++;
    io.isWrite = this.#drawDirection();
    io.lengthBytes = this.#draw(io.isWrite ? this.#job.writeBlocks : this.#job.readBlocks);
    io.offsetBytes =
      startBytes + (this.#isRandom ? this.#drawOffset(io.lengthBytes, sizeBytes) : this.#follow(io.lengthBytes));
    this.#issuedBytes += io.lengthBytes;
    return true;
  }

  #drawDirection(): boolean {
    switch (this.#job.pattern) {
      case 'read':
      case 'randread':
        return false;
      case 'write':
      case 'randwrite':
        return true;
      default:
        return this.#random.below(100) >= this.#job.readMix;
    }
  }

  #draw(blocks: readonly BlockShare[]): number {
    if (blocks.length === 1) return blocks[0].bytes;
    let at = this.#random.below(10_000) / 100;
    for (const { bytes, percent } of blocks) {
      if (at < percent) return bytes;
      at -= percent;
    }
    return blocks[blocks.length - 1].bytes;
  }

  #drawOffset(lengthBytes: number, sizeBytes: number): number {
    return this.#random.below(Math.floor(sizeBytes / lengthBytes)) * lengthBytes;
  }

  /** Sequential I/O starts again at the region's start when the next block would not fit. */
  #follow(lengthBytes: number): number {
    if (this.#position + lengthBytes > this.#extent.sizeBytes) this.#position = 0;
    const at = this.#position;
    this.#position += lengthBytes;
    return at;
  }
}
