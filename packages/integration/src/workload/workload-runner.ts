import { Bio, REQ_OP_READ, REQ_OP_WRITE } from '@dmalab/blk-nvme';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import type { RunningMachine } from '../machine/machine.ts';
import { DataPattern } from './data-pattern.ts';
import type { FioJob, FioJobFile } from './fio-job.ts';
import { IoBuffers } from './io-buffers.ts';
import { JobStream, jobExtent, type WorkloadIo } from './job-stream.ts';

const SECTOR_BYTES = 512;
/** Pages in one bio (spec N1). */
const BIO_PAGES = 256;
/** Time that passes while the device works off what was submitted together. */
const ROUND_NANOS = 20_000;
/** Rounds without a completion after which the machine is taken for stuck. */
const PATIENCE = 10_000;

/** A read returned something else than was written there, or an I/O did not end as it should. */
export class WorkloadError extends Error {
  readonly code = 'ERR_WORKLOAD';
  readonly offsetBytes: number;

  constructor(machine: string, offsetBytes: number, problem: string) {
    super(`machine ${machine}, disk offset ${offsetBytes}: ${problem}`);
    this.name = 'WorkloadError';
    this.offsetBytes = offsetBytes;
  }
}

/** What a workload did, when all of it was right. */
export interface WorkloadResult {
  readonly reads: number;
  readonly writes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Bytes read that were compared with what the disk should hold: all of them. */
  readonly bytesVerified: number;
}

/** One I/O in flight: the place of a queue entry of a job's copy. */
interface Slot extends WorkloadIo {
  readonly buffer: number;
  readonly bios: readonly Bio[];
  pendingBios: number;
  status: number;
}

/** One copy of a job: its stream, its free slots. */
interface Thread {
  readonly stream: JobStream;
  readonly free: Slot[];
  /** Drawn from the stream, and held back because it overlaps something in flight. */
  readonly next: WorkloadIo;
  hasNext: boolean;
}

/**
 * Runs the jobs of a file side by side on a machine's disk, every copy with its own queue depth, and verifies each block
 * that is read. I/Os that overlap wait for each other, so what a read must return is never in doubt.
 */
export class WorkloadRunner {
  readonly #machine: RunningMachine;
  readonly #pattern: DataPattern;
  readonly #buffers: IoBuffers;
  readonly #threads: readonly Thread[];
  readonly #inFlight = new Set<Slot>();
  readonly #totalBytes: number;
  #doneBytes = 0;
  readonly #result = { reads: 0, writes: 0, bytesRead: 0, bytesWritten: 0, bytesVerified: 0 };

  /** @throws {FioJobError} when a job does not fit the disk, {BufferMemoryError} when its buffers don't fit memory */
  constructor(machine: RunningMachine, { file, jobs }: FioJobFile) {
    this.#machine = machine;
    const { diskBytes } = machine.description;
    const extents = jobs.map((job) => jobExtent(job, diskBytes, file));
    this.#totalBytes = jobs.reduce((sum, job, i) => sum + job.copies * extents[i].ioBytes, 0);
    this.#pattern = new DataPattern(diskBytes);
    const slots = jobs.reduce((sum, job) => sum + job.copies * job.ioDepth, 0);
    const largest = Math.max(...jobs.map(largestBlock));
    this.#buffers = new IoBuffers(machine.cpu, machine.pages, slots, largest);
    let buffer = 0;
    this.#threads = jobs.flatMap((job, i) =>
      Array.from({ length: job.copies }, (_, copy) => ({
        stream: new JobStream(job, extents[i], copy),
        free: Array.from({ length: job.ioDepth }, () => this.#slot(buffer++, largest)),
        next: { isWrite: false, offsetBytes: 0, lengthBytes: 0 },
        hasNext: false,
      })),
    );
    this.#layOut(extents);
  }

  /** Share of the work that is done, 0 to 1. */
  get progress(): number {
    return this.#totalBytes === 0 ? 1 : this.#doneBytes / this.#totalBytes;
  }

  /**
   * Runs one round: submits what fits the queue depths, lets the device work, takes the completions.
   * @returns false when everything is done
   * @throws {WorkloadError} at the first block that is not what it should be
   */
  round(): boolean {
    for (const thread of this.#threads) while (this.#submitNext(thread));
    if (this.#inFlight.size === 0) return false;
    for (let waited = 0, before = this.#doneBytes; this.#doneBytes === before; waited++) {
      if (waited === PATIENCE) this.#fail([...this.#inFlight][0], `did not complete in ${PATIENCE} rounds`);
      this.#machine.advance(ROUND_NANOS);
    }
    return true;
  }

  /** Gives the buffers back and says what was done. */
  finish(): WorkloadResult {
    this.#buffers.release();
    return { ...this.#result };
  }

  #slot(buffer: number, bytes: number): Slot {
    const bios = Array.from({ length: Math.ceil(bytes / (BIO_PAGES * PAGE_SIZE)) }, () => new Bio());
    const slot: Slot = { buffer, bios, pendingBios: 0, status: 0, isWrite: false, offsetBytes: 0, lengthBytes: 0 };
    return slot;
  }

  /** Writes what the first read of each block must find, beside the driver, as a disk that comes with data. */
  #layOut(extents: readonly { startBytes: number; sizeBytes: number }[]): void {
    const sector = new Uint8Array(PAGE_SIZE);
    const words = new Int32Array(sector.buffer);
    for (const { startBytes, sizeBytes } of extents) {
      for (let at = startBytes; at < startBytes + sizeBytes; at += PAGE_SIZE) {
        const length = Math.min(PAGE_SIZE, startBytes + sizeBytes - at);
        this.#pattern.fill(words, at, length);
        this.#machine.disk.media.write(at, sector, 0, length);
      }
    }
  }

  #submitNext(thread: Thread): boolean {
    const slot = thread.free.at(-1);
    if (slot === undefined) return false;
    thread.hasNext ||= thread.stream.next(thread.next);
    if (!thread.hasNext || this.#overlapsInFlight(thread.next)) return false;
    thread.hasNext = false;
    thread.free.pop();
    this.#submit(thread, slot);
    return true;
  }

  #overlapsInFlight({ offsetBytes, lengthBytes }: WorkloadIo): boolean {
    for (const other of this.#inFlight) {
      if (offsetBytes < other.offsetBytes + other.lengthBytes && other.offsetBytes < offsetBytes + lengthBytes)
        return true;
    }
    return false;
  }

  #submit(thread: Thread, slot: Slot): void {
    Object.assign(slot, thread.next);
    slot.status = 0;
    this.#inFlight.add(slot);
    if (slot.isWrite) {
      this.#pattern.fillForWrite(this.#buffers.words, slot.offsetBytes, slot.lengthBytes);
      this.#buffers.store(slot.buffer, slot.lengthBytes);
    } else {
      this.#buffers.poison(slot.buffer, slot.lengthBytes);
    }
    const used = Math.ceil(slot.lengthBytes / (BIO_PAGES * PAGE_SIZE));
    slot.pendingBios = used;
    for (let i = 0; i < used; i++) this.#submitBio(thread, slot, i);
  }

  #submitBio(thread: Thread, slot: Slot, index: number): void {
    const start = index * BIO_PAGES * PAGE_SIZE;
    const bio = slot.bios[index];
    bio.init(slot.isWrite ? REQ_OP_WRITE : REQ_OP_READ, (slot.offsetBytes + start) / SECTOR_BYTES);
    const end = Math.min(slot.lengthBytes, start + BIO_PAGES * PAGE_SIZE);
    for (let at = start; at < end; at += PAGE_SIZE) {
      bio.addPhys(this.#buffers.pageAt(slot.buffer, at / PAGE_SIZE), Math.min(PAGE_SIZE, end - at));
    }
    bio.endIo = (ended) => {
      slot.status ||= ended.status;
      if (--slot.pendingBios === 0) this.#complete(thread, slot);
    };
    this.#machine.disk.queue.submitBio(bio);
  }

  #complete(thread: Thread, slot: Slot): void {
    this.#inFlight.delete(slot);
    thread.free.push(slot);
    if (slot.status !== 0) this.#fail(slot, `ended with block status ${slot.status}`);
    this.#doneBytes += slot.lengthBytes;
    if (slot.isWrite) {
      this.#result.writes++;
      this.#result.bytesWritten += slot.lengthBytes;
      return;
    }
    this.#result.reads++;
    this.#result.bytesRead += slot.lengthBytes;
    this.#verify(slot);
  }

  #verify(slot: Slot): void {
    this.#buffers.load(slot.buffer, slot.lengthBytes);
    const at = this.#pattern.firstMismatch(this.#buffers.words, slot.offsetBytes, slot.lengthBytes);
    if (at >= 0) this.#fail(slot, `read back something else from byte ${at} of ${slot.lengthBytes} on`);
    this.#result.bytesVerified += slot.lengthBytes;
  }

  #fail(slot: WorkloadIo, problem: string): never {
    const what = slot.isWrite ? 'write' : 'read';
    throw new WorkloadError(this.#machine.description.name, slot.offsetBytes, `a ${what} ${problem}`);
  }
}

function largestBlock({ readBlocks, writeBlocks }: FioJob): number {
  return Math.max(...[...readBlocks, ...writeBlocks].map(({ bytes }) => bytes));
}
