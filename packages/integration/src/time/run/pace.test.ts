import { describe, expect, it } from 'vitest';
import { MACHINES } from '../../machine/presets.ts';
import { parseFioJobs } from '../../workload/fio-parser.ts';
import { planJobs } from '../../workload/workload-plan.ts';
import { TimedRun } from './timed-run.ts';

function run(job: string) {
  const machine = MACHINES['x86-direct'];
  const timed = new TimedRun(machine, planJobs(parseFioJobs(job, 'a.fio'), machine.diskBytes, true));
  while (timed.advance(1000));
  return timed.finish();
}

describe('the pace of a job', () => {
  it('time_based goes on beyond its size until its runtime is over', () => {
    const { done, elapsedNanos } = run('[a]\nrw=read\nsize=64k\niodepth=4\nruntime=5ms\ntime_based\n');
    expect(done.bytesRead).toBeGreaterThan(10 * 65536);
    expect(elapsedNanos).toBeGreaterThan(5e6);
    expect(elapsedNanos).toBeLessThan(5.5e6);
  });

  it('runtime ends what would take longer, and nothing that is done before', () => {
    expect(run('[a]\nrw=read\nsize=4m\nruntime=1ms\n').elapsedNanos).toBeLessThan(1.2e6);
    expect(run('[a]\nrw=read\nsize=64k\nruntime=1\n').done.bytesRead).toBe(65536);
  });

  it('rate_iops lets so many through, and no more', () => {
    const { done, elapsedNanos } = run('[a]\nrw=read\nsize=400k\niodepth=8\nrate_iops=10000\n');
    expect(done.reads).toBe(100);
    expect(elapsedNanos).toBeGreaterThan(99 * 100_000);
    expect(elapsedNanos).toBeLessThan(99 * 100_000 + 100_000);
  });

  it('thinktime stands between an answer and the next I/O, in microseconds', () => {
    const quick = run('[a]\nrw=read\nsize=40k\n').elapsedNanos;
    const slow = run('[a]\nrw=read\nsize=40k\nthinktime=200\n').elapsedNanos;
    expect(Math.abs(slow - quick - 9 * 200_000)).toBeLessThan(20_000);
  });

  it('startdelay starts later, stonewall when the jobs before are done', () => {
    const delayed = run('[a]\nrw=read\nsize=64k\n[b]\nrw=read\nsize=64k\nstartdelay=3ms\n');
    expect(delayed.elapsedNanos).toBeGreaterThan(3e6);
    const [first, second] = run('[a]\nrw=read\nsize=256k\n[b]\nstonewall\nrw=read\nsize=64k\n').threads;
    const alone = run('[b]\nrw=read\nsize=64k\n').elapsedNanos;
    expect(second.endNanos - first.endNanos).toBeGreaterThan(0.9 * alone);
  });

  it('loops and number_ios say how much, with time and without', () => {
    expect(run('[a]\nrw=read\nsize=64k\nloops=3\n').done.reads).toBe(48);
    expect(run('[a]\nrw=randread\nsize=64k\nnumber_ios=7\n').done.reads).toBe(7);
  });

  it('refuses time_based without an end', () => {
    expect(() => run('[a]\nsize=64k\ntime_based\n')).toThrow(
      'a.fio:3: time_based without a runtime; add for example runtime=1',
    );
  });
});
