import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALLOCATION_FLAGS } from './allocations.ts';

const runOne = fileURLToPath(new URL('./run-one.ts', import.meta.url));
/** A result of 10 000 cases fits; Node's default of 1 MiB does too, but not the stack trace of a kernel gone wrong. */
const MAX_OUTPUT_BYTES = 16 * 2 ** 20;

/** Where a case stands: the file, and its place in the file's list. */
export interface CaseRef {
  /** Relative to the folder that was searched. */
  readonly file: string;
  readonly index: number;
  readonly name: string;
  /** What `pnpm bench NAME` matches: the file without its boilerplate, and the case's name. */
  readonly label: string;
}

/** What a child process measures of one case. */
export type Mode = 'time' | 'allocations' | 'growth' | 'quantity';

/** Every case below a folder whose label contains `wanted`, in a fixed order. */
export function findCases(folder: string, wanted: string, mode: Mode = 'time'): CaseRef[] {
  const files = globSync('{src,packages/*/src}/**/*.bench.ts', { cwd: folder }).sort();
  return files.flatMap((file) => {
    const names = inChild<string[]>(folder, [mode, file]);
    const cases = names.map((name, index) => ({ file, index, name, label: labelOf(file, name) }));
    return cases.filter(({ label }) => label.includes(wanted));
  });
}

/** Engine flags of a mode. Times are taken without any. */
const FLAGS: Readonly<Record<Mode, readonly string[]>> = {
  time: [],
  growth: [],
  quantity: ['--expose-gc'],
  allocations: ALLOCATION_FLAGS,
};

/** Measures one case in a process of its own, so that no other case's code or garbage is in its way. */
export function measureCase<Result>(folder: string, mode: Mode, { file, index }: CaseRef): Result {
  return inChild<Result>(folder, [mode, file, String(index)], FLAGS[mode]);
}

function inChild<Result>(folder: string, args: string[], flags: readonly string[] = []): Result {
  const options = { cwd: folder, encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, runOne, ...args], options);
  if (status !== 0) throw new BenchFailure(`${args.slice(1).join(' case ')} in ${folder} failed:\n${stderr}`);
  return JSON.parse(stdout) as Result;
}

/** A kernel threw, or its file can't be imported: the message holds what the process printed. */
export class BenchFailure extends Error {
  override readonly name = 'BenchFailure';
}

function labelOf(file: string, name: string): string {
  return `${relative('.', join(file)).replace(/(packages\/|src\/|\.bench\.ts)/g, '')}: ${name}`;
}
