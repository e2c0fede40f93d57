import { expect, it } from 'vitest';
import { MACHINES } from '../machine/presets.ts';
import { TimedRun } from '../time/run/timed-run.ts';
import { parseFioJobs } from '../workload/fio-parser.ts';
import { planJobs } from '../workload/workload-plan.ts';
import { runPage } from './run-page.ts';

it('shows where the time of a run goes, each thread, and the machine', () => {
  const machine = MACHINES['x86-vtd-strict'];
  const run = new TimedRun(machine, planJobs(parseFioJobs('[a]\nrw=randrw\nsize=1m\nnumjobs=2\n', 'a.fio'), 2 ** 26));
  while (run.advance(1000));
  const result = run.finish();
  const text = runPage('a.fio', result, machine);
  expect(text).toContain('<h1>Run of a.fio</h1>');
  expect(text).toMatch(/CPU time per I\/O, ns\./);
  expect(text).toContain('invalidation');
  for (const direction of ['reads', 'writes']) expect(text).toContain(`Latency of ${direction}, us.`);
  const [{ reads }] = result.threads;
  expect(text).toContain(`<td class="">${reads.ios}</td><td class="">${(reads.total.mean / 1000).toFixed(1)}</td>`);
  expect(text).not.toMatch(/NaN|undefined/);
  expect(text).toContain('x86-vtd-strict');
});
