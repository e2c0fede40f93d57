import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CaseRef, findCases, measureCase } from './cases.ts';
import type { Figure } from './measure.ts';

/** Turns in which each side is measured once, one right after the other. */
const TURNS = 5;
/** A change smaller than this is noise whatever the turns say: two builds of the same source differ by as much. */
const LEAST_CHANGE = 0.03;

export type Verdict = 'faster' | 'slower' | 'same';

export interface Comparison {
  readonly label: string;
  /** Ratios to the limit, one a turn. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Median after over median before. */
  readonly factor: number;
  readonly verdict: Verdict;
}

/**
 * Measures a revision and the tree in the current folder, turn by turn; returns the exit code: 1 when a case got slower,
 * 2 when the revision can't be had.
 */
export function compareRevisions(revision: string, wanted: string, json: boolean): number {
  const commit = spawnSync('git', ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`], { encoding: 'utf8' });
  if (commit.status !== 0) {
    console.error(`"${revision}" is no revision of this repository`);
    return 2;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'dmalab-compare-'));
  const tree = join(scratch, 'tree');
  execFileSync('git', ['worktree', 'add', '--quiet', '--detach', tree, commit.stdout.trim()]);
  try {
    install(revision, tree);
    return compareTrees(tree, wanted, json);
  } finally {
    execFileSync('git', ['worktree', 'remove', '--force', tree]);
    rmSync(scratch, { recursive: true, force: true });
  }
}

function install(revision: string, tree: string): void {
  console.error(`installing ${revision} beside this tree`);
  const command = ['--yes', 'pnpm@12', 'install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts'];
  execFileSync('npx', command, { cwd: tree, stdio: ['ignore', 'ignore', 'pipe'] });
}

function compareTrees(tree: string, wanted: string, json: boolean): number {
  const old = new Map(findCases(tree, wanted).map((bench) => [bench.label, bench]));
  const comparisons: Comparison[] = [];
  for (const bench of findCases('.', wanted)) {
    const before = old.get(bench.label);
    old.delete(bench.label);
    if (before === undefined) {
      console.error(`${bench.label}: new, nothing to compare with`);
      continue;
    }
    const comparison = compareCase(tree, before, bench);
    comparisons.push(comparison);
    if (!json) console.log(render(comparison));
  }
  for (const label of old.keys()) console.error(`${label}: gone`);
  if (json) console.log(JSON.stringify(comparisons, null, 2));
  return comparisons.some(({ verdict }) => verdict === 'slower') ? 1 : 0;
}

function compareCase(tree: string, then: CaseRef, now: CaseRef): Comparison {
  const before: number[] = [];
  const after: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    before.push(measureCase<Figure>(tree, 'time', then).ratio);
    after.push(measureCase<Figure>('.', 'time', now).ratio);
  }
  return { label: now.label, before, after, factor: median(after) / median(before), verdict: judge(before, after) };
}

/** Changed: every turn of one side lies beyond every turn of the other, by chance once in 126 for five turns each way. */
export function judge(before: readonly number[], after: readonly number[]): Verdict {
  const factor = median(after) / median(before);
  if (Math.abs(factor - 1) < LEAST_CHANGE) return 'same';
  if (Math.max(...after) < Math.min(...before)) return 'faster';
  return Math.min(...after) > Math.max(...before) ? 'slower' : 'same';
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function render({ label, before, after, factor, verdict }: Comparison): string {
  const change = `${median(before).toFixed(2)} -> ${median(after).toFixed(2)}`;
  return `${label.padEnd(64)} ${change.padStart(18)} ${factor.toFixed(3).padStart(7)}  ${verdict}`;
}
