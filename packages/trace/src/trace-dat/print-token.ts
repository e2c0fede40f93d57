/** A token of a print format, which is a piece of C. */
export interface Token {
  readonly kind: 'string' | 'number' | 'name' | 'sign' | 'end';
  /** Of a string, what it denotes. */
  readonly text: string;
}

const TOKEN =
  /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.))'|(0[xX][0-9a-fA-F]+|\d+)[uUlL]*|([A-Za-z_]\w*)|(->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:(),{}[\].]))/y;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0' };

/** The tokens of a print format, an `end` last; undefined when something in it is no token. */
export function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    tokens.push(tokenOf(match));
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

function tokenOf([, string, character, number, name, sign]: RegExpExecArray): Token {
  if (string !== undefined) return { kind: 'string', text: unescaped(string) };
  if (character !== undefined) return { kind: 'number', text: String(unescaped(character).charCodeAt(0)) };
  if (number !== undefined) return { kind: 'number', text: number };
  if (name !== undefined) return { kind: 'name', text: name };
  return { kind: 'sign', text: sign! };
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
}
