/** Markup that is finished: everything that came from outside is escaped in it. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

/** What a template takes: text is escaped, markup is not, null leaves no trace. */
export type HtmlValue = Html | string | number | null | readonly Html[];

/** Markup with holes: html`<td>${device}</td>`. Names in traces are whatever a kernel printed, so text is always escaped. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = strings[0];
  for (const [i, value] of values.entries()) markup += render(value) + strings[i + 1];
  return new Html(markup);
}

function render(value: HtmlValue): string {
  if (value === null) return '';
  if (value instanceof Html) return value.markup;
  if (typeof value === 'object') return value.map(({ markup }) => markup).join('');
  return escapeText(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
