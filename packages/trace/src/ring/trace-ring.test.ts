import { describe, expect, it } from 'vitest';
import { eventAt } from '../log/event-at.ts';
import { renderBody, renderEvent } from '../render/render-event.ts';
import { TraceRing } from './trace-ring.ts';

function addresses(ring: TraceRing): number[] {
  const { log } = ring.toLog();
  return Array.from({ length: log.length }, (_, i) => log.address(i));
}

describe('TraceRing', () => {
  it('keeps the newest events and says how many are gone', () => {
    const ring = new TraceRing(4);
    for (let n = 0; n < 4; n++) ring.iommuMap(n, 1, 0);
    expect([addresses(ring), ring.toLog().lostEvents]).toEqual([[0, 1, 2, 3], 0]);
    for (let n = 4; n < 11; n++) ring.iommuMap(n, 1, 0);
    expect([addresses(ring), ring.toLog().lostEvents, ring.recorded]).toEqual([[7, 8, 9, 10], 7, 11]);
  });

  it('drops what is older than a list that was overwritten', () => {
    const ring = new TraceRing(8);
    const list = Array.from({ length: 2000 }, (_, n) => n);
    ring.iommuMap(1, 1, 0);
    ring.dmaUnmapSg(0, 1, list, 2000, 0);
    ring.iommuMap(2, 1, 0);
    ring.dmaUnmapSg(0, 1, list, 2000, 0);
    ring.dmaUnmapSg(0, 1, [7, 8], 2, 0);
    expect(ring.toLog()).toMatchObject({ lostEvents: 0 });
    ring.dmaUnmapSg(0, 1, list, 100, 0);
    const { log, lostEvents } = ring.toLog();
    expect(lostEvents).toBe(2);
    expect([log.length, log.address(0), log.physCount(1), log.physAt(1, 1999), log.physAt(2, 1)]).toEqual([
      4, 2, 2000, 1999, 8,
    ]);
  });

  it('stamps events with the context of the moment', () => {
    const ring = new TraceRing(4);
    ring.attachDeviceToDomain(ring.intern('0000:00:03.0'));
    ring.setTask(ring.intern('fio'), 112);
    ring.setCpu(3);
    ring.setFlags(ring.intern('d.h1.'));
    ring.setTime(4_447_572.999);
    ring.attachDeviceToDomain(ring.intern('0000:00:03.0'));
    const { log } = ring.toLog();
    expect([0, 1].map((i) => renderEvent(log, i))).toEqual([
      '          <idle>-0       [000] .....     0.000000: attach_device_to_domain: IOMMU: device=0000:00:03.0',
      '             fio-112     [003] d.h1.     4.447572: attach_device_to_domain: IOMMU: device=0000:00:03.0',
    ]);
  });

  it('I160 prints the end of a range from its start and the bytes mapped, or asked to be unmapped', () => {
    const ring = new TraceRing(4);
    ring.iommuMap(0xfffff000, 0, 0xab5c000);
    ring.iommuUnmap(0xfffff000, 0x1000, 0);
    const { log } = ring.toLog();
    expect([0, 1].map((i) => renderBody(log, i))).toEqual([
      'IOMMU: iova=0x00000000fffff000 - 0x00000000fffff000 paddr=0x000000000ab5c000 size=0',
      'IOMMU: iova=0x00000000fffff000 - 0x0000000100000000 size=4096 unmapped_size=0',
    ]);
  });

  it('D96 lists at most 128 entries of a scatterlist and marks the rest as truncated', () => {
    const ring = new TraceRing(4);
    const list = Array.from({ length: 130 }, (_, n) => n * 4096);
    ring.dmaMapSg(ring.intern('d'), 1, 130, 1, [0xf000], [130 * 4096], list, 0);
    const { log } = ring.toLog();
    expect(eventAt(log, 0)).toMatchObject({ nents: 130, tracedNents: 128, ents: 1, truncated: true });
    expect(log.physCount(0)).toBe(128);
    expect(renderEvent(log, 0)).toContain(' nents=128/130 ents=1/1 [TRUNCATED] dma_addrs={0xf000} sizes={0x82000} ');
  });

  it('forgets events when cleared, not strings', () => {
    const ring = new TraceRing(4);
    const fio = ring.intern('fio');
    ring.iommuMap(1, 1, 0);
    ring.clear();
    expect([ring.toLog().log.length, ring.recorded, ring.intern('fio')]).toEqual([0, 0, fio]);
  });

  it.each([0, 3, -4, 1.5, Number.NaN, 2 ** 25])('refuses a capacity of %d', (capacity) => {
    expect(() => new TraceRing(capacity)).toThrow(expect.objectContaining({ code: 'ERR_TRACE_RING_SIZE' }));
  });
});
