import { type CaseRef, findCases, measureCase } from './cases.ts';
import type { Figure } from './measure.ts';

/** A case's figure and where the case stands. */
export interface Row extends Figure {
  readonly file: string;
}

/** Times every wanted case; returns the exit code. */
export function runTimes(wanted: string, json: boolean): number {
  const rows: Row[] = [];
  if (!json) console.log(line('case', 'ns/op', 'limit ns', 'ratio', 'at most', 'limit'));
  for (const bench of findCases('.', wanted)) {
    const row = timeCase(bench);
    rows.push(row);
    if (!json) console.log(render(bench.label, row));
  }
  if (json) console.log(JSON.stringify(rows, null, 2));
  return rows.every((row) => row.met) ? 0 : 1;
}

/** Times one case of the tree in the current folder. */
export function timeCase(bench: CaseRef): Row {
  return { ...measureCase<Figure>('.', 'time', bench), file: bench.file };
}

function render(label: string, row: Row): string {
  const bound = row.atMost === null ? '' : `${row.atMost}${row.met ? '' : ' MISSED'}`;
  return line(label, row.tested.best.toFixed(1), row.limit.best.toFixed(1), row.ratio.toFixed(2), bound, row.limitName);
}

function line(name: string, ...cells: string[]): string {
  return `${name.padEnd(64)} ${cells.map((cell) => cell.padStart(11)).join(' ')}`;
}
