import { findCases, measureCase } from './cases.ts';
import type { GrowthFigure } from './growth.ts';

/** Measures how the wanted cases grow; returns the exit code, which judges nobody. */
export function runGrowth(wanted: string, json: boolean): number {
  const rows: GrowthFigure[] = [];
  for (const bench of findCases('.', wanted, 'growth')) {
    const row = measureCase<GrowthFigure>('.', 'growth', bench);
    rows.push(row);
    if (!json) console.log(render(bench.label, row));
  }
  if (json) console.log(JSON.stringify(rows, null, 2));
  return 0;
}

function render(label: string, { of, points }: GrowthFigure): string {
  const figures = points.map(({ size, nanos }) => `${size.toLocaleString('en')}: ${nanos.toFixed(1)}`).join('   ');
  return `${label}\n    ns an operation by ${of}:   ${figures}`;
}
