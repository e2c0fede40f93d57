import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { measureAllocations } from './allocations.ts';
import type { BenchCase } from './bench-case.ts';
import type { Mode } from './cases.ts';
import type { Growth } from './growth.ts';
import { measureGrowth } from './growth.ts';
import { measure } from './measure.ts';

// A process of its own for one case: `run-one.ts MODE FILE` lists the cases, `run-one.ts MODE FILE INDEX` measures one.
const [mode, file, index] = process.argv.slice(2) as [Mode, string, string | undefined];
const module: { default: readonly BenchCase[]; growth?: readonly Growth[] } = await import(
  pathToFileURL(resolve(file)).href
);
const cases = mode === 'growth' ? (module.growth ?? []) : module.default;
console.log(JSON.stringify(index === undefined ? cases.map(({ name }) => name) : result(Number(index))));

function result(at: number): unknown {
  if (mode === 'growth') return measureGrowth((module.growth ?? [])[at]);
  return mode === 'time' ? measure(module.default[at]) : measureAllocations(module.default[at]);
}
