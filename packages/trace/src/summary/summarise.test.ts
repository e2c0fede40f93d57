import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../log/utf8.ts';
import { readTrace, TraceReader } from '../reader/trace-reader.ts';
import { Summariser, summarise } from './summarise.ts';
import type { DeviceSummary, TraceSummary } from './trace-summary.ts';

const DEV = '0000:00:03.0';

function text(bodies: readonly string[]): string {
  return bodies.map((body, n) => `             fio-112     [000] .....     4.00000${n}: ${body}\n`).join('');
}

function summaryOf(...bodies: string[]): TraceSummary {
  return summarise(readTrace(encodeUtf8(text(bodies))));
}

function deviceOf(...bodies: string[]): DeviceSummary {
  return summaryOf(...bodies).devices[0]!;
}

const map = (at: string, size = 4096) =>
  `dma_map_phys: ${DEV} dir=TO_DEVICE dma_addr=${at} size=${size} phys_addr=1 attrs=`;
const unmap = (at: string) => `dma_unmap_phys: ${DEV} dir=TO_DEVICE dma_addr=${at} size=4096 attrs=`;
const alloc = (at: string, virt: string) =>
  `dma_alloc: ${DEV} dir=BIDIRECTIONAL dma_addr=${at} size=512 virt_addr=${virt} flags=GFP_KERNEL attrs=`;
const free = (at: string) =>
  `dma_free: ${DEV} dir=BIDIRECTIONAL dma_addr=${at} size=512 virt_addr=00000000d882266a attrs=`;
const mapSg = (phys: string, sizes: string) =>
  `dma_map_sg: ${DEV} dir=TO_DEVICE nents=1/1 ents=2/2 dma_addrs={0x1,0x2} sizes=${sizes} phys_addrs={${phys}} attrs=`;
const unmapSg = (phys: string) => `dma_unmap_sg: ${DEV} dir=TO_DEVICE phys_addrs={${phys}} attrs=`;

describe('summarise', () => {
  it('counts maps, unmaps and bytes, and what stays mapped', () => {
    expect(deviceOf(map('f000', 512), map('e000'), unmap('f000'))).toMatchObject({
      ...{ device: DEV, maps: 2, unmaps: 1, bytesMapped: 4608, failedMaps: 0 },
      ...{ liveMappings: 1, liveBytes: 4096, remaps: 0, strayUnmaps: 0 },
    });
  });

  it('T3 takes maps of a mapped address for unmaps that were left out, not for more mappings', () => {
    expect(deviceOf(map('f000'), map('f000', 512), map('f000', 512))).toMatchObject({
      ...{ maps: 3, liveMappings: 1, liveBytes: 512, remaps: 2 },
    });
  });

  it('D2 counts a map that failed as neither mapped nor live', () => {
    expect(deviceOf(map('ffffffffffffffff'))).toMatchObject({
      maps: 0,
      failedMaps: 1,
      bytesMapped: 0,
      liveMappings: 0,
    });
  });

  it('counts unmaps of what was mapped before the trace began', () => {
    expect(deviceOf(unmap('f000'))).toMatchObject({ unmaps: 1, strayUnmaps: 1, liveMappings: 0 });
  });

  it('D96 pairs scatterlists by physical address, the only one that the unmap shows', () => {
    expect(deviceOf(mapSg('0x7', '{0x10,0x20}'), mapSg('0x8', '{0x1,0x2}'), unmapSg('0x7'))).toMatchObject({
      ...{ maps: 2, unmaps: 1, bytesMapped: 0x33, liveMappings: 1, liveBytes: 3, strayUnmaps: 0 },
    });
  });

  it('keeps allocations apart from mappings, and leaves out those that failed', () => {
    const ok = '00000000d882266a';
    expect(deviceOf(alloc('f000', ok), alloc('e000', ok), alloc('0', '0'.repeat(16)), free('f000'))).toMatchObject({
      ...{ liveAllocations: 1, liveAllocatedBytes: 512, liveMappings: 0, maps: 0 },
    });
  });

  it('S97 counts bounces, I160 page-table traffic', () => {
    const summary = summaryOf(
      `swiotlb_bounced: dev_name: ${DEV} dma_mask=ffffffff dev_addr=0 size=3 FORCE`,
      'map: IOMMU: iova=0x0000000000001000 - 0x0000000000003000 paddr=0x0000000000000000 size=8192',
      'unmap: IOMMU: iova=0x0000000000001000 - 0x0000000000003000 size=8192 unmapped_size=4096',
    );
    expect(summary.devices).toMatchObject([{ bounces: 1, bytesBounced: 3 }]);
    expect(summary.iommu).toEqual({ maps: 1, unmaps: 1, bytesMapped: 8192, bytesUnmapped: 4096 });
    expect([summary.firstMicros, summary.lastMicros]).toEqual([4e6, 4e6 + 2]);
  });

  it('orders names by how often they occur', () => {
    const summary = summaryOf('odd: a', unmap('1'), unmap('2'), 'odder: b', 'odder: c', 'odder: d');
    expect(summary.eventsByName.map(({ name, count }) => `${name} ${count}`)).toEqual([
      'odder 3',
      'dma_unmap_phys 2',
      'odd 1',
    ]);
    expect(summary.unknownEvents).toEqual([
      { name: 'odder', count: 3 },
      { name: 'odd', count: 1 },
    ]);
  });

  it('says what is missing', () => {
    const header = '# entries-in-buffer/entries-written: 3/10   #P:1\n';
    const trace = readTrace(encodeUtf8(`${header}${text([unmap('1')])}CPU:0 [LOST 5 EVENTS]\nnonsense`));
    expect(summarise(trace)).toMatchObject({
      ...{ lines: 4, events: 1, notUnderstood: 1, lostEvents: 5 },
      ...{ overwrittenEvents: 7, missingEvents: 2, endsWithNewline: false },
    });
  });

  it('holds nothing of an empty trace', () => {
    expect(summaryOf()).toMatchObject({
      events: 0,
      firstMicros: null,
      lastMicros: null,
      devices: [],
      missingEvents: 0,
    });
  });

  it('adds batches up to the same', () => {
    const bytes = encodeUtf8(text([map('f000'), map('e000'), unmap('f000'), 'odd: a', alloc('d000', '1'.repeat(16))]));
    const summariser = new Summariser();
    const reader = new TraceReader({ batchEvents: 2, onBatch: ({ log }) => summariser.add(log) });
    reader.push(bytes);
    expect(summariser.result(reader.finish())).toEqual(summarise(readTrace(bytes)));
  });
});
