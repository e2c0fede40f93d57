/** A command that a document shows, and what the document says that it prints. */
export interface ShownCommand {
  /** Its words; what stands in single quotes is one. */
  readonly words: readonly string[];
  /** A line `...` stands for any lines, `...` inside a line for any text. */
  readonly promised: string;
}

/**
 * The commands of all `console` blocks of a document, in order. A command is a line after `$ `, goes on after a
 * backslash at its end, and prints what stands under it.
 */
export function shownCommands(markdown: string): ShownCommand[] {
  const blocks = markdown.matchAll(/^```console\n(.*?)^```$/gms);
  return [...blocks].flatMap(([, block]) => commandsOf(block.replaceAll('\\\n', '')));
}

/** The first line of `promised` that `printed` does not hold at its place; null when it is all as promised. */
export function firstUntrueLine(promised: string, printed: string): string | null {
  const text = printed.replace(/[ \t]+$/gm, '').replace(/\n*$/, '\n');
  const lines = promised === '' ? [] : promised.split('\n');
  const patterns = lines.map(patternOf);
  const begins = (count: number, end: string) => new RegExp(`^${patterns.slice(0, count).join('')}${end}`).test(text);
  if (begins(lines.length, '\n*$')) return null;
  return lines.find((_, i) => !begins(i + 1, '')) ?? 'and nothing more';
}

function commandsOf(block: string): ShownCommand[] {
  const [before, ...commands] = `\n${block}`.split('\n$ ');
  if (before !== '') throw new Error(`a console block begins with no command: ${before}`);
  return commands.map((text) => {
    const [command, ...promised] = text.split('\n');
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
    return { words, promised: promised.join('\n').trimEnd() };
  });
}

function patternOf(line: string): string {
  if (line === '...') return '(?:.*\\n)*?';
  const parts = line.trimEnd().split('...');
  return `${parts.map((part) => part.replace(/[^\w\s]/g, '\\$&')).join('.*')}\\n`;
}
