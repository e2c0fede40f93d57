import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as physMemory from './index.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const example = readme.split('```ts\n')[1].split('```')[0];

it('the example of the README is true', () => {
  const body = example
    .replace(/^import [^;]*;\n/m, '')
    .replace(/^(.*); \/\/ => (.*)$/gm, (_, found: string, promised: string) => `found.push([${found}, ${promised}]);`);
  const found: [unknown, unknown][] = [];
  new Function('found', ...Object.keys(physMemory), body)(found, ...Object.values(physMemory));
  expect(found).toHaveLength(5);
  for (const [is, promised] of found) expect(is).toBe(promised);
});
