import { type Html, html } from '../html.ts';
import type { DrawnMachine, DrawnPart, DrawnRoot } from './drawn-machine.ts';

const WIDTH = 440;
const CPUS_WIDTH = 96;
const LINE = 15;
const PADDING = 7;
const GAP = 14;
const INDENT = 18;
/** Mean width of a character at the size of a picture's text, a little more for addresses. */
const CHARACTER = 6.7;

/** A machine drawn from top to bottom: processors and memory, the IOMMU, host bridges, and what is plugged in where. */
export function machinePicture(machine: DrawnMachine): Html {
  const { title, note, roots } = machine;
  const picture = new Picture();
  drawTop(picture, machine);
  for (const root of roots) drawRoot(picture, root);
  return html`<figure class="plot machine">
<figcaption><b>${title}</b> ${note}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${picture.height}" role="img" aria-label="${title}">${picture.drawn}</svg>
</figure>`;
}

/** What has been drawn, and how far down. */
class Picture {
  readonly drawn: Html[] = [];
  height = 1;

  /** A box at `x` with lines of text, the first of them bold; the picture does not grow by it. */
  box(kind: string, x: number, width: number, lines: readonly string[]): number {
    const height = lines.length * LINE + 2 * PADDING - 3;
    const texts = lines.map((line, i) => {
      const y = this.height + PADDING + i * LINE + LINE / 2;
      return html`<text class="${i === 0 ? 'name' : ''}" x="${x + PADDING}" y="${y}" dy=".3em">${fitted(line, width)}</text>`;
    });
    const left = x + 0.5;
    this.drawn.push(
      html`<rect class="box ${kind}" x="${left}" y="${this.height}" width="${width - 1}" height="${height}" rx="3"/>`,
      html`<rect class="edge ${kind}" x="${left}" y="${this.height}" width="3" height="${height}"/>${texts}`,
    );
    return height;
  }

  wire(path: string): void {
    this.drawn.push(html`<path class="wire" d="${path}"/>`);
  }
}

function drawTop(picture: Picture, { cpus, memory, iommu }: DrawnMachine): void {
  if (cpus === null) return;
  const processors = picture.box('cpu', 0, CPUS_WIDTH, [cpus]);
  const width = WIDTH - CPUS_WIDTH - GAP;
  const height = Math.max(processors, picture.box('memory', CPUS_WIDTH + GAP, width, ['memory', ...memory]));
  picture.wire(`M${CPUS_WIDTH} ${picture.height + processors / 2}h${GAP}`);
  picture.height += height;
  drop(picture);
  if (iommu === null) return;
  picture.height += picture.box('iommu', 0, WIDTH, [iommu]);
  drop(picture);
}

/** The way down from memory to what is under it. */
function drop(picture: Picture): void {
  picture.wire(`M${WIDTH / 2} ${picture.height}v${GAP}`);
  picture.height += GAP;
}

function drawRoot(picture: Picture, { name, windows, parts }: DrawnRoot): void {
  picture.height += picture.box('root', 0, WIDTH, [name, ...windows]);
  drawParts(picture, parts, 0);
  picture.height += GAP;
}

function drawParts(picture: Picture, parts: readonly DrawnPart[], depth: number): void {
  const from = picture.height;
  const x = (depth + 1) * INDENT;
  for (const { kind, name, note, parts: below } of parts) {
    picture.height += PADDING;
    const middle = picture.height + LINE;
    picture.wire(`M${x - INDENT / 2} ${from}V${middle}H${x}`);
    picture.height += picture.box(kind, x, WIDTH - x, note === '' ? [name] : [name, note]);
    drawParts(picture, below, depth + 1);
  }
}

/** As much of a text as fits a box. */
function fitted(text: string, width: number): string {
  const most = Math.floor((width - 2 * PADDING) / CHARACTER);
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
