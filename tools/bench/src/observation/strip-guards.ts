/** A condition that asks whether somebody looks: `ring.on`, `dev.observers !== 0`, `dev.debug !== null`. */
const GUARD = /\.(?:on|observers !== 0|debug !== null)(?!\w)/;
const STARTS_IF = /^( *)if \(/;
const ALONE = /^!?[\w.#]+\.(?:on|observers !== 0|debug !== null)$/;

/** A source without its trace points and checkers, and how many there were. */
export interface Stripped {
  readonly source: string;
  readonly guards: number;
}

/**
 * Takes every statement out of a formatted source that runs only while somebody looks: `if (ring.on) ring.mapped(...)`,
 * with its block where it has one. Of `if (!ring.on) return` the return stays, unconditionally.
 *
 * @throws {Error} for a guard of a form that it does not know, rather than leave it in
 */
export function stripGuards(source: string): Stripped {
  const lines = source.split('\n');
  const kept: string[] = [];
  let guards = 0;
  for (let at = 0; at < lines.length; at++) {
    const indent = STARTS_IF.exec(lines[at])?.[1];
    const end = indent === undefined ? -1 : closingParenthesis(lines[at], indent.length + 3);
    const condition = lines[at].slice((indent?.length ?? 0) + 4, end);
    if (indent === undefined || end < 0 || !GUARD.test(condition)) {
      kept.push(lines[at]);
      continue;
    }
    const body = lines[at].slice(end + 1).trim();
    guards++;
    if (runsUnobserved(condition)) kept.push(indent + body);
    else if (!body.endsWith(';')) at = lastLineOf(lines, at, body.endsWith('{') ? `${indent}}` : '');
  }
  return { source: kept.join('\n'), guards };
}

/** True for "nobody looks", false for a condition that is never true while nobody does. */
function runsUnobserved(condition: string): boolean {
  const alternatives = condition.split(' || ');
  if (alternatives.length === 1 && ALONE.test(condition)) return condition.startsWith('!');
  const needed = alternatives.every((terms) => terms.split(' && ').some((term) => ALONE.test(term) && term[0] !== '!'));
  if (!needed) throw new Error(`a guard that nobody knows how to take out: ${condition}`);
  return false;
}

function closingParenthesis(line: string, open: number): number {
  let depth = 0;
  for (let at = open; at < line.length; at++) {
    if (line[at] === '(') depth++;
    else if (line[at] === ')' && --depth === 0) return at;
  }
  return -1;
}

/** A block ends at the brace below its `if`; a lone statement on the next line that ends in a semicolon. */
function lastLineOf(lines: readonly string[], from: number, brace: string): number {
  const length = lines.slice(from + 1).findIndex((line) => (brace === '' ? line.endsWith(';') : line === brace));
  if (length < 0) throw new Error(`a guarded statement has no end: ${lines[from].trim()}`);
  return from + 1 + length;
}
