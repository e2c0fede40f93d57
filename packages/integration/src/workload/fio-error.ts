/** A job file that can't be used: where, what is wrong, and what would be right. */
export class FioJobError extends Error {
  readonly code = 'ERR_FIO_JOB';
  readonly file: string;
  /** 1-based; 0 where the file as a whole is meant. */
  readonly line: number;

  constructor(file: string, line: number, problem: string, remedy: string) {
    super(`${file}${line > 0 ? `:${line}` : ''}: ${problem}; ${remedy}`);
    this.name = 'FioJobError';
    this.file = file;
    this.line = line;
  }
}
