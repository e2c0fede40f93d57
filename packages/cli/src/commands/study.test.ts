import { describe, expect, it } from 'vitest';
import { example, runCaptured } from '../testing/run-captured.ts';
import { temporaryFile } from '../testing/temporary-files.ts';

const SMALL = '[small]\nrw=randrw\nbs=8k\nsize=1m\nio_size=256k\niodepth=4\n';

describe('dmalab study', () => {
  it('prints one row for each machine and interface, of costs and of times', async () => {
    const { exitCode, output } = await runCaptured('study', temporaryFile('small.fio', SMALL));
    expect(exitCode).toBe(0);
    const rows = output.split('\n').filter((line) => /^x86-\S+ +(page|phys) /.test(line));
    expect(rows).toHaveLength(12);
    expect(rows.slice(0, 6).map((line) => line.split(/ +/).slice(0, 3).join(' '))).toEqual([
      'x86-direct page 32',
      'x86-direct phys 32',
      'x86-vtd page 32',
      'x86-vtd phys 32',
      'x86-swiotlb page 32',
      'x86-swiotlb phys 32',
    ]);
  });

  it('answers the four questions, each with figures under it, in lines that fit', async () => {
    const { output } = await runCaptured('study', temporaryFile('small.fio', SMALL));
    const lines = output.split('\n');
    const questions = lines.flatMap((line, i) => (line.endsWith('?') ? [i] : []));
    expect(questions).toHaveLength(4);
    for (const i of questions) expect(lines[i + 2]).toMatch(/^ {2}- .*\d/);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(130);
  });

  it('runs on the machines that were asked for', async () => {
    const job = temporaryFile('small.fio', SMALL);
    const { output } = await runCaptured('study', job, '--machine', 'sev-guest', '--machine', 'x86-vtd-pt', '--json');
    const names: string[] = JSON.parse(output).rows.map(({ machine }: { machine: string }) => machine);
    expect([...new Set(names)]).toEqual(['sev-guest', 'x86-vtd-pt']);
    const refused = await runCaptured('study', job, '--machine', 'pdp-11');
    expect(refused.exitCode).toBe(2);
    expect(refused.complaints).toMatch(/--machine pdp-11: no such machine; name a YAML file, or one of x86-direct, /);
  });

  it('gives the same as data', async () => {
    const { output } = await runCaptured('study', temporaryFile('small.fio', SMALL), '--json');
    const { rows, jobs } = JSON.parse(output);
    expect(jobs[0]).toMatchObject({ name: 'small', pattern: 'randrw', ioDepth: 4 });
    expect(rows[5]).toMatchObject({
      machine: 'x86-swiotlb',
      era: 'phys',
      ios: 32,
      bouncedBytes: 262144,
      conversionsPerIo: 0,
    });
  });

  it.each([
    ['an unknown key', `${SMALL}ramp_time=5\n`, /:7: unknown key "ramp_time"; the keys are/],
    ['a size that does not fit the disk', '[a]\nsize=1t\n', /:2: size 1099511627776 at offset 0 does not fit the disk/],
    ['a file without a job', '', /: holds no job; add a section/],
  ])('refuses %s in one line with exit code 2', async (_, text, says) => {
    const path = temporaryFile('bad.fio', text);
    const { exitCode, output, complaints } = await runCaptured('study', path);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(complaints).toMatch(says);
    expect(complaints.startsWith(`dmalab: ${path}`)).toBe(true);
    expect(complaints.split('\n')).toHaveLength(1);
  });

  it('refuses a file that is not there', async () => {
    const { exitCode, complaints } = await runCaptured('study', example('nowhere.fio'));
    expect(exitCode).toBe(2);
    expect(complaints).toMatch(/nowhere\.fio: no such file; check the path$/);
  });
});

describe('dmalab', () => {
  it('lists its commands, each with a help text of its own', async () => {
    const { exitCode, output } = await runCaptured('--help');
    expect(exitCode).toBe(0);
    for (const command of ['study', 'replay', 'walk']) {
      expect(output).toContain(`  ${command} `);
      expect((await runCaptured(command, '--help')).output).toMatch(/Examples?:/);
    }
  });

  it('refuses an unknown command or option with exit code 2', async () => {
    expect((await runCaptured('banana')).exitCode).toBe(2);
    expect((await runCaptured('replay', 'x', '--banana')).exitCode).toBe(2);
  });
});
