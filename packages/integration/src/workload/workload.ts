import { Bio, REQ_OP_READ, REQ_OP_WRITE, REQ_POLLED } from '@dmalab/blk-nvme';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import type { RunningMachine } from '../machine/machine.ts';
import { DataPattern } from './data-pattern.ts';
import { IoBuffers } from './io-buffers.ts';
import type { WorkloadIo } from './job-stream.ts';
import { WorkloadError } from './workload-error.ts';
import type { ThreadPlan, WorkloadPlan } from './workload-plan.ts';

const SECTOR_BYTES = 512;
/** Pages in one bio (spec N1). */
const BIO_PAGES = 256;

/** What a workload did, when all of it was right. */
export interface WorkloadResult {
  readonly reads: number;
  readonly writes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Bytes read that were compared with what the disk should hold: all of them. */
  readonly bytesVerified: number;
}

/** One I/O in flight: the place of a queue entry of a thread. */
export interface Slot extends WorkloadIo {
  readonly buffer: number;
  readonly bios: readonly Bio[];
  pendingBios: number;
  status: number;
  /** For who keeps time: when its submission began, and ended. */
  startNanos: number;
  submittedNanos: number;
}

/** One thread: its source, its free slots. */
export interface Thread {
  readonly index: number;
  readonly plan: ThreadPlan;
  readonly free: Slot[];
  /** Drawn from the source, and held back: it overlaps something in flight, or is not due yet. */
  readonly next: WorkloadIo;
  hasNext: boolean;
  /** Issues nothing any more, whatever is left. */
  isStopped: boolean;
}

/** Who carries a workload out: in rounds, or in virtual time. */
export interface WorkloadCarrier {
  /** Its driver has queues without interrupts. */
  readonly canPoll: boolean;
  submitBio(bio: Bio, thread: Thread): void;
  /** An I/O ended, as it should; its data are right. */
  ended(thread: Thread, slot: Slot): void;
}

/**
 * A workload on a machine's disk: its threads with their buffers, and the check of each block that is read. I/Os that
 * overlap wait for each other, so what a read must return is never in doubt.
 */
export class Workload {
  readonly threads: readonly Thread[];
  readonly #machine: RunningMachine;
  readonly #carrier: WorkloadCarrier;
  readonly #pattern: DataPattern;
  readonly #buffers: IoBuffers;
  readonly #inFlight = new Set<Slot>();
  readonly #totalBytes: number;
  readonly #result = { reads: 0, writes: 0, bytesRead: 0, bytesWritten: 0, bytesVerified: 0 };

  /** @throws {BufferMemoryError} when its buffers don't fit memory */
  constructor(machine: RunningMachine, plan: WorkloadPlan, carrier: WorkloadCarrier) {
    this.#machine = machine;
    this.#carrier = carrier;
    this.#totalBytes = plan.threads.reduce((sum, { ioBytes }) => sum + ioBytes, 0);
    this.#pattern = new DataPattern(machine.description.diskBytes);
    const slots = plan.threads.reduce((sum, { depth }) => sum + depth, 0);
    const largest = Math.max(...plan.threads.map(({ largestBytes }) => largestBytes));
    this.#buffers = new IoBuffers(machine.cpu, machine.pages, slots, largest);
    let buffer = 0;
    this.threads = plan.threads.map((thread, index) => ({
      index,
      plan: thread,
      free: Array.from({ length: thread.depth }, () => newSlot(buffer++, largest)),
      next: { isWrite: false, offsetBytes: 0, lengthBytes: 0 },
      hasNext: false,
      isStopped: false,
    }));
    this.#layOut(plan.regions);
  }

  /** Bytes transferred so far. */
  get doneBytes(): number {
    return this.#result.bytesRead + this.#result.bytesWritten;
  }

  /** Share of the work that is done, 0 to 1. */
  get progress(): number {
    if (this.#totalBytes === 0) return 1;
    return Number.isFinite(this.#totalBytes) ? this.doneBytes / this.#totalBytes : 0;
  }

  /** I/Os that were submitted and did not end. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** What was done so far. */
  get result(): WorkloadResult {
    return { ...this.#result };
  }

  /** Draws the thread's next I/O, if it has none in hand: false when there are no more. */
  draw(thread: Thread): boolean {
    if (thread.isStopped) return false;
    thread.hasNext ||= thread.plan.source.next(thread.next);
    return thread.hasNext;
  }

  /** Everything of a thread was issued, and ended. */
  isDone(thread: Thread): boolean {
    return thread.free.length === thread.plan.depth && !this.draw(thread);
  }

  /** The group whose turn it is: the first with something left to do; infinity when all is done. */
  get group(): number {
    let group = Number.POSITIVE_INFINITY;
    for (const thread of this.threads) if (thread.plan.group < group && !this.isDone(thread)) group = thread.plan.group;
    return group;
  }

  /** Submits a thread's next I/O: the slot that it took, or null when none is free, it is done, or it has to wait. */
  submitNext(thread: Thread): Slot | null {
    const slot = thread.free.at(-1);
    if (slot === undefined || !this.draw(thread) || this.#overlapsInFlight(thread.next)) return null;
    thread.hasNext = false;
    thread.free.pop();
    this.#submit(thread, slot);
    return slot;
  }

  /** Gives the buffers back. */
  release(): void {
    this.#buffers.release();
  }

  /** @throws {WorkloadError} always: about the oldest I/O in flight */
  failStuck(waited: string): never {
    const [oldest] = this.#inFlight;
    this.#fail(oldest, `did not complete in ${waited}`);
  }

  /** Writes what the first read of each block must find, beside the driver, as a disk that comes with data. */
  #layOut(regions: WorkloadPlan['regions']): void {
    const sector = new Uint8Array(PAGE_SIZE);
    const words = new Int32Array(sector.buffer);
    for (const { startBytes, sizeBytes } of regions) {
      for (let at = startBytes; at < startBytes + sizeBytes; at += PAGE_SIZE) {
        const length = Math.min(PAGE_SIZE, startBytes + sizeBytes - at);
        this.#pattern.fill(words, at, length);
        this.#machine.disk.media.write(at, sector, 0, length);
      }
    }
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
    const polled = thread.plan.isPolled && this.#carrier.canPoll ? REQ_POLLED : 0;
    bio.init((slot.isWrite ? REQ_OP_WRITE : REQ_OP_READ) | polled, (slot.offsetBytes + start) / SECTOR_BYTES);
    const end = Math.min(slot.lengthBytes, start + BIO_PAGES * PAGE_SIZE);
    for (let at = start; at < end; at += PAGE_SIZE) {
      bio.addPhys(this.#buffers.pageAt(slot.buffer, at / PAGE_SIZE), Math.min(PAGE_SIZE, end - at));
    }
    bio.endIo = (ended) => {
      slot.status ||= ended.status;
      if (--slot.pendingBios === 0) this.#complete(thread, slot);
    };
    this.#carrier.submitBio(bio, thread);
  }

  #complete(thread: Thread, slot: Slot): void {
    this.#inFlight.delete(slot);
    thread.free.push(slot);
    if (slot.status !== 0) this.#fail(slot, `ended with block status ${slot.status}`);
    if (slot.isWrite) {
      this.#result.writes++;
      this.#result.bytesWritten += slot.lengthBytes;
    } else {
      this.#result.reads++;
      this.#result.bytesRead += slot.lengthBytes;
      this.#verify(slot);
    }
    this.#carrier.ended(thread, slot);
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

function newSlot(buffer: number, bytes: number): Slot {
  const bios = Array.from({ length: Math.ceil(bytes / (BIO_PAGES * PAGE_SIZE)) }, () => new Bio());
  return {
    ...{ buffer, bios, pendingBios: 0, status: 0, isWrite: false, offsetBytes: 0, lengthBytes: 0 },
    ...{ startNanos: 0, submittedNanos: 0 },
  };
}
