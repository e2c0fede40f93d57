import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { UserError } from './user-error.ts';

/** Text that is gathered before it goes to the disk. */
const PIECE_CHARACTERS = 2 ** 20;

/**
 * Writes a whole text.
 * @throws {UserError} when the file can't be written
 */
export function writeText(path: string, text: string): void {
  forUser(path, () => writeFileSync(path, text));
}

/**
 * Writes what `produce` hands over piece by piece, so that no more than a piece is in memory.
 * @throws {UserError} when the file can't be written
 */
export function writePieces(path: string, produce: (write: (text: string) => void) => void): void {
  const file = forUser(path, () => openSync(path, 'w'));
  try {
    let gathered = '';
    const put = () => forUser(path, () => writeSync(file, gathered));
    produce((text) => {
      gathered += text;
      if (gathered.length < PIECE_CHARACTERS) return;
      put();
      gathered = '';
    });
    put();
  } finally {
    closeSync(file);
  }
}

function forUser<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new UserError(
      path,
      `can't be written (${(error as Error).message})`,
      'name a file in a folder that you may write to',
    );
  }
}
