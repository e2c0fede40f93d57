#!/usr/bin/env node
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Figure } from './measure.ts';

const HELP = `usage: pnpm bench [--json] [NAME]

Runs the benchmarks below this folder, one case a process, each beside its limit kernel.
NAME keeps the cases whose "file: name" contains it. Exit code 1 when a case misses its bound.`;

const runOne = fileURLToPath(new URL('./run-one.ts', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
});
if (values.help) console.log(HELP);
else process.exitCode = run(positionals[0] ?? '', values.json ?? false);

interface Row extends Figure {
  readonly file: string;
}

function run(wanted: string, json: boolean): number {
  const rows: Row[] = [];
  if (!json) console.log(line('case', 'ns/op', 'limit ns', 'ratio', 'at most', 'limit'));
  for (const file of globSync('{src,packages/*/src}/**/*.bench.ts').sort()) {
    for (const [index, name] of (child([file]) as string[]).entries()) {
      const label = `${relative('.', file).replace(/(packages\/|src\/|\.bench\.ts)/g, '')}: ${name}`;
      if (!label.includes(wanted)) continue;
      const row = { ...(child([file, String(index)]) as Figure), file };
      rows.push(row);
      if (!json) console.log(render(label, row));
    }
  }
  if (json) console.log(JSON.stringify(rows, null, 2));
  return rows.every((row) => row.met) ? 0 : 1;
}

function child(args: string[]): unknown {
  return JSON.parse(execFileSync(process.execPath, [runOne, ...args], { encoding: 'utf8' }));
}

function render(label: string, row: Row): string {
  const bound = row.atMost === null ? '' : `${row.atMost}${row.met ? '' : ' MISSED'}`;
  return line(label, row.tested.best.toFixed(1), row.limit.best.toFixed(1), row.ratio.toFixed(2), bound, row.limitName);
}

function line(name: string, ...cells: string[]): string {
  return `${name.padEnd(64)} ${cells.map((cell) => cell.padStart(11)).join(' ')}`;
}
