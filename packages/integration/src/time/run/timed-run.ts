import type { Bio } from '@dmalab/blk-nvme';
import type { DmaEra } from '@dmalab/dma-api';
import type { MachineDescription } from '../../machine/machine-description.ts';
import {
  type Slot,
  type Thread,
  Workload,
  type WorkloadCarrier,
  type WorkloadResult,
} from '../../workload/workload.ts';
import type { WorkloadPlan } from '../../workload/workload-plan.ts';
import { startTimedMachine, type TimedClient, type TimedMachine } from '../timed-machine.ts';
import { WORK_APPLICATION, WORK_PARTS, WORK_WAKE, type WorkPart } from '../work/work-kinds.ts';
import { ThreadTimes } from './job-times.ts';
import { SPAN_READ, SPAN_WRITE, type SpanLog } from './span-log.ts';
import { ThreadClock } from './thread-clock.ts';

/** Virtual time without a completion after which the machine is taken for stuck: four I/O timeouts. */
const PATIENCE_NANOS = 120e9;

/** Where the time of a run went. All in nanoseconds. */
export interface TimeParts {
  /** Of all CPUs together, by what they did. */
  readonly cpu: Readonly<Record<WorkPart, number>>;
  /** Dies at work, all together. */
  readonly media: number;
  /** The link, towards memory and from it. */
  readonly linkUp: number;
  readonly linkDown: number;
  /** Requests that waited for the IOMMU's tables. */
  readonly walks: number;
}

/** A workload that ran in virtual time. */
export interface TimedResult {
  readonly machine: string;
  readonly era: DmaEra;
  readonly jobs: readonly string[];
  /** From the first submission to the last answer. */
  readonly elapsedNanos: number;
  readonly threads: readonly ThreadTimes[];
  readonly done: WorkloadResult;
  readonly cpuBusyNanos: readonly number[];
  readonly interrupts: number;
  readonly parts: TimeParts;
}

/** Runs a workload in virtual time; each thread belongs to the CPU of its number, modulo the CPUs. */
export class TimedRun implements TimedClient, WorkloadCarrier {
  readonly timed: TimedMachine;
  readonly canPoll: boolean;
  readonly #workload: Workload;
  readonly #plan: WorkloadPlan;
  readonly #times: readonly ThreadTimes[];
  /** Ended, and not yet seen by their thread. */
  readonly #answers: readonly Slot[][];
  readonly #paces: readonly ThreadClock[];
  #group: number;
  /** Held back by an overlap, by thread. */
  readonly #blocked: Uint8Array;
  /** The wake that a thread asked for, by thread. */
  readonly #wakeNanos: Float64Array;
  readonly #cpus: number;
  #cpu = 0;
  #lastAnswerNanos = 0;
  /** The last submission or answer. */
  #lastMoveNanos = 0;

  /** @throws {BufferMemoryError} when the buffers of the workload don't fit the machine */
  constructor(description: MachineDescription, plan: WorkloadPlan) {
    this.canPoll = plan.threads.some(({ isPolled }) => isPolled);
    this.timed = startTimedMachine(description, this, this.canPoll);
    this.#plan = plan;
    this.#workload = new Workload(this.timed.machine, plan, this);
    const { threads } = this.#workload;
    this.#times = threads.map(({ plan: { job, depth } }) => new ThreadTimes(job, depth));
    this.#paces = threads.map(({ plan: { pace } }) => new ThreadClock(pace));
    this.#group = this.#workload.group;
    this.#answers = threads.map(() => []);
    this.#blocked = new Uint8Array(threads.length);
    this.#wakeNanos = new Float64Array(threads.length).fill(Number.POSITIVE_INFINITY);
    this.#cpus = description.cpus;
    this.#wakeAll(this.timed.startNanos);
  }

  /** Keeps what happens from now on, for a timeline. */
  record(spans: SpanLog): void {
    this.timed.clock.spans = spans;
  }

  /** Share of the work that is done, 0 to 1. */
  get progress(): number {
    const longest = Math.max(...this.#paces.map(({ runtimeNanos }) => runtimeNanos));
    return Math.max(this.#workload.progress, this.timed.elapsedNanos / longest);
  }

  /**
   * Carries out so many events.
   * @returns false when everything is done
   * @throws {WorkloadError} at the first block that is not what it should be, or when nothing ends any more
   */
  advance(events: number): boolean {
    for (let i = 0; i < events; i++) {
      if (this.#isDone()) return false;
      this.timed.step();
      if (this.timed.elapsedNanos - this.#lastMoveNanos > PATIENCE_NANOS && this.#workload.inFlight > 0)
        this.#workload.failStuck('120 s of virtual time');
    }
    return true;
  }

  /** Gives the buffers back and says what was done, and when. */
  finish(): TimedResult {
    this.#workload.release();
    const { machine, clock, busyNanos, interrupts } = this.timed;
    const { device, link, meter } = clock;
    return {
      machine: machine.description.name,
      era: machine.description.era,
      jobs: this.#plan.jobs,
      elapsedNanos: Math.ceil(this.#lastAnswerNanos),
      threads: this.#times,
      done: this.#workload.result,
      cpuBusyNanos: [...busyNanos],
      interrupts,
      parts: {
        cpu: meter.nanosByPart(),
        media: device.media.busyNanos,
        linkUp: link.busyUpNanos,
        linkDown: link.busyDownNanos,
        walks: device.walkNanos,
      },
    };
  }

  run(cpu: number): void {
    this.#cpu = cpu;
    const { threads } = this.#workload;
    for (let i = cpu; i < threads.length; i += this.#cpus) {
      this.#takeAnswers(threads[i]);
      if (threads[i].plan.group === this.#group) this.#submitAll(threads[i]);
    }
    this.#nextGroup();
  }

  /** The jobs behind a stonewall start when those before it are done. */
  #nextGroup(): void {
    if (this.#plan.threads[this.#plan.threads.length - 1].group === this.#group) return;
    const { group } = this.#workload;
    if (group === this.#group) return;
    this.#group = group;
    this.#wakeAll(this.timed.clock.cursorNanos);
  }

  #wakeAll(nanos: number): void {
    const { threads } = this.#workload;
    for (const [i, thread] of threads.entries()) if (thread.plan.group === this.#group) this.#paces[i].begin(nanos);
    for (let cpu = 0; cpu < Math.min(this.#cpus, threads.length); cpu++) this.timed.wakeAt(nanos, cpu);
  }

  submitBio(bio: Bio): void {
    this.timed.submitBio(bio, this.#cpu);
  }

  ended(thread: Thread, slot: Slot): void {
    this.timed.chargeCompletion();
    this.#answers[thread.index].push(slot);
    const here = this.timed.machine.kernel.cpu;
    const { cursorNanos } = this.timed.clock;
    const home = thread.index % this.#cpus;
    if (home !== here) this.timed.wakeAt(cursorNanos, home);
    for (let i = 0; i < this.#blocked.length; i++) {
      if (this.#blocked[i] === 1 && i % this.#cpus !== here) this.timed.wakeAt(cursorNanos, i % this.#cpus);
    }
  }

  /** A thread that slept wakes up and looks at what came; one that polls did not sleep. */
  #takeAnswers({ index, plan: { isPolled } }: Thread): void {
    const answers = this.#answers[index];
    if (answers.length === 0) return;
    const times = this.#times[index];
    if (!isPolled) {
      this.timed.charge(WORK_WAKE);
      times.switches++;
    }
    const { cursorNanos: now, spans } = this.timed.clock;
    for (let i = 0; i < answers.length; i++) {
      const slot = answers[i];
      const direction = slot.isWrite ? times.writes : times.reads;
      direction.add(slot.lengthBytes, slot.startNanos, slot.submittedNanos, now);
      spans?.add(slot.isWrite ? SPAN_WRITE : SPAN_READ, index, slot.startNanos, now, slot.lengthBytes);
    }
    answers.length = 0;
    this.#paces[index].answered(now);
    this.#lastAnswerNanos = now - this.timed.startNanos;
    this.#lastMoveNanos = this.#lastAnswerNanos;
    times.endNanos = this.#lastAnswerNanos;
  }

  #submitAll(thread: Thread): void {
    const { clock } = this.timed;
    const pace = this.#paces[thread.index];
    while (thread.free.length > 0 && this.#workload.draw(thread)) {
      if (this.#isTooEarly(thread, pace)) return;
      if (pace.isOver(clock.cursorNanos)) {
        thread.isStopped = true;
        return;
      }
      this.timed.charge(WORK_APPLICATION);
      const start = clock.cursorNanos;
      const slot = this.#workload.submitNext(thread);
      this.#blocked[thread.index] = slot === null ? 1 : 0;
      if (slot === null) return;
      slot.startNanos = start;
      slot.submittedNanos = clock.cursorNanos;
      pace.issued(start);
      this.#lastMoveNanos = start - this.timed.startNanos;
    }
  }

  /** The next I/O has a time of its own, which has not come: the thread asks to be woken then, once. */
  #isTooEarly({ index, next: { dueNanos = 0 } }: Thread, pace: ThreadClock): boolean {
    const { startNanos, clock } = this.timed;
    const due = Math.max(startNanos + dueNanos, pace.notBeforeNanos);
    if (due <= clock.cursorNanos) return false;
    if (this.#wakeNanos[index] !== due) this.timed.wakeAt(due, index % this.#cpus);
    this.#wakeNanos[index] = due;
    return true;
  }

  #isDone(): boolean {
    if (this.#workload.inFlight > 0) return false;
    return this.#workload.threads.every(
      (thread) => this.#answers[thread.index].length === 0 && !this.#workload.draw(thread),
    );
  }
}

/** CPU time for one I/O, by part, the largest first; parts that cost nothing are left out. */
export function cpuNanosPerIo({ parts, done }: TimedResult): readonly (readonly [part: WorkPart, nanos: number])[] {
  const ios = done.reads + done.writes;
  return WORK_PARTS.map((part) => [part, parts.cpu[part] / ios] as const)
    .filter(([, nanos]) => nanos > 0)
    .sort(([, a], [, b]) => b - a);
}
