/** Something that the person at the command line can put right: one line with the place and the remedy, exit code 2. */
export class UserError extends Error {
  readonly code = 'ERR_USER';

  constructor(place: string, problem: string, remedy: string) {
    super(`${place}: ${problem}; ${remedy}`);
    this.name = 'UserError';
  }
}

const BUILT_IN_NAMES: ReadonlySet<string> = new Set(['Error', 'RangeError', 'SyntaxError', 'TypeError']);

/**
 * Errors that name place and remedy themselves, wherever they were thrown: every typed error of the packages carries a
 * `code` and its class's name. Node's own errors carry codes too, but under the name of a built-in class; those, and
 * anything else, are faults of ours and keep their stack.
 */
export function isForUser(error: unknown): error is Error {
  if (!(error instanceof Error && 'code' in error)) return false;
  return String(error.code).startsWith('ERR_') && !BUILT_IN_NAMES.has(error.name);
}
