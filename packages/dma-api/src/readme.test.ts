import * as physMemory from '@dmalab/phys-memory';
import { runReadmeExample } from '@dmalab/readme';
import * as trace from '@dmalab/trace';
import { expect, it } from 'vitest';
import * as api from './index.ts';

it('the example of the README prints what the README says', () => {
  const { printed, promised } = runReadmeExample(new URL('../README.md', import.meta.url), {
    '@dmalab/phys-memory': physMemory,
    '@dmalab/trace': trace,
    '@dmalab/dma-api': api,
  });
  expect(printed).toBe(promised);
});
