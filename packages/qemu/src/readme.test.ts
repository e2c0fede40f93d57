import { runReadmeExample } from '@dmalab/readme';
import { expect, it } from 'vitest';
import * as api from './index.ts';
import { missing } from './testing/qemu-iommus.ts';

it.skipIf(missing(api.Q35, 'nvme') !== '')('the example of the README prints what the README says', () => {
  const readme = new URL('../README.md', import.meta.url);
  const { printed, promised } = runReadmeExample(readme, { '@dmalab/qemu': api });
  expect(printed).toBe(promised);
});
