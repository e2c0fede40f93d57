/** A description that no machine fits. */
export class MachineDescriptionError extends Error {
  readonly code = 'ERR_MACHINE_DESCRIPTION';
  /** Which value: keys and indexes from the top, with dots between. */
  readonly path: string;
  readonly problem: string;
  readonly remedy: string;

  constructor(name: string, path: string, problem: string, remedy: string) {
    super(`machine ${name}: ${path}: ${problem}; ${remedy}`);
    this.name = 'MachineDescriptionError';
    this.path = path;
    this.problem = problem;
    this.remedy = remedy;
  }
}
