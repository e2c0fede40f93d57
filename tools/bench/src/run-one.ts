import { pathToFileURL } from 'node:url';
import type { BenchCase } from './bench-case.ts';
import { measure } from './measure.ts';

// A process of its own for one case: `run-one.ts FILE` lists the cases, `run-one.ts FILE INDEX` measures one.
const [file, index] = process.argv.slice(2);
const module: { default: readonly BenchCase[] } = await import(pathToFileURL(file).href);
if (index === undefined) console.log(JSON.stringify(module.default.map((bench) => bench.name)));
else console.log(JSON.stringify(measure(module.default[Number(index)])));
