import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Allocations } from './allocations.ts';
import { findCases, measureCase } from './cases.ts';
import { GOALS, isHotPath } from './goals.ts';
import type { GrowthFigure } from './growth.ts';
import { type Row, timeCase } from './run-times.ts';

const PAGE = 'docs/performance.md';

const METHOD = `# Performance

Written by \`npx --yes pnpm@12 bench --page\`; every figure below can be had again by that command. Times are of the machine
named here and mean little elsewhere; the **ratios** are what the project promises, and what \`pnpm bench\` judges.

## Method

- Each case runs in a process of its own, with no engine flags, through the public API that a user calls.
- Beside it, in the same process and in turn with it, runs its *limit*: the least that such an operation could cost, or a peer
  that does the same. L_pair is a pop from a magazine, two stores into a table, two clears and a push; L_pte128K is 32 table
  entries written and cleared; L_hit is one tag compare and a load; copies are one \`copyWithin\` of that size, hot (in a
  1 MiB working set) or cold (1 GiB). They stand in \`tools/bench/src/limit-kernels.ts\` and beside the cases.
- A kernel is called about a thousand times with at most 10 000 operations a call, in 35 blocks that alternate with the
  limit's. The ratio of the best blocks decides; the interval holds the middle half of them.
- Every case checks its own result and fails when it is wrong.
- \`pnpm bench --allocations\` counts the bytes of heap an operation leaves behind once warm, \`--compare REV\` runs another
  revision in turn with this one, \`--peers\` runs other programs that do the same work.
`;

/** Measures everything and writes the page; returns the exit code: 1 when a case misses its bound. */
export function writePerformancePage(wanted: string): number {
  const rows = findCases('.', wanted).map((bench) => progress(bench.label, () => timeCase(bench)));
  const allocations = findCases('.', wanted).map((bench) =>
    progress(`${bench.label}, allocations`, () => measureCase<Allocations>('.', 'allocations', bench)),
  );
  const growth = findCases('.', wanted, 'growth').map((bench) =>
    progress(bench.label, () => measureCase<GrowthFigure>('.', 'growth', bench)),
  );
  writeFileSync(
    PAGE,
    [METHOD, machine(), goalTable(rows, allocations), otherTable(rows), growthTables(growth)].join('\n'),
  );
  return rows.every(({ met }) => met) ? 0 : 1;
}

function progress<Result>(label: string, measureIt: () => Result): Result {
  console.error(label);
  return measureIt();
}

function machine(): string {
  const processors = cpus();
  return `Measured on ${processors.length} cores of ${processors[0].model.trim()}, Node ${process.versions.node}.\n`;
}

function goalTable(rows: readonly Row[], allocations: readonly Allocations[]): string {
  const bytes = new Map(allocations.map(({ name, goal, bytesPerOperation }) => [`${goal} ${name}`, bytesPerOperation]));
  const lines = GOALS.flatMap(({ row, operation, target }) => {
    const cases = rows.filter(({ goal }) => goal === row);
    if (cases.length === 0) return [cells(row, operation, target, 'see below', '', '', '', '')];
    return cases.map((one, at) => {
      const allocated = isHotPath(row) ? bytesText(bytes.get(`${row} ${one.name}`)) : '';
      return cells(at === 0 ? row : '', operation, target, one.name, ...figures(one), allocated);
    });
  });
  return [
    '## The goals',
    '',
    header('row', 'operation', 'target', 'case', ...COLUMNS, 'bytes / op'),
    ...lines,
    '',
  ].join('\n');
}

const COLUMNS = ['time', 'ratio (bound)', 'interval'];

function figures({ tested, ratio, atMost, met }: Row): string[] {
  const bound = atMost === null ? '' : ` (${atMost}${met ? '' : ', **missed**'})`;
  const [low, high] = tested.interval;
  return [time(tested.best), `${ratio.toFixed(2)}${bound}`, `${time(low)} to ${time(high)}`];
}

function otherTable(rows: readonly Row[]): string {
  const others = rows.filter(({ goal }) => goal === null);
  const lines = others.map((row) => cells(row.name, row.limitName, ...figures(row)));
  return ['## Beyond the goals', '', header('case', 'limit', ...COLUMNS), ...lines, ''].join('\n');
}

function growthTables(growth: readonly GrowthFigure[]): string {
  const tables = growth.map(({ name, of, points }) => {
    const factor = points[points.length - 1].nanos / points[0].nanos;
    const sizes = points.map(({ size }) => size.toLocaleString('en'));
    const times = points.map(({ nanos }) => time(nanos));
    return [`### ${name}`, '', header(of, ...sizes, 'growth'), cells('time', ...times, `x ${factor.toFixed(2)}`), ''];
  });
  const intro = 'Time of one operation from small to large, best of five, all sizes in one process.';
  return ['## Growth', '', intro, '', ...tables.flat()].join('\n');
}

function bytesText(bytes: number | undefined): string {
  if (bytes === undefined) return '';
  return bytes < 0.05 ? '0' : bytes.toFixed(1);
}

function time(nanos: number): string {
  if (nanos < 1000) return `${nanos.toFixed(1)} ns`;
  return nanos < 1e6 ? `${(nanos / 1000).toFixed(2)} us` : `${(nanos / 1e6).toFixed(2)} ms`;
}

function header(...names: readonly string[]): string {
  return `${cells(...names)}\n${cells(...names.map(() => '---'))}`;
}

function cells(...values: readonly (string | number)[]): string {
  return `| ${values.join(' | ')} |`;
}
