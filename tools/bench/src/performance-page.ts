import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Allocations } from './allocations.ts';
import { findCases, measureCase } from './cases.ts';
import { GOALS, isHotPath } from './goals.ts';
import type { GrowthFigure } from './growth.ts';
import type { QuantityFigure } from './quantity.ts';
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

/** What a reader adds by hand below the figures; kept when the page is written again. */
const BY_HAND = '## Where a row falls short, and why\n';

interface Measured {
  readonly rows: readonly (Row & { readonly label: string })[];
  /** Bytes an operation, by label. */
  readonly allocated: ReadonlyMap<string, number>;
  readonly quantities: readonly QuantityFigure[];
  readonly growth: readonly GrowthFigure[];
}

/** Measures everything and writes the page; returns the exit code: 1 when a case misses its bound. */
export function writePerformancePage(wanted: string): number {
  const measured = measureAll(wanted);
  const { rows, quantities, growth } = measured;
  const old = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const byHand = old.includes(BY_HAND) ? old.slice(old.indexOf(BY_HAND)) : BY_HAND;
  writeFileSync(
    PAGE,
    [METHOD, machine(), goalTable(measured), otherTable(rows), growthTables(growth), byHand].join('\n'),
  );
  return [...rows, ...quantities].every(({ met }) => met) ? 0 : 1;
}

function measureAll(wanted: string): Measured {
  const cases = findCases('.', wanted);
  const rows = cases.map((bench) => ({ ...progress(bench.label, () => timeCase(bench)), label: bench.label }));
  const hot = cases.filter((_, at) => isHotPath(rows[at].goal));
  return {
    rows,
    allocated: new Map(
      hot.map((bench) => {
        const measureIt = () => measureCase<Allocations>('.', 'allocations', bench);
        return [bench.label, progress(`${bench.label}, allocations`, measureIt).bytesPerOperation];
      }),
    ),
    quantities: findCases('.', wanted, 'quantity').map((bench) =>
      progress(bench.label, () => measureCase<QuantityFigure>('.', 'quantity', bench)),
    ),
    growth: findCases('.', wanted, 'growth').map((bench) =>
      progress(bench.label, () => measureCase<GrowthFigure>('.', 'growth', bench)),
    ),
  };
}

function progress<Result>(label: string, measureIt: () => Result): Result {
  console.error(label);
  return measureIt();
}

function machine(): string {
  const processors = cpus();
  return `Measured on ${processors.length} cores of ${processors[0].model.trim()}, Node ${process.versions.node}.\n`;
}

function goalTable({ rows, allocated, quantities }: Measured): string {
  const lines = GOALS.flatMap(({ row, operation, target }) => {
    const timed = rows
      .filter(({ goal }) => goal === row)
      .map((one) => {
        const bytes = isHotPath(row) ? bytesText(allocated.get(one.label)) : '';
        return [one.name, ...figures(one), bytes];
      });
    const counted = quantities
      .filter(({ goal }) => goal === row)
      .map((one) => [one.name, ...quantityFigures(one), '', '']);
    const all = [...timed, ...counted];
    if (all.length === 0) all.push([ELSEWHERE, '', '', '', '']);
    return all.map((columns, at) =>
      at === 0 ? cells(row, operation, target, ...columns) : cells('', '', '', ...columns),
    );
  });
  const heads = header('row', 'operation', 'target', 'case', ...COLUMNS, 'bytes / op');
  return ['## The goals', '', heads, ...lines, ''].join('\n');
}

const ELSEWHERE = '`pnpm check` prints it, for the packed packages';

function quantityFigures({ value, unit, atMost, atLeast, met }: QuantityFigure): string[] {
  const bounds = [atMost === null ? '' : `at most ${atMost}`, atLeast === null ? '' : `at least ${atLeast}`].join('');
  const judged = bounds === '' ? '' : `(${bounds}${met ? '' : ', **missed**'})`;
  return [`${value.toFixed(2)} ${unit}`, judged];
}

const COLUMNS = ['time', 'ratio (bound)', 'interval'];

function figures({ tested, ratio, atMost, met }: Row): string[] {
  const bound = atMost === null ? '' : ` (${Number(atMost.toFixed(2))}${met ? '' : ', **missed**'})`;
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
