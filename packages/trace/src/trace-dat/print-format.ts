import { type Token, tokenize } from './print-token.ts';

/** A C expression in a print format. */
export type Expression =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  /** `{ value, "name" }` in a table of symbols. */
  | { readonly kind: 'pair'; readonly items: readonly Expression[] }
  | { readonly kind: 'cast'; readonly type: string; readonly operand: Expression }
  | { readonly kind: 'unary'; readonly sign: string; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly sign: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'index'; readonly array: Expression; readonly at: Expression }
  | {
      readonly kind: 'choice';
      readonly test: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    };

/** Binary operators by how tightly they bind, loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

const TYPE_NAME = /^(?:(?:un)?signed|char|short|int|long|void|const|struct|enum|union|bool|[us]\d+|__[us]\d+|\w+_t)$/;

/** The arguments of a `print fmt:` line, the format string first; undefined when it isn't C that we know. */
export function parsePrintFormat(text: string): readonly Expression[] | undefined {
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  try {
    const parser = new Parser(tokens);
    const args = parser.list('');
    return args[0]?.kind === 'string' ? args : undefined;
  } catch (error) {
    if (error instanceof PrintSyntaxError) return undefined;
    throw error;
  }
}

/** Stays inside this file: a print format that can't be parsed is a fact about the trace, not a failure. */
class PrintSyntaxError extends Error {}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Expressions separated by commas up to `close`, which is stepped over; '' is the end of the text. */
  list(close: string): Expression[] {
    const items: Expression[] = [];
    if (this.#accept(close)) return items;
    do items.push(this.#expression());
    while (this.#accept(','));
    this.#require(close);
    return items;
  }

  #expression(): Expression {
    const test = this.#binary(0);
    if (!this.#accept('?')) return test;
    const yes = this.#expression();
    this.#require(':');
    return { kind: 'choice', test, yes, no: this.#expression() };
  }

  #binary(level: number): Expression {
    const signs = LEVELS[level];
    if (signs === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const { kind, text } = this.#peek();
      if (kind !== 'sign' || !signs.includes(text)) return left;
      this.#at++;
      left = { kind: 'binary', sign: text, left, right: this.#binary(level + 1) };
    }
  }

  #unary(): Expression {
    for (const sign of ['-', '~', '!', '+', '*', '&']) {
      if (this.#accept(sign)) return { kind: 'unary', sign, operand: this.#unary() };
    }
    const type = this.#castType();
    if (type !== '') return { kind: 'cast', type, operand: this.#unary() };
    let value = this.#primary();
    while (this.#accept('[')) {
      value = { kind: 'index', array: value, at: this.#expression() };
      this.#require(']');
    }
    return value;
  }

  /** The type between parentheses, stepped over; '' when these parentheses hold something else. */
  #castType(): string {
    if (this.#peek().text !== '(' || this.#peek().kind !== 'sign') return '';
    const words: string[] = [];
    let at = this.#at + 1;
    for (; this.#tokens[at]!.text !== ')'; at++) {
      const { kind, text } = this.#tokens[at]!;
      const isTypeWord =
        kind === 'name' && (TYPE_NAME.test(text) || words.at(-1) === 'enum' || words.at(-1) === 'struct');
      if (!isTypeWord && text !== '*') return '';
      words.push(text);
    }
    if (words.length === 0) return '';
    this.#at = at + 1;
    return words.join(' ');
  }

  #primary(): Expression {
    const { kind, text } = this.#peek();
    this.#at++;
    if (kind === 'number') return { kind, value: BigInt(text) };
    if (kind === 'string') return { kind, value: text + this.#moreStrings() };
    if (kind === 'name') return this.#named(text);
    if (text === '{') return { kind: 'pair', items: this.list('}') };
    if (text !== '(' || kind !== 'sign') throw new PrintSyntaxError(text);
    const inner = this.#expression();
    this.#require(')');
    return inner;
  }

  #named(name: string): Expression {
    if (name === 'REC') {
      this.#require('->');
      return { kind: 'field', name: this.#name() };
    }
    return this.#accept('(') ? { kind: 'call', name, args: this.list(')') } : { kind: 'name', name };
  }

  /** Adjacent strings are one. */
  #moreStrings(): string {
    let more = '';
    for (; this.#peek().kind === 'string'; this.#at++) more += this.#peek().text;
    return more;
  }

  #name(): string {
    const { kind, text } = this.#peek();
    if (kind !== 'name') throw new PrintSyntaxError(text);
    this.#at++;
    return text;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #accept(sign: string): boolean {
    const { kind, text } = this.#peek();
    if (text !== sign || (kind !== 'sign' && kind !== 'end')) return false;
    this.#at++;
    return true;
  }

  #require(sign: string): void {
    if (!this.#accept(sign)) throw new PrintSyntaxError(sign);
  }
}
