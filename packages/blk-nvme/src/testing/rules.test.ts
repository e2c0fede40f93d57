import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Rules of the specification: N with these numbers, and N152a. */
const RANGES: readonly (readonly [first: number, last: number])[] = [
  [1, 30],
  [40, 47],
  [50, 58],
  [60, 75],
  [80, 88],
  [90, 98],
  [110, 113],
  [120, 125],
  [130, 135],
  [140, 144],
  [150, 154],
  [160, 162],
  [170, 172],
  [175, 181],
];

/** Rules that no test here can name, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  N4: 'user buffers are pinned by the workload runner of @dmalab/integration; here vectors arrive ready',
};

/** Test titles, and the titles that rows of a table bring along. */
function titles(): string[] {
  const here = new URL('../', import.meta.url).pathname;
  return globSync(`${here}**/*.test.ts`).flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const direct = [...text.matchAll(/\b(?:it|describe)\(\s*(['"`])(.*?)\1,/gs)].map((match) => match[2]);
    const tables = [...text.matchAll(/\](?:\s*as const)?,?\s*\)\(\s*(['"`])(.*?)\1,/gs)].map((match) => match[2]);
    const named = [...text.matchAll(/\.each\([^[\n]*\)\(\s*(['"`])(.*?)\1,/g)].map((match) => match[2]);
    const rows = [...text.matchAll(/what: (['"`])(.*?)\1,/g)].map((match) => match[2]);
    return [...direct, ...tables, ...named, ...rows];
  });
}

describe('the specification', () => {
  it('has a test that names each rule, or a reason why it can not', () => {
    const tested = new Set(titles().flatMap((title) => title.match(/\bN\d+a?\b/g) ?? []));
    const all = RANGES.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => `N${first + i}`));
    all.push('N152a');
    const missing = all.filter((rule) => !tested.has(rule) && !(rule in ELSEWHERE));
    const own = all.filter((rule) => tested.has(rule));
    console.log(`blk-nvme: ${own.length} of ${all.length} rules have a test, ${all.length - own.length} elsewhere`);
    expect(missing).toEqual([]);
  });

  it('N170 has a test that provokes each status that the controller gives', () => {
    const named = (isTest: boolean, folder: string) =>
      globSync(`${new URL('../', import.meta.url).pathname}${folder}**/*.ts`)
        .filter((file) => file.endsWith('.test.ts') === isTest)
        .flatMap((file) => readFileSync(file, 'utf8').match(/\bStatus\.[A-Z_]+/g) ?? []);
    const provoked = new Set(named(true, ''));
    const given = new Set(named(false, 'controller/'));
    given.delete('Status.SUCCESS');
    console.log(`blk-nvme: ${given.size} statuses that the controller gives by itself`);
    expect([...given].filter((status) => !provoked.has(status))).toEqual([]);
  });
});
