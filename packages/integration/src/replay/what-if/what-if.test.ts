import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../../machine/machine-description.ts';
import { MACHINES } from '../../machine/presets.ts';
import { replayTrace } from '../replay-trace.ts';
import { otherMachine } from './other-machine.ts';
import type { WhatIf } from './what-if.ts';

const folder = new URL('../../../fixtures/traces/', import.meta.url);

function on(name: string, machine: MachineDescription, dmaMaskBits: number | null = null): WhatIf {
  const trace = readTrace(gunzipSync(readFileSync(new URL(`${name}.trace.gz`, folder))));
  const bootText = readFileSync(new URL(`${name}.boot.txt`, folder), 'utf8');
  return replayTrace(trace, { bootText, as: otherMachine(machine, dmaMaskBits) }).whatIf!;
}

const withPool = (swiotlb: string, differences: Partial<MachineDescription> = {}): MachineDescription => ({
  ...MACHINES['x86-swiotlb'],
  commandLine: `swiotlb=${swiotlb}`,
  ...differences,
});

function figures({ figures: rows }: WhatIf, what: string): readonly [number | null, number | null] {
  const { traced, other } = rows.find((row) => row.what === what)!;
  return [traced, other];
}

describe('the same bounced mappings in another pool', () => {
  it('the default pool fails none of those that 1024 slots took', () => {
    const result = on('swiotlb-force-1024', MACHINES['x86-swiotlb']);
    expect(result.failures).toBe(0);
    expect(result.swiotlb).toMatchObject({ slotCount: 32768, mappings: 2491, failures: 0 });
    expect(figures(result, 'slots of the pool')).toEqual([1024, 32768]);
    expect(figures(result, 'slots in use at most')).toEqual([726, 726]);
  });

  it('a pool of the traced size and areas does what the traced one did', () => {
    const { swiotlb } = on('swiotlb-force-1024', withPool('1024,force'));
    expect(swiotlb).toMatchObject({ slotCount: 1024, failures: 0, highWater: { usedSlots: 726, line: 9932 } });
  });

  it('S46 a pool below the most slots in use fails, by line and with who holds it', () => {
    const { failures, swiotlb } = on('swiotlb-force-1024', withPool('512,force'));
    expect(failures).toBeGreaterThan(0);
    expect(swiotlb!.highWater.usedSlots).toBeLessThanOrEqual(512);
    const [first] = swiotlb!.firstFailures;
    expect(first.usedSlots + first.wantedSlots).toBeGreaterThan(512 - 128);
    expect(first.holders.length).toBeGreaterThan(0);
  });

  it('the default pool takes the mapping that 512 slots could not', () => {
    const result = on('vtd-untrusted', MACHINES['x86-swiotlb']);
    expect(figures(result, 'mappings that failed')).toEqual([1, 0]);
  });

  it.each([
    ['4096,8,force', 2],
    ['32768,8,force', 0],
  ])('S40 with swiotlb=%s the next area takes %i mappings that the own one could not', (swiotlb, foreignArea) => {
    expect(on('swforce', withPool(swiotlb)).swiotlb).toMatchObject({ areaCount: 8, failures: 0, foreignArea });
  });
});

describe('whether anything bounces', () => {
  it('S24 a device of 32 bits with all its buffers below 4 GiB needs no pool unless it is forced', () => {
    const result = on('bounce-32bit-ide', MACHINES['x86-direct']);
    expect(figures(result, 'bounced mappings')).toEqual([864, 0]);
    expect(result).toMatchObject({ failures: 0, swiotlb: null });
  });

  it('S25 with a narrower mask what lies above it bounces, and fails where there is no pool', () => {
    const result = on('bounce-32bit-ide', MACHINES['x86-direct'], 24);
    const [, bounced] = figures(result, 'bounced mappings');
    expect(bounced).toBeGreaterThan(0);
    expect(result.failures).toBe(bounced);
  });

  it('S28 behind an IOMMU nothing bounces for a trusted device', () => {
    const result = on('swiotlb-force', MACHINES['x86-vtd']);
    expect(figures(result, 'bounced mappings')[1]).toBe(0);
    expect(figures(result, 'unmaps that waited')).toEqual([null, 0]);
  });
});

describe('the same unmaps under another policy', () => {
  it('I93 strict instead of lazy: one invalidation for each unmap, and nothing exposed', () => {
    const result = on('vtd-lazy', MACHINES['x86-vtd-strict']);
    const [lazy, strict] = figures(result, 'invalidations');
    expect(strict).toBe(839);
    expect(lazy).toBeLessThan(839 / 5);
    expect(figures(result, 'pages reachable after unmap')[1]).toBe(0);
    expect(figures(result, 'longest exposure')[1]).toBe(0);
  });

  it('I103 lazy instead of strict: exposures end when the timer says so', () => {
    const result = on('vtd-strict', MACHINES['x86-vtd']);
    expect(figures(result, 'longest exposure')).toEqual([0, 16_300]);
    expect(figures(result, 'ranges queued at most')[1]).toBeGreaterThan(0);
  });

  it('I229 an untrusted device stays strict, and bounces, on a lazy machine', () => {
    const result = on('vtd-untrusted', withPool('512,force', { iommu: 'lazy' }));
    expect(figures(result, 'longest exposure')[1]).toBe(0);
    expect(figures(result, 'bounced mappings')).toEqual([2617, 2617]);
  });
});

describe('the addresses that another machine hands out', () => {
  it('are the traced ones where nothing is different', () => {
    const result = on('vtd-strict', MACHINES['x86-vtd-strict']);
    for (const what of ['IOVAs from the caches', 'IOVAs from the tree', 'lowest IOVA', 'IOVAs spread over']) {
      const [here, there] = figures(result, what);
      expect([what, there]).toEqual([what, here]);
    }
  });

  it('I94 reach further down where unmapped ranges wait for a flush', () => {
    const [strict, lazy] = figures(on('vtd-strict', MACHINES['x86-vtd']), 'lowest IOVA');
    expect(lazy).toBeLessThan(strict!);
  });

  it('I37 lie below a narrower mask, and are missed where that holds too few', () => {
    const narrow = on('vtd-strict', MACHINES['x86-vtd-strict'], 24);
    expect(figures(narrow, 'lowest IOVA')[1]).toBeLessThan(2 ** 24);
    expect(narrow.failures).toBe(0);
  });

  it('come for a trace without IOMMU too', () => {
    const [here, there] = figures(on('swiotlb-force', MACHINES['x86-vtd']), 'IOVAs from the caches');
    expect(here).toBeNull();
    expect(there).toBeGreaterThan(1000);
  });
});

it('says that unmaps which a driver left out are not in the trace', () => {
  const { untold } = on('direct', MACHINES['x86-swiotlb']);
  expect(untold[0]).toMatch(/^0000:00:03\.0: unmaps that change nothing were left out/);
});
