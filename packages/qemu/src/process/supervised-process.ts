import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs a program, and ends it as soon as nobody holds the lifeline for writing any more: also when we were killed. The
 * folder goes with it. Signals of a terminal are ours to take.
 * $1 folder, the rest the program and its arguments.
 */
const SUPERVISOR = `
trap '' INT TERM HUP
folder=$1; shift
exec 3<"$folder/lifeline"
"$@" </dev/null >"$folder/said" 2>&1 3<&- &
program=$!
echo $program >"$folder/pid.new"; mv "$folder/pid.new" "$folder/pid"
read -r line <&3
kill -9 $program 2>/dev/null
wait $program 2>/dev/null
rm -rf "$folder"
`;

/** Where files are memory: RAM that a machine shares through a file should never meet a disk. */
const MEMORY_FILES = '/dev/shm';
const POLL_MILLIS = 2;

/**
 * A program with a folder of its own, started and looked at without the event loop. Neither outlives us: a shell waits
 * on a FIFO that only we hold open, and the kernel closes that one however we end.
 */
export class SupervisedProcess {
  readonly folder: string;
  #lifeline = -1;
  #pid = 0;

  /** Makes the folder; files for the program can be put there before {@link start}. */
  constructor(prefix: string) {
    this.folder = mkdtempSync(join(existsSync(MEMORY_FILES) ? MEMORY_FILES : tmpdir(), prefix));
  }

  /** Where a file of the folder is. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Starts the program. `lifeline` must exist as a FIFO in the folder. */
  start(program: string, args: readonly string[]): void {
    this.#lifeline = openSync(this.path('lifeline'), 'r+'); // for reading too: it doesn't wait for the shell
    const shell = spawn('/bin/sh', ['-c', SUPERVISOR, 'sh', this.folder, program, ...args], {
      detached: true,
      stdio: 'ignore',
    });
    shell.on('error', () => {}); // no shell: seen below as a program that never starts
    shell.unref();
  }

  /** Process id of the program, 0 until the shell has started it. */
  get pid(): number {
    if (this.#pid === 0 && existsSync(this.path('pid'))) this.#pid = Number(readFileSync(this.path('pid'), 'utf8'));
    return this.#pid;
  }

  /** False once the program has ended: it stays a zombie for as long as the shell holds the lifeline. */
  isRunning(): boolean {
    const { pid } = this;
    if (pid === 0) return true;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      return stat[stat.lastIndexOf(')') + 2] !== 'Z';
    } catch {
      return false;
    }
  }

  /** What it printed so far. */
  said(): string {
    return existsSync(this.path('said')) ? readFileSync(this.path('said'), 'utf8').trim() : '';
  }

  /** Ends the program, removes the folder, and returns when both are gone. */
  end(): void {
    if (this.#lifeline >= 0) {
      closeSync(this.#lifeline);
      this.#lifeline = -1;
      for (let waited = 0; waited < 5000 && existsSync(this.folder); waited += POLL_MILLIS) sleep(POLL_MILLIS);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Stands still for that long, event loop and all. */
export function sleep(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}
