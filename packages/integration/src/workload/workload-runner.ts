import type { RunningMachine } from '../machine/machine.ts';
import type { FioJobFile } from './fio-job.ts';
import { Workload, type WorkloadResult } from './workload.ts';
import { planJobs, type WorkloadPlan } from './workload-plan.ts';

/** Time that passes while the device works off what was submitted together. */
const ROUND_NANOS = 20_000;
/** Rounds without a completion after which the machine is taken for stuck. */
const PATIENCE = 10_000;

/**
 * Runs a workload without keeping time: the jobs of a file side by side, every copy with its own queue depth, in rounds.
 * It says what happens, not how long it takes.
 */
export class WorkloadRunner {
  readonly #machine: RunningMachine;
  readonly #workload: Workload;

  /** @throws {FioJobError} when a job does not fit the disk, {BufferMemoryError} when its buffers don't fit memory */
  constructor(machine: RunningMachine, work: FioJobFile | WorkloadPlan) {
    this.#machine = machine;
    const plan = 'threads' in work ? work : planJobs(work, machine.description.diskBytes);
    const { queue } = machine.disk;
    this.#workload = new Workload(machine, plan, {
      canPoll: false,
      submitBio: (bio) => queue.submitBio(bio),
      ended() {},
    });
  }

  /** Share of the work that is done, 0 to 1. */
  get progress(): number {
    return this.#workload.progress;
  }

  /**
   * Runs one round: submits what fits the queue depths, lets the device work, takes the completions.
   * @returns false when everything is done
   * @throws {WorkloadError} at the first block that is not what it should be
   */
  round(): boolean {
    const workload = this.#workload;
    const { group } = workload;
    for (const thread of workload.threads) {
      if (thread.plan.group === group) while (workload.submitNext(thread) !== null);
    }
    if (workload.inFlight === 0) return false;
    for (let waited = 0, before = workload.doneBytes; workload.doneBytes === before; waited++) {
      if (waited === PATIENCE) workload.failStuck(`${PATIENCE} rounds`);
      this.#machine.advance(ROUND_NANOS);
    }
    return true;
  }

  /** Gives the buffers back and says what was done. */
  finish(): WorkloadResult {
    this.#workload.release();
    return this.#workload.result;
  }
}
