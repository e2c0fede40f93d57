import { describe, expect, it } from 'vitest';
import { TraceRing } from '../ring/trace-ring.ts';
import { recordReads } from '../testing/sample-events.ts';
import { ChromeTraceWriter, writeChromeTrace } from './chrome-trace.ts';

interface ChromeEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly id?: number;
  readonly ts?: number;
  readonly pid: number;
  readonly args?: Record<string, unknown>;
}

function exported(ring: TraceRing): ChromeEvent[] {
  let text = '';
  writeChromeTrace(ring.toLog().log, (piece) => {
    text += piece;
  });
  return (JSON.parse(text) as { traceEvents: ChromeEvent[] }).traceEvents;
}

function spans(events: readonly ChromeEvent[]): string[] {
  return events
    .filter(({ ph }) => ph === 'b' || ph === 'e')
    .map(({ ph, cat, name, id, ts }) => `${ts} ${ph} ${cat} ${id} ${name}`);
}

function mapped(events: readonly ChromeEvent[]): unknown[] {
  return events.filter(({ ph }) => ph === 'C').map(({ args }) => args?.['bytes']);
}

describe('writeChromeTrace', () => {
  it('shows every event as an instant of its CPU, and commands and mappings as spans of their device', () => {
    const ring = new TraceRing(16);
    ring.setCpu(3);
    recordReads(ring, 1);
    const events = exported(ring);
    const instants = events.filter(({ ph }) => ph === 'i');
    expect(instants).toHaveLength(9);
    expect(instants[2]).toMatchObject({ name: 'dma_map_phys', tid: 3, args: { device: '0000:00:03.0', size: 4096 } });
    expect(spans(events)).toEqual([
      '7580063 b command 1 nvme_cmd_read',
      '7580063 b iova 2 4096 bytes',
      '7580063 b mapping 3 4096 bytes',
      '7580063 e iova 2 4096 bytes',
      '7580063 e mapping 3 4096 bytes',
      '7580063 e command 1 nvme_cmd_read',
    ]);
    expect(mapped(events)).toEqual([4096, 4096, 0, 0]);
    const names = events.filter(({ ph }) => ph === 'M').map(({ pid, args }) => `${pid} ${args?.['name']}`);
    expect(names).toEqual(['1 CPUs', '1 CPU 3', '2 nvme0 queue 1', '3 IOMMU', '4 0000:00:03.0']);
  });

  it('T3 ends a mapping where its address is mapped again', () => {
    const ring = new TraceRing(16);
    const device = ring.intern('d');
    ring.dmaMapPhys(device, 1, 0xf000, 512, 0, 0);
    ring.setTime(5);
    ring.dmaMapPhys(device, 1, 0xf000, 4096, 0, 0);
    ring.dmaMapPhys(device, 1, -1, 4096, 0, 0);
    const events = exported(ring);
    expect(spans(events)).toEqual(['0 b mapping 1 512 bytes', '5 e mapping 1 512 bytes', '5 b mapping 2 4096 bytes']);
    expect(mapped(events)).toEqual([512, 0, 4096]);
  });

  it('joins the ends of a scatterlist, and leaves stray ends out', () => {
    const ring = new TraceRing(16);
    const device = ring.intern('d');
    ring.dmaUnmapSg(device, 1, [0x1000], 1, 0);
    ring.dmaMapSg(device, 1, 2, 1, [0xf000], [8192], [0x1000, 0x2000], 0);
    ring.dmaUnmapSg(device, 1, [0x1000, 0x2000], 2, 0);
    expect(spans(exported(ring))).toEqual(['0 b mapping 1 8192 bytes', '0 e mapping 1 8192 bytes']);
  });

  it('ends every range of a two-step mapping with its one unmap, and takes batches', () => {
    const ring = new TraceRing(16);
    let text = '';
    const writer = new ChromeTraceWriter((piece) => {
      text += piece;
    });
    ring.iommuMap(0xf000, 4096, 0x1000);
    ring.iommuMap(0x10000, 8192, 0x8000);
    writer.take(ring.toLog().log);
    ring.clear();
    ring.setTime(7);
    ring.iommuUnmap(0xf000, 12288, 12288);
    ring.iommuUnmap(0x40000, 2 ** 40, 2 ** 40);
    writer.take(ring.toLog().log);
    writer.counter({ track: 'SWIOTLB', name: 'area 0', points: [[0, 3]] });
    writer.end();
    const events = (JSON.parse(text) as { traceEvents: ChromeEvent[] }).traceEvents;
    expect(spans(events)).toEqual([
      '0 b iova 1 4096 bytes',
      '0 b iova 2 8192 bytes',
      '7 e iova 1 4096 bytes',
      '7 e iova 2 8192 bytes',
    ]);
    expect(mapped(events)).toEqual([4096, 12288, 8192, 0, undefined]);
    expect(events.at(-1)).toMatchObject({ ph: 'C', name: 'area 0', pid: 3, ts: 0, args: { value: 3 } });
  });

  it('is valid JSON without events', () => expect(exported(new TraceRing(1))).toHaveLength(1));
});
