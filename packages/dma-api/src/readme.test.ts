import { readFileSync } from 'node:fs';
import * as physMemory from '@dmalab/phys-memory';
import * as trace from '@dmalab/trace';
import { expect, it } from 'vitest';
import * as dmaApi from './index.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

function block(language: string): string {
  return new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(readme)![1];
}

it('the example of the README prints what the README says', () => {
  const printed: string[] = [];
  const console = { log: (...words: unknown[]) => printed.push(`${words.join(' ')}\n`) };
  const api = { ...physMemory, ...trace, ...dmaApi };
  const body = block('ts').replaceAll(/import (\{.*?\}) from '@dmalab\/[a-z-]+';/gs, 'const $1 = api;');
  new Function('api', 'console', body)(api, console);
  expect(printed.join('')).toBe(block('text'));
});
