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

/** A text file that is written piece by piece, so that no more than a piece is in memory. */
export class PieceFile {
  readonly #path: string;
  readonly #file: number;
  #gathered = '';

  /** @throws {UserError} when the file can't be written, as from the other calls */
  constructor(path: string) {
    this.#path = path;
    this.#file = forUser(path, () => openSync(path, 'w'));
  }

  write(text: string): void {
    this.#gathered += text;
    if (this.#gathered.length >= PIECE_CHARACTERS) this.#put();
  }

  close(): void {
    this.#put();
    closeSync(this.#file);
  }

  #put(): void {
    forUser(this.#path, () => writeSync(this.#file, this.#gathered));
    this.#gathered = '';
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
