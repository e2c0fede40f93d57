import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { IOMMU_MODELS, type IommuKind } from '../machine/parts/iommu-models.ts';
import { machineFacts } from './iova/machine-facts.ts';
import { replayPageTables } from './page-tables.ts';

const fixture = (file: string) => readFileSync(new URL(`../../fixtures/traces/${file}`, import.meta.url));
const { log } = readTrace(gunzipSync(fixture('amd-strict.trace.gz')));

describe('page tables of every kind', () => {
  it.each(Object.keys(IOMMU_MODELS) as IommuKind[])('%s: follow a trace, page by page', (kind) => {
    const { pages, unmaps, residuals } = replayPageTables(log, kind) ?? {};
    expect({ pages, unmaps, residuals }).toEqual({ pages: 5744, unmaps: 839, residuals: [] });
  });

  it.each<[string, IommuKind]>([
    ['amd-strict', 'amd'],
    ['vtd-strict', 'vtd'],
  ])('%s: the boot log says whose they were', (name, kind) => {
    expect(machineFacts(fixture(`${name}.boot.txt`).toString(), 1).iommuKind).toBe(kind);
  });
});
