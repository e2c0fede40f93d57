import * as dmaApi from '@dmalab/dma-api';
import * as physMemory from '@dmalab/phys-memory';
import { runReadmeExample } from '@dmalab/readme';
import { expect, it } from 'vitest';
import * as integration from './index.ts';

const MODULES = {
  '@dmalab/dma-api': dmaApi,
  '@dmalab/integration': integration,
  '@dmalab/phys-memory': physMemory,
};

it.each(['../README.md', '../../../docs/tour.md'])('the example of %s prints what it says', (document) => {
  const { printed, promised } = runReadmeExample(new URL(document, import.meta.url), MODULES);
  expect(printed).toBe(promised);
});
