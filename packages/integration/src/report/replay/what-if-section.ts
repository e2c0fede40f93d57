import type { SideBySide, WhatIf } from '../../replay/what-if/what-if.ts';
import { html } from '../html.ts';
import { dataTable, plots, type Section } from '../page.ts';
import { lineChart } from '../svg/line-chart.ts';
import { bytes, figure, millis } from '../units.ts';

/** The same requests on another machine, side by side with what was traced. */
export function whatIfSection(
  { machine, figures, failures, swiotlb, untold }: WhatIf,
  traced: WhatIf['swiotlb'],
): Section {
  const columns = [{ name: 'figure', isText: true }, { name: 'traced' }, { name: machine }];
  const rows = figures.map(({ what, unit, traced: here, other }) => [what, inUnit(here, unit), inUnit(other, unit)]);
  const verdict =
    failures === 0
      ? html`<p class="good">Nothing would have failed.</p>`
      : html`<p class="bad">${figure(failures)} mappings would have failed.</p>`;
  const series = [
    ...(traced === null ? [] : [{ name: 'traced', timeline: traced.used }]),
    ...(swiotlb === null ? [] : [{ name: machine, timeline: swiotlb.used }]),
  ];
  const chart =
    series.length === 0
      ? null
      : plots([
          lineChart({ title: 'Slots in use on each.', note: 'The most of each stretch.', unit: 'count', series }),
        ]);
  const notes = untold.map((sentence) => html`<p class="soft">${sentence}</p>`);
  return {
    title: `The same requests on ${machine}`,
    body: html`${verdict}${dataTable(columns, rows)}${chart}${notes}`,
  };
}

function inUnit(value: number | null, unit: SideBySide['unit']): string {
  if (value === null) return '';
  if (unit === 'bytes') return bytes(value);
  if (unit === 'address') return `0x${value.toString(16)}`;
  return unit === 'micros' ? millis(value) : figure(value);
}
