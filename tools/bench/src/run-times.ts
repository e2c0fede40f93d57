import { type CaseRef, findCases, measureCase } from './cases.ts';
import { type Figure, joined } from './measure.ts';
import type { QuantityFigure } from './quantity.ts';

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
  const quantities = findCases('.', wanted, 'quantity').map((bench) => {
    const figure = measureCase<QuantityFigure>('.', 'quantity', bench);
    if (!json) console.log(renderQuantity(bench.label, figure));
    return { ...figure, file: bench.file };
  });
  if (json) console.log(JSON.stringify([...rows, ...quantities], null, 2));
  return [...rows, ...quantities].every(({ met }) => met) ? 0 : 1;
}

/** Times one case of the tree in the current folder. */
export function timeCase(bench: CaseRef): Row {
  let figure = measureCase<Figure>('.', 'time', bench);
  for (let process = 1; process < figure.processes; process++) {
    figure = joined(figure, measureCase<Figure>('.', 'time', bench));
  }
  return { ...figure, file: bench.file };
}

function render(label: string, row: Row): string {
  const bound = row.atMost === null ? '' : `${row.atMost}${row.met ? '' : ' MISSED'}`;
  return line(label, row.tested.best.toFixed(1), row.limit.best.toFixed(1), row.ratio.toFixed(2), bound, row.limitName);
}

function renderQuantity(label: string, { value, unit, atMost, atLeast, met }: QuantityFigure): string {
  const bounds = [atMost === null ? '' : `at most ${atMost}`, atLeast === null ? '' : `at least ${atLeast}`];
  return `${label.padEnd(64)} ${value.toFixed(2)} ${unit}  ${bounds.join('')}${met ? '' : ' MISSED'}`;
}

function line(name: string, ...cells: string[]): string {
  return `${name.padEnd(64)} ${cells.map((cell) => cell.padStart(11)).join(' ')}`;
}
