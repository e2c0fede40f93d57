import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { DMA_ATTR_SKIP_CPU_SYNC, DMA_TO_DEVICE } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import { SwiotlbPool } from '../pool/pool.ts';
import { KernelPool } from '../testing/kernel-pool.ts';
import { deviceKinds, type MapStep, type Scenario, scenario } from '../testing/scenarios.ts';
import { Swiotlb } from './swiotlb.ts';

interface Buffer {
  readonly device: SwiotlbDevice;
  readonly at: number;
  readonly length: number;
}

/** Slots are under test here, not bytes: a copy that does nothing. */
function build({ geometry }: Scenario) {
  const pool = new SwiotlbPool(geometry);
  return { pool, swiotlb: new Swiotlb({ memory: { copy: () => {} }, pool }) };
}

function map(swiotlb: Swiotlb, { kind, orig, length, aam, cpu }: MapStep): Buffer {
  const device = deviceKinds[kind];
  return { device, length, at: swiotlb.tblMapSingle(device, orig, length, aam, DMA_TO_DEVICE, 0, cpu) };
}

function unmap(swiotlb: Swiotlb, { device, at, length }: Buffer): void {
  swiotlb.tblUnmapSingle(device, at, length, DMA_TO_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
}

/** Everything but the search positions. */
function books(pool: SwiotlbPool) {
  const { busy, orig, size, head, areaUsed } = pool;
  return [busy, orig, size, head, areaUsed].map((column) => column.slice());
}

describe('any history of maps and frees', () => {
  test.prop([scenario(250)], { numRuns: 150 })(
    'S40 to S58 give the address or the failure that the rules give slot by slot, and the same books',
    (history) => {
      const { pool, swiotlb } = build(history);
      const { start, slotCount, areaCount } = history.geometry;
      const kernel = new KernelPool(start, slotCount, areaCount);
      const live: Buffer[] = [];
      for (const step of history.steps) {
        if ('kind' in step) {
          const buffer = map(swiotlb, step);
          expect(buffer.at).toBe(kernel.map(buffer.device, step.orig, step.length, step.aam, step.cpu));
          if (buffer.at >= 0) live.push(buffer);
        } else if (live.length > 0) {
          const [victim] = live.splice(step.victim % live.length, 1);
          unmap(swiotlb, victim);
          kernel.free(victim.device, victim.at);
        }
      }
      const slots = Array.from({ length: slotCount }, (_, slot) => slot);
      expect([...pool.areaIndex]).toEqual(kernel.index);
      expect([...pool.areaUsed]).toEqual(kernel.used);
      expect(slots.map((slot) => pool.list(slot))).toEqual(kernel.list);
      expect([...pool.orig]).toEqual(kernel.orig);
      expect([...pool.size]).toEqual(kernel.size);
      expect(slots.map((slot) => pool.pad(slot))).toEqual(kernel.pad);
    },
  );

  test.prop([scenario(120)], { numRuns: 60 })('no two live buffers overlap, and none crosses a segment', (history) => {
    const { pool, swiotlb } = build(history);
    const live = new Set<Buffer>();
    for (const step of history.steps) {
      if ('kind' in step) {
        const buffer = map(swiotlb, step);
        if (buffer.at >= 0) live.add(buffer);
      } else if (live.size > 0) {
        const victim = [...live][step.victim % live.size];
        unmap(swiotlb, victim);
        live.delete(victim);
      }
    }
    const sorted = [...live].sort((a, b) => a.at - b.at);
    for (const [k, { at, length }] of sorted.entries()) {
      expect(at + length).toBeLessThanOrEqual(sorted[k + 1]?.at ?? pool.end);
      expect(Math.floor((at + length - 1 - pool.start) / 0x40000)).toBe(Math.floor((at - pool.start) / 0x40000));
    }
  });

  test.prop([scenario(120)], { numRuns: 40 })(
    'S58 a free restores what the map found, whatever else is live',
    (history) => {
      const { pool, swiotlb } = build(history);
      for (const step of history.steps) {
        if (!('kind' in step)) continue;
        const before = books(pool);
        const buffer = map(swiotlb, step);
        if (buffer.at < 0) {
          expect(books(pool)).toEqual(before); // S35: a failed map changes no state
          continue;
        }
        const index = pool.areaIndex.slice();
        unmap(swiotlb, buffer);
        expect(books(pool)).toEqual(before);
        expect(pool.areaIndex).toEqual(index); // S52: the position never goes back
        map(swiotlb, step); // and keeps it this time
      }
    },
  );
});
