import type { Timeline } from '../../replay/diagnosis/timeline.ts';
import { type Html, html } from '../html.ts';
import { inUnit, type Unit } from '../units.ts';
import { axisUpTo, ticksBetween } from './axis.ts';
import { legend } from './legend.ts';

export interface LineSeries {
  readonly name: string;
  readonly timeline: Timeline;
}

export interface LineChart {
  readonly title: string;
  /** What the title leaves open, in a sentence. */
  readonly note: string;
  readonly unit: Unit;
  /** Six at most; the plot says how many it leaves out. */
  readonly series: readonly LineSeries[];
  /** A level that can't be exceeded, drawn across: the size of a pool. */
  readonly limit?: { readonly value: number; readonly name: string };
  /** Instants to mark. */
  readonly marks?: readonly { readonly micros: number; readonly name: string }[];
}

/** Drawn in these units; at 400 px a unit is a little less than a pixel, so text stays legible. */
const WIDTH = 440;
const HEIGHT = 220;
const LEFT = 62;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 26;
const MOST_SERIES = 6;

/** Quantities over the time of a trace, as inline SVG in a figure with title and legend. */
export function lineChart({ title, note, unit, series, limit, marks = [] }: LineChart): Html {
  const shown = series.slice(0, MOST_SERIES);
  const plot = new Plot(shown, unit, limit?.value ?? 0);
  const left = series.length - shown.length;
  return html`<figure class="plot">
<figcaption><b>${title}</b> ${note}${left > 0 ? ` ${left} smaller ones are left out.` : ''}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
${plot.grid()}
${shown.map(({ timeline }, i) => plot.line(timeline, i, shown.length === 1))}
${limit === undefined ? null : plot.limit(limit.value, limit.name)}
${marks.map(({ micros, name }) => plot.mark(micros, name))}
</svg>
${legend(shown.map(({ name }) => name))}
</figure>`;
}

class Plot {
  readonly #unit: Unit;
  readonly #start: number;
  readonly #end: number;
  readonly #axis;

  constructor(series: readonly LineSeries[], unit: Unit, atLeast: number) {
    const timelines = series.map(({ timeline }) => timeline);
    this.#unit = unit;
    this.#start = Math.min(...timelines.map(({ startMicros }) => startMicros));
    this.#end = Math.max(
      ...timelines.map(({ startMicros, stepMicros, values }) => startMicros + stepMicros * values.length),
    );
    const highest = Math.max(atLeast, ...timelines.flatMap(({ values }) => values));
    this.#axis = axisUpTo(highest, unit);
  }

  grid(): Html {
    const bottom = HEIGHT - BOTTOM;
    const levels = this.#axis.ticks.map((tick) => {
      const y = this.#y(tick);
      return html`<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${y}" dy=".35em" text-anchor="end">${inUnit(tick, this.#unit)}</text>`;
    });
    const times = ticksBetween(this.#start / 1e6, this.#end / 1e6).map(
      (tick) =>
        html`<path class="grid" d="M${this.#x(tick * 1e6)} ${bottom}v4"/><text x="${this.#x(tick * 1e6)}" y="${bottom + 16}" text-anchor="middle">${`${Number(tick.toFixed(6))} s`}</text>`,
    );
    return html`${levels}${times}`;
  }

  /** Steps: a value holds for its whole stretch. */
  line({ startMicros, stepMicros, values }: Timeline, index: number, filled: boolean): Html {
    const steps = values.map(
      (value, i) =>
        `${i === 0 ? 'M' : 'L'}${this.#x(startMicros + i * stepMicros)} ${this.#y(value)}` +
        `H${this.#x(startMicros + (i + 1) * stepMicros)}`,
    );
    const path = steps.join('');
    const floor = `L${this.#x(startMicros + values.length * stepMicros)} ${this.#y(0)}H${this.#x(startMicros)}Z`;
    const area = filled ? html`<path class="area s${index}" d="${path}${floor}"/>` : null;
    return html`${area}<path class="line s${index}" d="${path}"/>`;
  }

  limit(value: number, name: string): Html {
    const y = this.#y(value);
    return html`<path class="limit" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/><text class="limit" x="${LEFT + 4}" y="${y + 12}">${name}</text>`;
  }

  mark(micros: number, name: string): Html {
    const x = this.#x(micros);
    return html`<path class="mark" d="M${x} ${TOP}V${HEIGHT - BOTTOM}"><title>${name}</title></path>`;
  }

  #x(micros: number): number {
    const share = (micros - this.#start) / Math.max(1, this.#end - this.#start);
    return tenth(LEFT + share * (WIDTH - LEFT - RIGHT));
  }

  #y(value: number): number {
    return tenth(HEIGHT - BOTTOM - (value / this.#axis.end) * (HEIGHT - TOP - BOTTOM));
  }
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
