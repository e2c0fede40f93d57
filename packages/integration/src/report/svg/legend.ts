import { type Html, html } from '../html.ts';

/** Which line is which; nothing for a single one, which the title names. */
export function legend(names: readonly string[]): Html | null {
  if (names.length < 2) return null;
  const entries = names.map(
    (name, i) =>
      html`<li><svg viewBox="0 0 28 10" aria-hidden="true"><path class="line s${i}" d="M1 5H27"/></svg>${name}</li>`,
  );
  return html`<ul class="legend">${entries}</ul>`;
}
