#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { BenchFailure } from './cases.ts';
import { compareRevisions } from './compare.ts';
import { runPeers } from './peers/run-peers.ts';
import { writePerformancePage } from './performance-page.ts';
import { runAllocations } from './run-allocations.ts';
import { runGrowth } from './run-growth.ts';
import { runTimes } from './run-times.ts';

const HELP = `usage: pnpm bench [--json] [NAME]
       pnpm bench --allocations | --growth | --compare REV | --peers | --page [--json] [NAME]

Runs the benchmarks below this folder, one case a process, each beside its limit kernel, and prints the ratio of the
best times. NAME keeps the cases whose "file: name" contains it. Exit code 1 when a case misses its bound, 2 when one fails.

  --allocations  bytes of heap that one operation allocates in steady state; exit code 1 when a hot path allocates any
  --growth       how the cost of an operation grows from small to large
  --compare REV  runs that revision and this tree in turn and says which cases changed beyond noise
  --peers        other programs that do the same work on this machine, where they are installed
  --page         measures everything and writes docs/performance.md (about ten minutes on a quiet machine)
  --json         the same as data`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    allocations: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
    compare: { type: 'string' },
    peers: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const wanted = positionals[0] ?? '';
try {
  process.exitCode = run(values.json);
} catch (error) {
  if (!(error instanceof BenchFailure)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

function run(json: boolean): number {
  if (values.allocations) return runAllocations(wanted, json);
  if (values.growth) return runGrowth(wanted, json);
  if (values.compare !== undefined) return compareRevisions(values.compare, wanted, json);
  if (values.peers) return runPeers(wanted, json);
  if (values.page) return writePerformancePage(wanted);
  if (!values.help) return runTimes(wanted, json);
  console.log(HELP);
  return 0;
}
