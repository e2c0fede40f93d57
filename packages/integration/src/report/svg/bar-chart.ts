import { type Html, html } from '../html.ts';
import { inUnit, type Unit } from '../units.ts';

export interface BarGroup {
  readonly name: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

export interface BarChart {
  readonly title: string;
  readonly note: string;
  readonly unit: Unit;
  readonly groups: readonly BarGroup[];
}

const WIDTH = 440;
const NAME = 118;
const VALUE = 76;
const BAR = 15;
const GAP = 12;

/** Horizontal bars, in groups that share a name; each says its value in figures. */
export function barChart({ title, note, unit, groups }: BarChart): Html {
  const highest = Math.max(0, ...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const height = groups.reduce((sum, { bars }) => sum + bars.length * BAR + GAP, 0);
  let y = 0;
  const drawn = groups.map(({ name, bars }) => {
    const top = y;
    y += bars.length * BAR + GAP;
    const middle = top + (bars.length * BAR) / 2;
    return html`<text x="0" y="${middle}" dy=".35em">${name}</text>${bars.map((bar, i) =>
      drawBar(bar, i, top + i * BAR, highest, unit),
    )}`;
  });
  const isGrouped = groups.some(({ bars }) => bars.length > 1);
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map((bar) => bar.name)))];
  return html`<figure class="plot">
<figcaption><b>${title}</b> ${note}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">${drawn}</svg>
${!isGrouped ? null : html`<ul class="legend">${names.map(swatch)}</ul>`}
</figure>`;
}

function drawBar(
  { name, value }: BarGroup['bars'][number],
  index: number,
  y: number,
  highest: number,
  unit: Unit,
): Html {
  const length = highest === 0 ? 0 : (value / highest) * (WIDTH - NAME - VALUE);
  const end = Math.round((NAME + length) * 10) / 10;
  return html`<rect class="bar s${index}" x="${NAME}" y="${y + 1}" width="${Math.round(length * 10) / 10}" height="${BAR - 2}"><title>${name}</title></rect><text x="${end + 5}" y="${y + BAR / 2}" dy=".35em">${inUnit(value, unit)}</text>`;
}

function swatch(name: string, index: number): Html {
  return html`<li><svg viewBox="0 0 28 10" aria-hidden="true"><rect class="bar s${index}" x="1" width="26" height="10"/></svg>${name}</li>`;
}
