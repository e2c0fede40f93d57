import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readElfCore } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { checkMappings, parseExpectedMappings } from './check-mappings.ts';
import { listDevices } from './list-devices.ts';
import { listMappings } from './list-mappings.ts';
import { parseWalkUnit, type WalkKind } from './walk-kinds.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

/** Tables of real kernels, and every 4 KiB page that an independent walk of the same memory found mapped. */
const SNAPSHOTS: readonly { file: string; kind: WalkKind; pages: number }[] = [
  { file: 'vtd-legacy', kind: 'vtd', pages: 304 },
  { file: 'vtd-scalable', kind: 'vtd', pages: 12_577 },
  { file: 'amd-v1', kind: 'amd', pages: 328 },
  { file: 'smmuv3', kind: 'smmuv3', pages: 801 },
];

describe.each(SNAPSHOTS)('the tables of a real kernel in $file', ({ file, kind, pages }) => {
  const dump = readElfCore(gunzipSync(fixture(`${file}.elf.gz`)));
  const json: { mappings: { device: string }[] } = JSON.parse(fixture(`${file}.expected.json`).toString());
  const unit = parseWalkUnit(kind, json);
  const expected = parseExpectedMappings(json);

  it(`send all ${pages} mapped pages where the kernel meant them`, () => {
    expect(checkMappings(dump, unit, expected)).toEqual({ checked: pages, agree: pages, mismatches: [] });
  });

  it('list every expected page, whatever the sizes of their leaves', () => {
    const listed = new Set<number>();
    for (const sourceId of new Set(expected.map((mapping) => mapping.sourceId))) {
      for (const { iova, lengthBytes } of listMappings(dump, unit, sourceId).ranges) {
        for (let at = iova; at < iova + lengthBytes; at += 4096) listed.add(sourceId * 2 ** 32 + at);
      }
    }
    for (const { sourceId, iova } of expected) expect(listed).toContain(sourceId * 2 ** 32 + (iova - (iova % 4096)));
  });

  it('know every device that has mappings', () => {
    const devices = new Set(listDevices(dump, unit));
    for (const { sourceId } of expected) expect(devices).toContain(sourceId);
  });
});
