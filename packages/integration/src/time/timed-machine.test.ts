import { Bio, REQ_OP_READ } from '@dmalab/blk-nvme';
import { describe, expect, it } from 'vitest';
import { MACHINES } from '../machine/presets.ts';
import { parseFioJobs } from '../workload/fio-parser.ts';
import { planJobs } from '../workload/workload-plan.ts';
import { COST_KEYS, COST_TABLE, type Costs } from './costs/cost-table.ts';
import { TimedRun } from './run/timed-run.ts';
import { startTimedMachine } from './timed-machine.ts';
import {
  WORK_BOUNCE,
  WORK_BOUNCED_BYTE,
  WORK_CACHE_LINE,
  WORK_CONVERSION,
  WORK_INVALIDATION,
  WORK_IOVA_CACHED,
  WORK_IOVA_TREE,
  WORK_MAP,
  WORK_TABLE_ENTRY,
  WORK_TABLE_MAP,
  WORK_TABLE_UNMAP,
  WORK_UNMAP,
  WORK_WAKE,
} from './work/work-kinds.ts';

/** CPU work that costs nothing, so that only the device's time is left. */
const FREE_CPU = Object.fromEntries(
  COST_KEYS.filter((key) => COST_TABLE[key].unit === 'ns' && !/^(link|media|switch|tableRead)/.test(key)).map((key) => [
    key,
    0,
  ]),
) as Partial<Costs>;

function run(machine: string, job: string, costs: Partial<Costs> = {}, own = {}) {
  const description = { ...MACHINES[machine], ...own, costs };
  const plan = planJobs(parseFioJobs(`[a]\nsize=1m\n${job}`, 'a.fio'), description.diskBytes);
  const timed = new TimedRun(description, plan);
  while (timed.advance(1000));
  return { result: timed.finish(), counts: timed.timed.clock.meter.counts };
}

const ONE_READ = 'rw=read\nbs=4k\nio_size=4k\n';

describe('one 4 KiB read, at 0.25390625 ns a byte', () => {
  // Doorbell 250. Fetch 6.09 + 550 + 22.34, media 10 000: 10 579. Data 1137.5 + 250: 1388. Completion and message
  // 10.16 + 7.11 + 250: 268.
  const DEVICE_NANOS = 250 + 10_579 + 1388 + 268;
  const media = { mediaReadNanos: 10_000 };

  it('takes what the device takes, when the CPU takes nothing', () => {
    const { result } = run('x86-direct', ONE_READ, { ...FREE_CPU, ...media });
    const [{ reads, writes, switches }] = result.threads;
    expect([reads.ios, reads.total.mean, reads.total.max]).toEqual([1, DEVICE_NANOS, DEVICE_NANOS]);
    expect([writes.ios, switches, result.interrupts, result.elapsedNanos]).toEqual([0, 1, 1, DEVICE_NANOS]);
  });

  it('takes so much longer as the CPU’s work is, and no more', () => {
    const { result } = run('x86-direct', ONE_READ, media);
    const [{ reads }] = result.threads;
    // Block layer 720, map 10, doorbell 60.
    expect(reads.submission.mean).toBe(790);
    // Interrupt 600, doorbell 60, unmap 8, block layer 580, waking up 950.
    expect(reads.total.mean).toBe(DEVICE_NANOS + 790 + 600 + 60 + 8 + 580 + 950);
    expect(result.elapsedNanos).toBe(400 + reads.total.mean);
    expect(result.parts.cpu).toMatchObject({
      application: 400,
      'waking up': 950,
      'block layer': 1420,
      interrupts: 600,
    });
  });

  it('waits 110 ns for each 8 bytes of tables that the IOMMU reads', () => {
    const { result } = run('x86-vtd', ONE_READ, { ...FREE_CPU, ...media });
    expect(result.parts.walks % 110).toBe(0);
    expect(result.parts.walks).toBeGreaterThan(0);
    const slower = run('x86-vtd', ONE_READ, { ...FREE_CPU, ...media, tableReadNanos: 220 });
    expect(slower.result.parts.walks).toBe(2 * result.parts.walks);
    expect(slower.result.elapsedNanos - result.elapsedNanos).toBeGreaterThan(0);
  });

  it('pays for a switch on each of its ways', () => {
    const own = { devices: MACHINES['nvme-switch'].devices };
    const { result } = run('x86-direct', ONE_READ, { ...FREE_CPU, ...media }, own);
    expect(result.elapsedNanos).toBe(DEVICE_NANOS + 5 * 110);
  });
});

describe('what is counted for 16 reads of 4 KiB at depth 1', () => {
  const JOB = 'rw=read\nbs=4k\nio_size=64k\n';

  it.each([
    ['x86-direct', 'phys', { [WORK_MAP]: 16, [WORK_UNMAP]: 16, [WORK_CONVERSION]: 0, [WORK_TABLE_MAP]: 0 }],
    ['x86-direct', 'page', { [WORK_MAP]: 16, [WORK_CONVERSION]: 32 }],
    [
      'x86-vtd-strict',
      'phys',
      { [WORK_TABLE_MAP]: 16, [WORK_TABLE_UNMAP]: 16, [WORK_IOVA_CACHED]: 16, [WORK_INVALIDATION]: 16 },
    ],
    ['x86-vtd', 'phys', { [WORK_TABLE_MAP]: 16, [WORK_TABLE_UNMAP]: 16, [WORK_INVALIDATION]: 0 }],
    ['x86-swiotlb', 'phys', { [WORK_BOUNCE]: 16, [WORK_BOUNCED_BYTE]: 2 * 65536 }],
    ['soc-noncoherent', 'phys', { [WORK_CACHE_LINE]: 2 * 16 * 64 }],
  ] as const)('%s, %s', (machine, era, expected) => {
    const { counts } = run(machine, JOB, {}, { era });
    for (const [kind, count] of Object.entries(expected)) expect([kind, counts[Number(kind)]]).toEqual([kind, count]);
  });

  it('I24 asks for no range that a CPU does not keep: the driver cuts requests at 32 pages', () => {
    const { counts } = run('x86-vtd-strict', 'rw=read\nbs=256k\nio_size=512k\n');
    expect([counts[WORK_IOVA_TREE], counts[WORK_IOVA_CACHED]]).toEqual([0, 4]);
    expect(counts[WORK_TABLE_MAP] + counts[WORK_TABLE_ENTRY]).toBe(2 * 128 - counts[WORK_TABLE_UNMAP]);
  });
});

describe('a timed machine', () => {
  const MIX = 'rw=randrw\nbssplit=4k/60:64k/40\nio_size=128k\niodepth=16\nnumjobs=3\n';

  it.each(['x86-direct', 'x86-vtd', 'x86-swiotlb'])('%s gives the same times on a second run', (machine) => {
    const own = { cpus: 2 };
    expect(run(machine, MIX, {}, own).result).toEqual(run(machine, MIX, {}, own).result);
  });

  it('verifies every block, on every machine', () => {
    for (const name of Object.keys(MACHINES)) {
      const { result } = run(name, MIX);
      expect([name, result.done.bytesVerified]).toEqual([name, result.done.bytesRead]);
      expect(result.done.bytesRead + result.done.bytesWritten).toBeGreaterThanOrEqual(3 * 2 ** 17);
    }
  });

  it('never sends more than the link carries', () => {
    const { result } = run('x86-direct', 'rw=read\nbs=128k\nio_size=16m\niodepth=32\n', { mediaReadNanos: 100 });
    const bytesPerNano = result.done.bytesRead / result.elapsedNanos;
    expect(bytesPerNano).toBeLessThan(((32 / 8) * 128 * 256) / 130 / 280);
    expect(result.parts.linkUp / result.elapsedNanos).toBeGreaterThan(0.95);
  });

  it('I102 flushes a lazy domain when its timer says, in the machine’s time', () => {
    const { result, counts } = run('x86-vtd', 'rw=read\nbs=4k\nio_size=80k\n', { mediaReadNanos: 5e6 });
    expect(result.elapsedNanos).toBeGreaterThan(100e6);
    expect(counts[WORK_INVALIDATION]).toBeGreaterThanOrEqual(5);
  });

  it('sees completions earlier and takes no interrupt where jobs poll', () => {
    const own = { cpus: 2 };
    const job = 'rw=randread\nbs=4k\nio_size=1m\niodepth=4\nnumjobs=2\n';
    const waiting = run('x86-vtd', job, {}, own).result;
    const polling = run('x86-vtd', `${job}hipri\n`, {}, own).result;
    expect([polling.interrupts, polling.threads[0].switches]).toEqual([0, 0]);
    expect(polling.done).toEqual(waiting.done);
    expect(polling.threads[1].reads.total.mean).toBeLessThan(waiting.threads[1].reads.total.mean - 1000);
  });

  it('keeps two CPUs busy with two jobs', () => {
    const { result } = run('x86-direct', 'rw=randread\nio_size=1m\niodepth=16\nnumjobs=2\n', {}, { cpus: 2 });
    const [first, second] = result.cpuBusyNanos;
    expect(Math.abs(first - second) / first).toBeLessThan(0.2);
  });

  it('puts an interrupt off as often as its CPU is busy, and loses it never', () => {
    /** When the one read of a machine ends whose CPU is woken at those times, each time for 950 ns. */
    const endOfRead = (wakes: readonly number[]): number => {
      let ended = false;
      const bio = new Bio();
      const client = {
        run(cpu: number): void {
          machine.charge(WORK_WAKE);
          if (bio.endIo === null) submit(cpu);
        },
      };
      const machine = startTimedMachine(MACHINES['x86-direct'], client);
      const submit = (cpu: number): void => {
        bio.init(REQ_OP_READ, 0).addPhys(machine.machine.pages.allocPages(0, 0) * 4096, 4096);
        bio.endIo = () => {
          ended = true;
        };
        machine.submitBio(bio, cpu);
      };
      machine.wakeAt(machine.startNanos, 0);
      for (const at of wakes) machine.wakeAt(at, 0);
      while (!ended && machine.elapsedNanos < 1e6) machine.step();
      return machine.clock.nowNanos;
    };
    const alone = endOfRead([]);
    expect(endOfRead([alone - 100])).toBe(alone - 100 + 950);
    expect(endOfRead([alone - 100, alone - 50])).toBe(alone - 100 + 2 * 950);
  });

  it('N26 N94 goes on after a command that the disk forgot, 30 s later', () => {
    const description = { ...MACHINES['x86-vtd'], costs: {} };
    const timed = new TimedRun(
      description,
      planJobs(parseFioJobs('[a]\nrw=read\nsize=64k\niodepth=4\n', 'a.fio'), 2 ** 26),
    );
    timed.timed.machine.nvme.controller.faults.add({ queue: 'io', nth: 5, times: 1, action: { kind: 'hang' } });
    while (timed.advance(1000));
    const { done, elapsedNanos } = timed.finish();
    expect(done.bytesVerified).toBe(65536);
    expect(elapsedNanos).toBeGreaterThan(30e9);
    expect(elapsedNanos).toBeLessThan(32e9);
  });

  it('N26 aborts a command that never ends, and says so when nothing helps', () => {
    const description = { ...MACHINES['x86-direct'], costs: {} };
    const timed = new TimedRun(description, planJobs(parseFioJobs(`[a]\nsize=1m\n${ONE_READ}`, 'a.fio'), 2 ** 20));
    timed.timed.machine.nvme.controller.faults.add({ queue: 'io', action: { kind: 'hang' } });
    const finish = (): void => {
      while (timed.advance(1000));
    };
    expect(finish).toThrow(/a read (did not complete in 120 s of virtual time|ended with block status)/);
    expect(timed.timed.elapsedNanos).toBeGreaterThan(30e9);
  });
});
