import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { runCli } from '../cli.ts';

/** What a run of the command line left behind. */
export interface CapturedRun {
  readonly exitCode: number;
  readonly output: string;
  readonly complaints: string;
}

/** Runs the command line in this process and keeps what it prints. */
export async function runCaptured(...args: string[]): Promise<CapturedRun> {
  const printed: string[] = [];
  const complaints: string[] = [];
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((line = '') => printed.push(line)),
    vi.spyOn(console, 'error').mockImplementation((line) => complaints.push(line)),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => complaints.push(String(text)) > 0),
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0),
  ];
  process.exitCode = undefined;
  try {
    const exitCode = await runCli(args);
    return { exitCode, output: printed.join('\n'), complaints: complaints.join('\n') };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
  }
}

/** Path of a file of the repository's `examples` folder. */
export function example(name: string): string {
  return fileURLToPath(new URL(`../../../../examples/${name}`, import.meta.url));
}
