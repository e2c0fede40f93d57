import { Html, html } from './html.ts';
import { STYLE } from './style.ts';

export interface Section {
  readonly title: string;
  readonly body: Html;
}

/** One self-contained page: no script, no font, no picture from elsewhere, so it opens from a disk and prints. */
export function page(title: string, intro: Html, sections: readonly Section[]): string {
  const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="dmalab">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<h1>${title}</h1>
${intro}
${sections.map(({ title: heading, body }) => html`<section><h2>${heading}</h2>${body}</section>`)}
</body>
</html>
`;
  return markup;
}

/** Figures side by side. */
export function cards(entries: readonly (readonly [name: string, value: string])[]): Html {
  return html`<dl class="cards">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Plots side by side where the page is wide enough. */
export function plots(figures: readonly Html[]): Html {
  return html`<div class="plots">${figures}</div>`;
}

export interface Column {
  readonly name: string;
  /** Words, set to the left; figures are set to the right. */
  readonly isText?: boolean;
}

/** A table that scrolls by itself where the page is narrow. */
export function dataTable(columns: readonly Column[], rows: readonly (readonly string[])[]): Html {
  const head = columns.map(({ name, isText }) => html`<th class="${isText ? 'text' : ''}">${name}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>${row.map((cell, i) => html`<td class="${columns[i].isText ? 'text' : ''}">${cell}</td>`)}</tr>\n`,
  );
  return html`<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}
