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
