import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import * as dmaApi from '@dmalab/dma-api';
import * as pciP2p from '@dmalab/pci-p2p';
import * as physMemory from '@dmalab/phys-memory';
import { expect, it } from 'vitest';
import * as controller from './controller/index.ts';
import * as blkNvme from './index.ts';

it('the example of the README prints what its comments say', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n(.*?)```/s.exec(readme)![1];
  const expected = [...example.matchAll(/console\.log\(.*\);? ?\/\/ (.*)$/gm)].map(([, text]) => text);
  const printed: string[] = [];
  const console = { log: (...words: unknown[]) => printed.push(words.join(' ')) };
  const api = { ...physMemory, ...pciP2p, ...dmaApi, ...controller, ...blkNvme };
  const body = stripTypeScriptTypes(example).replaceAll(
    /import (\{.*?\}) from '@dmalab\/[a-z0-9/-]+';/gs,
    'const $1 = api;',
  );
  new Function('api', 'console', body)(api, console);
  expect(expected).toHaveLength(2);
  expect(printed).toEqual(expected);
});
