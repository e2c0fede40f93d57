import { readFileSync } from 'node:fs';
import * as physMemory from '@dmalab/phys-memory';
import { expect, it } from 'vitest';
import * as api from './index.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

function block(language: string): string {
  return new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(readme)![1]!;
}

it('the example of the README prints what the README says', () => {
  const printed: string[] = [];
  const console = { log: (...words: unknown[]) => printed.push(`${words.join(' ')}\n`) };
  const body = block('ts')
    .replace(/import (\{.*\}) from '@dmalab\/phys-memory';/, 'const $1 = physMemory;')
    .replace(/import (\{.*\}) from '@dmalab\/iommu';/, 'const $1 = api;');
  new Function('physMemory', 'api', 'console', body)(physMemory, api, console);
  expect(printed.join('')).toBe(block('text'));
});
