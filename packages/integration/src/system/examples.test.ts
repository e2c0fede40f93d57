import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import { MACHINES } from '../machine/presets.ts';
import { parseFioJobs } from '../workload/fio-parser.ts';
import { WorkloadRunner } from '../workload/workload-runner.ts';

const folder = fileURLToPath(new URL('../../../../examples/', import.meta.url));
const examples = globSync('*.fio', { cwd: folder });

describe.each(examples)('examples/%s', (file) => {
  const jobs = parseFioJobs(readFileSync(`${folder}${file}`, 'utf8'), file);

  it.each(Object.values(MACHINES))('on $name: every block verified, nothing left in the pool', (description) => {
    const machine = bringUp(buildMachine(description));
    const runner = new WorkloadRunner(machine, jobs);
    while (runner.round());
    const { reads, writes, bytesRead, bytesVerified } = runner.finish();
    expect(reads + writes).toBeGreaterThan(0);
    expect(bytesVerified).toBe(bytesRead);
    expect(machine.swiotlb?.used ?? 0).toBe(0);
  });
});
