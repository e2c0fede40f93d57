import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { example, runCaptured } from '../testing/run-captured.ts';
import { temporaryFile } from '../testing/temporary-files.ts';

const JOB = '[small]\nrw=randrw\nbs=8k\nsize=1m\nio_size=256k\niodepth=4\nioengine=libaio\n';
const BLKPARSE = `  8,0    3        1     0.000000000   697  D   R 2048 + 8 [fio]
  8,0    3        2     0.000900000   697  D   W 4096 + 16 [fio]
  8,0    3        3     0.000950000   697  C   R 2048 + 8 [0]
`;
const job = (): string => temporaryFile('small.fio', JOB);
const data = async (...args: string[]) => JSON.parse((await runCaptured('run', ...args)).output);

describe('dmalab run', () => {
  it('prints as fio does, and where the time went', async () => {
    const { exitCode, output } = await runCaptured('run', job(), '--machine', 'x86-vtd-strict');
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^small: .*virtual time, x86-vtd-strict, phys-based API$/m);
    expect(output).toMatch(/^ {2}read: IOPS=/m);
    expect(output).toMatch(/^invalidation +\d/m);
    expect(output).toMatch(/^verified: .*all that was read/m);
  });

  it('gives the same, byte for byte, on a second run', async () => {
    for (const format of ['--json', '--output-format=json', '--output-format=normal']) {
      const file = job();
      const first = await runCaptured('run', file, '--machine', 'x86-vtd', format);
      expect(first.exitCode).toBe(0);
      expect((await runCaptured('run', file, '--machine', 'x86-vtd', format)).output).toBe(first.output);
    }
  });

  it('gives the data under fio’s names, and under ours', async () => {
    const fio = await data(job(), '--output-format', 'json');
    expect(fio.jobs[0].read.iops).toBeGreaterThan(1000);
    const ours = await data(job(), '--api', 'page', '--json');
    expect(ours).toMatchObject({ machine: 'x86-direct', api: 'page', withoutEffect: [{ key: 'ioengine', line: 7 }] });
    expect(ours.cpu.nanosPerIoByPart.conversions).toBeGreaterThan(0);
    expect(ours.costs.mapNanos).toBe(10);
  });

  it('draws other offsets with another seed', async () => {
    const file = job();
    const [first, second, third] = [
      await data(file, '--json', '--seed', '1'),
      await data(file, '--json', '--seed', '2'),
      await data(file, '--json', '--seed', '1'),
    ];
    expect(first.elapsedNanos).not.toBe(second.elapsedNanos);
    expect(third).toEqual(first);
  });

  it('takes a machine from a file, with costs of its own', async () => {
    const file = temporaryFile('one.fio', '[one]\nrw=read\nsize=4k\n');
    const fast = await data(file, '--machine', example('fast-disk.yaml'), '--json');
    const usual = await data(file, '--machine', 'x86-vtd', '--json');
    expect(usual.elapsedNanos - fast.elapsedNanos).toBeGreaterThan(38_000);
    expect(fast.costs.mediaReadNanos).toBe(10_000);
  });

  it('runs without time when asked to', async () => {
    const { output } = await runCaptured('run', job(), '--functional');
    expect(output).toMatch(/^reads: \d+, .*verified/m);
    expect(await data(job(), '--functional', '--json')).not.toHaveProperty('elapsedNanos');
  });

  it('runs what blkparse printed, and says what it leaves out', async () => {
    const file = temporaryFile('sda.txt', BLKPARSE);
    const { output } = await runCaptured('run', file);
    expect(output).toContain('2 reads and writes of disk 8,0');
    expect(output).toContain('not run: events C 1');
    const paced = await data(file, '--pace', 'trace', '--json');
    expect(paced.elapsedNanos).toBeGreaterThan(900_000);
    expect(paced).toMatchObject({ reads: 1, writes: 1, bytesWritten: 8192 });
  });

  it('runs the block requests of a kernel trace', async () => {
    const trace = example('linux-7.3-vtd-lazy.trace.gz');
    const { reads, writes, bytesRead, bytesVerified } = await data(trace, '--machine', 'x86-vtd', '--json');
    expect(reads + writes).toBeGreaterThan(500);
    expect(bytesVerified).toBe(bytesRead);
  });

  it('takes costs from the time stamps of a trace, and says how sure it is of them', async () => {
    const trace = example('linux-7.3-vtd-lazy.trace.gz');
    const { output } = await runCaptured('run', '--calibrate', trace);
    expect(output).toMatch(/^one IOMMU map to the next +[\d ]+ +\d.* tableMapNanos$/m);
    expect(output).toMatch(/emulated machine/);
    const { costs } = await data('--calibrate', trace, '--json');
    const run = await data(job(), '--calibrate', trace, '--json');
    expect(run.costs).toMatchObject(costs);
    const own = temporaryFile('own.yaml', 'name: own\ncosts:\n  mediaReadNanos: 5\n');
    const kept = await data(job(), '--calibrate', trace, '--machine', own, '--json');
    expect(kept.costs).toMatchObject({ ...costs, mediaReadNanos: 5 });
  });

  it('writes a timeline', async () => {
    const path = temporaryFile('out.json', '');
    await runCaptured('run', job(), '--perfetto', path);
    const { traceEvents } = JSON.parse(readFileSync(path, 'utf8'));
    const tracks = traceEvents.filter(({ name }: { name: string }) => name === 'process_name');
    expect(tracks.map(({ args }: { args: { name: string } }) => args.name)).toEqual(['CPUs', 'I/Os', 'disk']);
  });

  it('writes a page', async () => {
    const path = temporaryFile('out.html', '');
    await runCaptured('run', job(), '--report', path);
    expect(readFileSync(path, 'utf8')).toContain('<h1>Run of small.fio</h1>');
  });

  it('needs something to run', async () => {
    const { exitCode, complaints } = await runCaptured('run');
    expect(exitCode).toBe(2);
    expect(complaints).toMatch(/run: nothing to run; name a job file, or a trace/);
  });

  it.each([
    [['--machine', 'pdp-11'], /--machine pdp-11: no such machine/],
    [['--machine', 'all'], /--machine all: is more than one; name one/],
    [['--api', 'both'], /--api both: is not possible; write one of phys, page/],
    [['--seed', '-1'], /--seed -1: is no such number; give 0 to 4294967295/],
    [['--pace', 'trace'], /--pace: is for traces; write iodepth= into the job file/],
    [['--output-format', 'xml'], /--output-format xml: is not possible; write one of normal, json/],
    [['--functional', '--output-format', 'json'], /--functional keeps none; leave one of them out/],
    [['--json', '--output-format', 'json'], /--json: stands beside --output-format; choose one/],
  ])('refuses %j in one line', async (flags, says) => {
    const { exitCode, output, complaints } = await runCaptured('run', job(), ...flags);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(complaints).toMatch(says);
    expect(complaints.split('\n')).toHaveLength(1);
  });

  it.each([
    ['an unknown key', '[a]\nbanana=7\n', /:2: unknown key "banana"; the keys are/],
    ['a trace without block requests', '  8,0 1 1 0.000000000 9 D N [x]\n', /holds no read or write of a disk/],
  ])('refuses %s', async (_, text, says) => {
    const { exitCode, complaints } = await runCaptured('run', temporaryFile('bad.txt', text));
    expect(exitCode).toBe(2);
    expect(complaints).toMatch(says);
  });
});
