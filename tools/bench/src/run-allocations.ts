import type { Allocations } from './allocations.ts';
import { findCases, measureCase } from './cases.ts';
import { isHotPath } from './goals.ts';

/** Counts what every wanted case allocates; returns the exit code: 1 when a hot path allocates anything. */
export function runAllocations(wanted: string, json: boolean): number {
  const rows: Allocations[] = [];
  for (const bench of findCases('.', wanted)) {
    const row = measureCase<Allocations>('.', 'allocations', bench);
    rows.push(row);
    if (!json) console.log(render(bench.label, row));
  }
  if (json) console.log(JSON.stringify(rows, null, 2));
  return rows.every((row) => row.allocatesNothing || !isHotPath(row.goal)) ? 0 : 1;
}

function render(label: string, { bytesPerOperation, allocatesNothing, goal }: Allocations): string {
  const verdict = allocatesNothing ? 'nothing' : `${bytesPerOperation.toFixed(2)} B an operation`;
  return `${label.padEnd(72)} ${verdict}${allocatesNothing || !isHotPath(goal) ? '' : '  HOT PATH'}`;
}
