import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace, type Trace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { AddressSearch } from './iova/address-search.ts';
import { machineFacts } from './iova/machine-facts.ts';
import { iovaOperations } from './iova/operations.ts';
import { replayIova } from './iova.ts';

function fixture(name: string): { trace: Trace; bootText: string } {
  const path = (suffix: string) => new URL(`../../fixtures/traces/${name}.${suffix}`, import.meta.url);
  return {
    trace: readTrace(gunzipSync(readFileSync(path('trace.gz')))),
    bootText: readFileSync(path('boot.txt'), 'utf8'),
  };
}

describe('every address of a real trace is the one that the allocator hands out', () => {
  /** The counts of the specification's table and of I245. */
  const traces = [
    { name: 'strict', mode: 'strict', compared: 846, reordered: 4, flushes: 0, cacheHits: 818, tree: 28 },
    { name: 'amd-strict', mode: 'strict', compared: 846, reordered: 0, flushes: 0, cacheHits: 796, tree: 50 },
    { name: 'vtd-strict', mode: 'strict', compared: 846, reordered: 1, flushes: 0, cacheHits: 802, tree: 44 },
    { name: 'lazy', mode: 'lazy', compared: 846, reordered: 0, flushes: 23, cacheHits: 734, tree: 112 },
    { name: 'vtd-lazy', mode: 'lazy', compared: 846, reordered: 0, flushes: 17, cacheHits: 694, tree: 152 },
    { name: 'vtd-lazy-2cpu', mode: 'lazy', compared: 848, reordered: 0, flushes: 11, cacheHits: 569, tree: 279 },
    { name: 'vtd-untrusted', mode: 'strict', compared: 1950, reordered: 2, flushes: 0, cacheHits: 1897, tree: 53 },
  ];

  it.each(traces)('I240-I246 $name', ({ name, mode, compared, reordered, flushes, cacheHits, tree }) => {
    const { trace, bootText } = fixture(name);
    const agreement = replayIova(trace.log, { bootText, cpus: trace.header.cpus });
    expect(agreement).toMatchObject({
      compared,
      agree: compared,
      exact: compared - reordered,
      reordered,
      unexplained: 0,
    });
    expect(agreement.residuals).toEqual([]);
    expect(agreement.inferredFlushes).toHaveLength(flushes);
    expect(agreement.domains).toHaveLength(1);
    expect(agreement.domains[0]).toMatchObject({ mode, cacheHits, treeAllocations: tree });
  });

  it.each(traces)('finds the mode of $name without a boot log', ({ name, mode, compared }) => {
    const agreement = replayIova(fixture(name).trace.log);
    expect(agreement).toMatchObject({ compared, agree: compared });
    expect(agreement.domains[0]).toMatchObject({ mode, modeFrom: 'trace' });
  });

  it('I243 moves exactly the allocations that an interrupt overtook', () => {
    const moved = (name: string) => replayIova(fixture(name).trace.log).domains[0].moved;
    expect(moved('strict')).toEqual([
      { line: 1959, before: 1955 },
      { line: 2274, before: 2265 },
      { line: 3570, before: 3566 },
      { line: 3939, before: 3935 },
    ]);
    expect(moved('vtd-strict')).toEqual([{ line: 8249, before: 8191 }]);
  });
});

describe('flush instants', () => {
  const lazyLines = [
    49, 73, 86, 1567, 1842, 2184, 2562, 2949, 3336, 3804, 4389, 5010, 5451, 5829, 5910, 6161, 6637, 7106, 7511, 7911,
    8344, 8750, 9143,
  ];
  const lazyFreed = [6, 6, 3, 29, 31, 38, 42, 43, 43, 52, 65, 69, 49, 42, 9, 18, 34, 28, 20, 24, 31, 35, 21];

  it('I245 the inferred ones of lazy.trace are the ones that reproduce it', () => {
    const { inferredFlushes } = replayIova(fixture('lazy').trace.log);
    expect(inferredFlushes.map(({ line }) => line)).toEqual(lazyLines);
    expect(inferredFlushes.map(({ entriesFreed }) => entriesFreed)).toEqual(lazyFreed);
  });

  const schedules = [
    { name: 'lazy', lines: lazyLines, freed: lazyFreed },
    {
      name: 'vtd-lazy',
      lines: [49, 73, 120, 1329, 1628, 2260, 2796, 3498, 4218, 4938, 5649, 5910, 6594, 7265, 7769, 8602, 9378],
      freed: [6, 6, 3, 3, 31, 72, 60, 78, 80, 80, 79, 29, 25, 52, 36, 61, 48],
    },
  ];

  it.each(schedules)(
    'I245 flushes before the given lines of $name, and nowhere else, reproduce it',
    ({ name, lines, freed }) => {
      const { log } = fixture(name).trace;
      const flushes = lines.map((line) => ({ line, cpu: 0 }));
      const search = new AddressSearch(log, iovaOperations(log), machineFacts('', 1), {
        lazy: true,
        wide: false,
        anyCpu: false,
        flushes,
      });
      const { residuals, assumptions } = search.run();
      expect(residuals).toEqual([]);
      expect(assumptions.map(({ entriesFreed }) => entriesFreed)).toEqual(freed);
    },
  );

  it('I245 the inferred ones of vtd-lazy free what the given ones do', () => {
    const { inferredFlushes } = replayIova(fixture('vtd-lazy').trace.log);
    expect(inferredFlushes.map(({ entriesFreed }) => entriesFreed)).toEqual(schedules[1].freed);
    // spec gap: I245 puts the third before line 120; three seconds passed before line 86, so the timer fired before that.
    expect(inferredFlushes[2].line).toBe(86);
  });

  it('I103 nearly all lie at the tick that the timer wheel computes, none earlier', () => {
    const { tickModel } = replayIova(fixture('lazy').trace.log).domains[0];
    expect(tickModel).toMatchObject({ hz: 250, compared: 23, admitted: 22 });
    expect(tickModel?.missed.every(({ lateMillis }) => lateMillis > 0)).toBe(true);
  });
});
