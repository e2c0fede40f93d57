import Table from 'cli-table3';

/** How a command answers: text for people, or `--json` for programs. Nothing else goes to standard output. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

const DEFAULT_COLUMNS = 110;

/** A text after `start`, broken at words where the terminal ends; its further lines begin with `further`. */
export function printWrapped(start: string, text: string, further = `${start}  `): void {
  const columns = process.stdout.columns ?? DEFAULT_COLUMNS;
  let line = start;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      console.log(line);
      line = further;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  console.log(line);
}

export type Cell = string | number;

/** A table without inner rules: the first column names the row, the others are figures, set to the right. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const view = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    chars: { ...NO_RULES, 'mid-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) view.push(row.map((cell) => (typeof cell === 'number' ? figure(cell) : cell)));
  return view.toString();
}

const NO_RULES = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', right: '', 'right-mid': '' },
};

/** Whole numbers with a space every three digits; others with two decimals. */
export function figure(value: number): string {
  if (!Number.isInteger(value)) return value.toFixed(2);
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

const STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes to base 1024, one decimal where it says something. */
export function bytes(value: number): string {
  let step = 0;
  for (; value >= 1024 && step < STEPS.length - 1; step++) value /= 1024;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${STEPS[step]}`;
}

/** 0x and lower-case digits. */
export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
