import { expect, it } from 'vitest';
import { bringUp, buildMachine, MACHINES, parseFioJobs, WorkloadRunner } from './index.ts';

it('the example of the README does what it says', () => {
  const machine = bringUp(buildMachine({ ...MACHINES['x86-vtd'], iommu: 'strict' }));
  const jobs = parseFioJobs('[reads]\nrw=randread\nbs=4k\nsize=16m\n', 'reads.fio');
  const runner = new WorkloadRunner(machine, jobs);
  while (runner.round());
  expect(runner.finish()).toMatchObject({ reads: 4096, bytesVerified: 16777216 });
});
