import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Another program that does the same work on this machine. */
export interface Peer {
  readonly name: string;
  /** What one of its operations is, for the reader who compares. */
  readonly operation: string;
  /** Why it can't run here, in words; undefined when it can. */
  missing(): string | undefined;
  /** Operations a second. @throws {Error} when the program fails, with what it said */
  measure(): number;
}

/** Path of a program, or undefined where this machine has none of that name. */
export function programPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** "needs fio and qemu-system-x86_64": the programs of a list that this machine lacks, or undefined. */
export function missingPrograms(...names: readonly string[]): string | undefined {
  const absent = names.filter((name) => programPath(name) === undefined);
  return absent.length === 0 ? undefined : `needs ${absent.join(' and ')}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
