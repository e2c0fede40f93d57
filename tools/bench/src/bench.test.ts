import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Allocations } from './allocations.ts';
import { BenchFailure, type CaseRef, findCases, measureCase } from './cases.ts';
import { judge } from './compare.ts';
import type { GrowthFigure } from './growth.ts';
import type { Figure } from './measure.ts';
import { readIops } from './peers/fio-json.ts';
import type { QuantityFigure } from './quantity.ts';

const CASES = `
const add = () => () => { let sum = 0; for (let i = 0; i < 1000; i++) sum = (sum + i) | 0; return sum; };
const keep = [];
const make = () => () => { keep.length = 0; for (let i = 0; i < 1000; i++) keep.push({ i }); return keep.length; };
const one = (name, tested) => ({ name, operations: 1000, tested, limitName: 'add', limit: add, atMost: 100, goal: 1 });
export default [one('adds', add), one('makes objects', make), one('throws', () => { throw new Error('wrong sum'); })];
export const quantities = [{ name: 'an array', unit: 'B', atMost: 10, measure: () => globalThis.gc ? 9 + 2 : 0 }];
export const growth = [{ name: 'steps', of: 'steps', sizes: [100, 10000], operations: 1,
  kernel: (size) => () => { let sum = 0; for (let i = 0; i < size; i++) sum = (sum + i) | 0; return sum; } }];
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dmalab-bench-'));
  execFileSync('mkdir', [join(folder, 'src')]);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'src/some.bench.js'), '');
  writeFileSync(join(folder, 'src/some.bench.ts'), CASES);
});

afterEach(() => rmSync(folder, { recursive: true }));

const caseNamed = (wanted: string): CaseRef => findCases(folder, wanted)[0];

describe('the benchmark harness', () => {
  it('finds cases by part of their label', () => {
    expect(findCases(folder, '').map(({ label }) => label)).toEqual([
      'some: adds',
      'some: makes objects',
      'some: throws',
    ]);
    expect(caseNamed('objects')).toMatchObject({ file: 'src/some.bench.ts', index: 1 });
  });

  it('gives a ratio to the limit of the same run, and the interval of the repeats', () => {
    const { ratio, tested, met } = measureCase<Figure>(folder, 'time', caseNamed('adds'));
    expect(met).toBe(true);
    expect(ratio).toBeGreaterThan(0.2);
    expect(ratio).toBeLessThan(5);
    expect(tested.interval[0]).toBeGreaterThanOrEqual(tested.best);
    expect(tested.interval[1]).toBeGreaterThanOrEqual(tested.median);
  });

  it('counts the bytes that an operation allocates, and none where there are none', () => {
    expect(measureCase<Allocations>(folder, 'allocations', caseNamed('adds')).allocatesNothing).toBe(true);
    const { bytesPerOperation } = measureCase<Allocations>(folder, 'allocations', caseNamed('objects'));
    expect(bytesPerOperation).toBeGreaterThan(15); // an object of one field: map, properties, elements, the field
    expect(bytesPerOperation).toBeLessThan(64);
  });

  it('shows how a cost grows with the size', () => {
    const [growth] = findCases(folder, '', 'growth');
    const { points } = measureCase<GrowthFigure>(folder, 'growth', growth);
    expect(points.map(({ size }) => size)).toEqual([100, 10_000]);
    expect(points[1].nanos / points[0].nanos).toBeGreaterThan(10);
  });

  it('judges figures that are no times, with a collector at hand', () => {
    const [quantity] = findCases(folder, '', 'quantity');
    const { value, met } = measureCase<QuantityFigure>(folder, 'quantity', quantity);
    expect([value, met]).toEqual([11, false]);
  });

  it('says which case failed, and how', () => {
    expect(() => measureCase(folder, 'time', caseNamed('throws'))).toThrow(BenchFailure);
    expect(() => measureCase(folder, 'time', caseNamed('throws'))).toThrow(/some\.bench\.ts case 2 .*[\s\S]*wrong sum/);
  });
});

describe('the verdict on two revisions', () => {
  it.each([
    ['every turn is slower', [10, 10.1, 10.2], [11, 11.2, 11.1], 'slower'],
    ['every turn is faster', [10, 10.1, 10.2], [9, 9.2, 9.1], 'faster'],
    ['the turns overlap', [10, 10.1, 12], [11, 11.2, 11.1], 'same'],
    ['the change is below three per cent', [10, 10.01, 10.02], [10.2, 10.21, 10.22], 'same'],
  ] as const)('%s', (_, before, after, verdict) => {
    expect(judge(before, after)).toBe(verdict);
  });
});

describe("fio's figures", () => {
  it('are found between the lines of a console', () => {
    const result = JSON.stringify({ jobs: [{ read: { iops: 8538.5 } }] }, null, 2);
    expect(readIops(`[ 1.2] booted {\r\n${result}\n[ 9.9] reboot: Power down\n`.replaceAll('\r', ''))).toBe(8538.5);
  });

  it('are missed in words', () => {
    expect(() => readIops('fio: engine null not loadable')).toThrow('fio printed no result: fio: engine null');
  });
});

describe('pnpm bench', () => {
  it.each([
    [['--help'], 0, 'usage: pnpm bench'],
    [['--compare', 'no-such-revision'], 2, ''],
  ] as const)('%j ends with exit code %i', (args, code, text) => {
    const run = fileURLToPath(new URL('./run.ts', import.meta.url));
    const script = `node ${run} ${args.join(' ')} 2>/dev/null; echo "exit $?"`;
    const output = execFileSync('sh', ['-c', script], { encoding: 'utf8', env: { ...process.env, PATH: nodeFirst() } });
    expect(output).toContain(`exit ${code}`);
    expect(output).toContain(text);
  });
});

function nodeFirst(): string {
  return `${process.execPath.replace(/\/node$/, '')}:${process.env['PATH']}`;
}
