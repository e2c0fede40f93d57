import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { EventKind, readTrace, type Trace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { replayTrace } from '../replay-trace.ts';
import type { Timeline } from './timeline.ts';

const folder = new URL('../../../fixtures/traces/', import.meta.url);

function load(name: string): { trace: Trace; bootText: string } {
  const trace = readTrace(gunzipSync(readFileSync(new URL(`${name}.trace.gz`, folder))));
  return { trace, bootText: readFileSync(new URL(`${name}.boot.txt`, folder), 'utf8') };
}

function diagnosisOf(name: string) {
  const { trace, bootText } = load(name);
  return replayTrace(trace, { bootText }).diagnosis;
}

const peak = ({ values }: Timeline): number => Math.max(...values);

describe('pressure on the bounce pool', () => {
  it('S90 counts as many slots in use at a failure as the kernel printed', () => {
    const { bootText } = load('vtd-untrusted');
    const message = /buffer is full \(sz: (\d+) bytes\), total (\d+) \(slots\), used (\d+)/.exec(bootText)!;
    const [, size, total, used] = message.map(Number);
    const { slotCount, failures, firstFailures, highWater } = diagnosisOf('vtd-untrusted').swiotlb!;
    expect({ slotCount, failures }).toEqual({ slotCount: total, failures: 1 });
    expect(firstFailures[0]).toMatchObject({ usedSlots: used, wantedSlots: size / 2048, longestFreeRun: 56 });
    expect(firstFailures[0].holders).toEqual([
      { device: '0000:01:00.0', task: 'kworker/0:0H', mappings: 36, slots: 446 },
    ]);
    expect(highWater.usedSlots).toBe(446);
  });

  it.each(['swiotlb-force', 'swiotlb-force-1024', 'bounce-32bit-ide', 'swforce'])(
    '%s: the peak in the plot is the high-water mark, and its holders add up to it',
    (name) => {
      const { used, usedBy, highWater, failures } = diagnosisOf(name).swiotlb!;
      expect(failures).toBe(0);
      expect(peak(used)).toBe(highWater.usedSlots);
      expect(highWater.holders.reduce((sum, { slots }) => sum + slots, 0)).toBe(highWater.usedSlots);
      expect(peak(usedBy[0].timeline)).toBeGreaterThanOrEqual(peak(usedBy.at(-1)!.timeline));
    },
  );
});

describe('IOVA space and deferred invalidation', () => {
  it.each(['strict', 'vtd-strict', 'amd-strict', 'vtd-untrusted'])(
    'I226 %s exposes no page after its unmap',
    (name) => {
      const [{ flushQueue, exposure, mode }] = diagnosisOf(name).iova;
      expect({ mode, flushQueue }).toEqual({ mode: 'strict', flushQueue: null });
      expect(exposure).toMatchObject({ deferredUnmaps: 0, pages: 0, pagesReused: 0, longestMicros: 0 });
      expect(peak(exposure.exposedPages)).toBe(0);
    },
  );

  it.each(['lazy', 'vtd-lazy', 'vtd-lazy-2cpu'])('I232 %s defers one-step unmaps and no two-step unmap', (name) => {
    const { log } = load(name).trace;
    let oneStep = 0;
    let all = 0;
    for (let i = 0; i < log.length; i++) {
      if (log.kind(i) === EventKind.DMA_UNMAP_PHYS) oneStep++;
      if (log.kind(i) === EventKind.UNMAP) all++;
    }
    const [{ exposure, flushQueue }] = diagnosisOf(name).iova;
    expect(exposure).toMatchObject({ deferredUnmaps: oneStep, immediateUnmaps: all - oneStep });
    expect(exposure.classes.reduce((sum, count) => sum + count, 0)).toBe(oneStep);
    expect(flushQueue).toMatchObject({ rangesQueued: oneStep, forcedFlushes: 0 });
    expect(peak(flushQueue!.waiting)).toBe(flushQueue!.mostWaiting);
  });

  it('I103 bounds an exposure by the timer where nothing in the trace does', () => {
    // Between lines 77 and 90 of this trace lie seconds without an event; the timer still fired after 16 ms.
    const [{ exposure }] = diagnosisOf('vtd-lazy-2cpu').iova;
    expect(exposure.longestMicros).toBeGreaterThan(12_000);
    expect(exposure.longestMicros).toBeLessThan(30_000);
  });

  it('says how scattered the space is when most of it is mapped', () => {
    const [{ highWater, lowestPage, mapped, fromCaches, fromTree, allocations }] = diagnosisOf('vtd-lazy').iova;
    expect(peak(mapped)).toBe(highWater.pages * 4096);
    expect(highWater.spanPages).toBeGreaterThanOrEqual(highWater.pages + highWater.largestHolePages);
    expect(lowestPage).toBeLessThan(2 ** 20);
    expect(fromCaches + fromTree).toBe(allocations);
  });

  it('is without domains where no IOMMU translates', () => {
    const { iova, swiotlb, mapped } = diagnosisOf('direct');
    expect({ iova, swiotlb }).toEqual({ iova: [], swiotlb: undefined });
    expect(mapped.map(({ name }) => name)).toEqual(['0000:00:03.0']);
  });
});
