/** A line of a kernel log, free of what journals, terminals and mails put in front of it. */
export interface LogLine {
  /** From 1. */
  readonly line: number;
  /** Lines of the file that it takes: 2 for an event that was printed in two goes. */
  readonly rows: number;
  readonly text: string;
  /** Kernel time in seconds; null where the line shows none. */
  readonly seconds: number | null;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals colour what dmesg prints.
const COLOURS = /\u001b\[[0-9;]*m/g;
const KERNEL_TIME = /^\[ *(\d+\.\d+)\]/;
const DAY = String.raw`(?:\w{3} )?\w{3} +\d{1,2}(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d+)?`;
const ISO_TIME = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?`;

/** Whatever may stand before the kernel's own words, outermost first or nested in any order. */
const PREFIXES: readonly RegExp[] = [
  /^(?:> ?)+/,
  /^<\d+>(?:1 (?=\d{4}-))?/,
  /^\d+,\d+,(?<micros>\d+),[^;]*;/,
  KERNEL_TIME,
  /^\[ *[TC]\d+\]/,
  /^\[pid:\d+,cpu\d+,[^\]]*\]/,
  /^\[\w{3} \w{3} +\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)? \d{4}\]/,
  new RegExp(String.raw`^\[?${ISO_TIME}\]?`),
  new RegExp(`^${DAY}`),
  /^(?:kern|user|daemon|syslog) *: *\w+ *:/,
  /^(?:(?:\S+ )?(?:vmunix|kernel)(?:\[\d+\])?: ?|\S+ kernel - - - )/,
  /^\d{10}\.\d+ (?=\S+ kernel:)/,
];

/** Splits a log into lines and takes off what stands before the kernel's words: time stamps, levels, hosts, quotes. */
export function readLogLines(text: string): LogLine[] {
  const lines = text.split(/\r\n|\n|\r/).map((content, i) => readLine(content, i + 1));
  return joinSplitEvents(lines);
}

function readLine(content: string, line: number): LogLine {
  let text = messageOf(content.replace(COLOURS, '')).trim();
  let seconds: number | null = null;
  for (let prefix = takePrefix(text); prefix !== null; prefix = takePrefix(text)) {
    seconds ??= prefix.seconds;
    text = text.slice(prefix.length).trimStart();
  }
  return { line, rows: 1, text, seconds };
}

/** The message of a line of `journalctl -o json`; any other line is its own message. */
function messageOf(content: string): string {
  if (!content.startsWith('{')) return content;
  try {
    const { MESSAGE } = JSON.parse(content);
    return typeof MESSAGE === 'string' ? MESSAGE : content;
  } catch {
    return content;
  }
}

function takePrefix(text: string): { length: number; seconds: number | null } | null {
  for (const prefix of PREFIXES) {
    const match = prefix.exec(text);
    if (match === null || match[0].length === 0) continue;
    const seconds = prefix === KERNEL_TIME ? Number(match[1]) : microsToSeconds(match.groups?.['micros']);
    return { length: match[0].length, seconds };
  }
  return null;
}

function microsToSeconds(micros: string | undefined): number | null {
  return micros === undefined ? null : Number(micros) / 1e6;
}

/** Old kernels printed an AMD event in two goes, and a time stamp could come between them. */
function joinSplitEvents(lines: readonly LogLine[]): LogLine[] {
  const joined: LogLine[] = [];
  for (let i = 0; i < lines.length; i++) {
    const next = lines[i + 1];
    if (!lines[i].text.endsWith('Event logged [') || next === undefined) joined.push(lines[i]);
    else joined.push({ ...lines[i++], rows: 2, text: `${lines[i - 1].text}${next.text}` });
  }
  return joined;
}
