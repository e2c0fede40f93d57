/** Something that the person at the command line can put right: one line with the place and the remedy, exit code 2. */
export class UserError extends Error {
  readonly code = 'ERR_USER';

  constructor(place: string, problem: string, remedy: string) {
    super(`${place}: ${problem}; ${remedy}`);
    this.name = 'UserError';
  }
}

/**
 * Errors that name place and remedy themselves, wherever they were thrown: every typed error of the packages carries a
 * `code`. Anything else is a fault of ours and keeps its stack.
 */
export function isForUser(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('ERR_');
}
