import type { Kernel } from './bench-case.ts';

let sink = 0;

/** Runs a block of calls and returns the average time of one. Keeps every checksum alive; throws when one is no number. */
export function nanosPerCall(kernel: Kernel, calls: number): number {
  let checksum = 0;
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) checksum += kernel();
  const nanos = Number(process.hrtime.bigint() - start);
  if (!Number.isFinite(checksum)) throw new Error('a kernel returned something that is not a finite number');
  sink += checksum;
  return nanos / calls;
}

export const checksums = (): number => sink;
