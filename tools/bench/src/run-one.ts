import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { measureAllocations } from './allocations.ts';
import type { BenchCase } from './bench-case.ts';
import type { Mode } from './cases.ts';
import { type Growth, measureGrowth } from './growth.ts';
import { measure } from './measure.ts';
import { measureQuantity, type Quantity } from './quantity.ts';

/** What a `*.bench.ts` file may export. */
interface BenchFile {
  readonly default: readonly BenchCase[];
  readonly growth?: readonly Growth[];
  readonly quantities?: readonly Quantity[];
}

// A process of its own for one case: `run-one.ts MODE FILE` lists the cases, `run-one.ts MODE FILE INDEX` measures one.
const [mode, file, index] = process.argv.slice(2) as [Mode, string, string | undefined];
const { default: cases, growth = [], quantities = [] }: BenchFile = await import(pathToFileURL(resolve(file)).href);
const named = { time: cases, allocations: cases, growth, quantity: quantities }[mode];
console.log(JSON.stringify(index === undefined ? named.map(({ name }) => name) : await result(Number(index))));

function result(at: number): unknown {
  if (mode === 'time') return measure(cases[at]);
  if (mode === 'allocations') return measureAllocations(cases[at]);
  return mode === 'growth' ? measureGrowth(growth[at]) : measureQuantity(quantities[at]);
}
