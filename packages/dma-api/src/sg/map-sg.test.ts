import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import type { Device } from '../device/device.ts';
import { PCI_P2PDMA_MAP_BUS_ADDR, PCI_P2PDMA_MAP_NOT_SUPPORTED, PCI_P2PDMA_MAP_THRU_HOST_BRIDGE } from '../p2p.ts';
import { FakeP2p } from '../testing/fake-p2p.ts';
import { TestMachine } from '../testing/test-machine.ts';
import { DMA_ATTR_REQUIRE_COHERENT } from '../types/attrs.ts';
import { DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../types/direction.ts';
import { EINVAL, EIO, ENOMEM, EOPNOTSUPP, EREMOTEIO } from '../types/errno.ts';
import { dmaBitMask } from '../types/masks.ts';
import { dmaMapSg, dmaMapSgtable, dmaSyncSgForCpu, dmaUnmapSg } from './map-sg.ts';
import { Scatterlist } from './scatterlist.ts';

const WIDE = { dmaMask: dmaBitMask(64) };
const BAR = 0xf8000000;

function list(...ranges: [phys: number, length: number][]): Scatterlist {
  return Scatterlist.fromRanges(ranges.map(([phys, length]) => ({ phys, length })));
}

/** Address and length of each DMA entry. */
function dmaSide(sg: Scatterlist, count = sg.entries.length): [number, number][] {
  return sg.entries.slice(0, count).map((entry) => [entry.dmaAddress, entry.dmaLength]);
}

function mapTable(dev: Device, sg: Scatterlist, attrs = 0): number {
  return dmaMapSgtable(dev, { list: sg, origNents: sg.entries.length, nents: 0 }, DMA_TO_DEVICE, attrs);
}

describe('direct', () => {
  it('D28 maps entry by entry without merging and traces one event (D96)', () => {
    const machine = new TestMachine();
    const sg = list([0x2000, 4096], [0x3000, 512]);
    expect(dmaMapSg(machine.device(WIDE), sg, 2, DMA_FROM_DEVICE)).toBe(2);
    expect(dmaSide(sg)).toEqual([
      [0x2000, 4096],
      [0x3000, 512],
    ]);
    expect(machine.events()).toEqual([
      'dma_map_sg: 0000:00:03.0 dir=FROM_DEVICE nents=2/2 ents=2/2 dma_addrs={0x2000,0x3000} sizes={0x1000,0x200} phys_addrs={0x2000,0x3000} attrs=',
    ]);
  });

  it('D28 D26 undoes earlier entries when one fails: 0 from dma_map_sg, -EIO from dma_map_sgtable, no event (T8)', () => {
    const machine = new TestMachine({ slots: 128 });
    const dev = machine.device({ dmaMask: dmaBitMask(28) });
    const sg = list([0x20000000, 200 * 1024], [0x30000000, 200 * 1024]);
    expect(dmaMapSg(dev, sg, 2, DMA_TO_DEVICE)).toBe(0);
    expect(mapTable(dev, sg)).toBe(EIO);
    expect(machine.swiotlb!.used).toBe(0);
    expect(machine.events().filter((line) => line.startsWith('dma_map_sg'))).toEqual([]);
  });

  it('D28 copies nothing back when it undoes earlier entries', () => {
    const machine = new TestMachine({ slots: 128 });
    const dev = machine.device({ dmaMask: dmaBitMask(28) });
    const copies: number[][] = [];
    machine.memory.copy = (...args) => copies.push(args);
    expect(dmaMapSg(dev, list([0x20000000, 64], [0x30000000, 300 * 1024]), 2, DMA_FROM_DEVICE)).toBe(0);
    expect(copies).toEqual([[TestMachine.POOL, 0x20000000, 64]]);
  });

  it('D28 D29 T60 gives bus addresses without a look at the mask, and unmap takes the mark off', () => {
    const machine = new TestMachine();
    machine.context.p2p = new FakeP2p(BAR, 0x100000, 0x1000000, PCI_P2PDMA_MAP_BUS_ADDR);
    const dev = machine.device({ dmaMask: dmaBitMask(24) });
    const sg = list([BAR + 0x5000, 4096], [0x2000, 4096]);
    expect(dmaMapSg(dev, sg, 2, DMA_TO_DEVICE)).toBe(2);
    expect(dmaSide(sg)[0]).toEqual([BAR + 0x1005000, 4096]);
    expect(sg.entries.map((entry) => entry.busAddress)).toEqual([true, false]);
    dmaUnmapSg(dev, sg, 2, DMA_TO_DEVICE);
    expect(sg.entries[0].busAddress).toBe(false);
  });

  it('D28 refuses peers out of reach with -EREMOTEIO, D30 classifies each provider once', () => {
    const machine = new TestMachine();
    const p2p = new FakeP2p(BAR, 0x100000, 0, PCI_P2PDMA_MAP_NOT_SUPPORTED);
    machine.context.p2p = p2p;
    const dev = machine.device(WIDE);
    expect(mapTable(dev, list([BAR, 4096]))).toBe(EREMOTEIO);
    p2p.type = PCI_P2PDMA_MAP_BUS_ADDR;
    p2p.lookups = 0;
    dmaMapSg(dev, list([BAR, 4096], [0x2000, 4096], [BAR + 4096, 4096]), 3, DMA_TO_DEVICE);
    expect(p2p.lookups).toBe(1);
  });

  it('T9 bounces host-bridge memory like RAM under a forcing allocator', () => {
    const machine = new TestMachine({ slots: 128, force: true });
    machine.context.p2p = new FakeP2p(BAR, 0x100000, 0, PCI_P2PDMA_MAP_THRU_HOST_BRIDGE);
    const sg = list([BAR, 4096]);
    expect(dmaMapSg(machine.device(WIDE), sg, 1, DMA_TO_DEVICE)).toBe(1);
    expect(sg.entries[0].dmaAddress).toBe(TestMachine.POOL);
  });

  it('D56 syncs by the CPU length', () => {
    const machine = new TestMachine({ slots: 128, force: true });
    const dev = machine.device(WIDE);
    const sg = list([0x2000, 64]);
    dmaMapSg(dev, sg, 1, DMA_FROM_DEVICE);
    machine.memory.fill(TestMachine.POOL, 64, 4);
    dmaSyncSgForCpu(dev, sg, 1, DMA_FROM_DEVICE);
    expect(machine.memory.load8(0x203f)).toBe(4);
    expect(machine.events().at(-1)).toBe(
      'dma_sync_sg_for_cpu: 0000:00:03.0 dir=FROM_DEVICE dma_addrs={0x3800000} sizes={0x40}',
    );
  });
});

describe('dma-iommu', () => {
  it('D31 I66 joins entries that meet on a granule into one segment, in one IOVA range', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(WIDE);
    const sg = list([0x2000, 4096], [0x9000, 4096], [0x20800, 2048], [0x5000, 100]);
    expect(dmaMapSg(dev, sg, 4, DMA_TO_DEVICE)).toBe(2);
    const base = 0xffffc000;
    expect(dmaSide(sg)).toEqual([
      [base, 8192],
      [base + 0x2800, 2048 + 100],
      [DMA_MAPPING_ERROR, 0],
      [DMA_MAPPING_ERROR, 0],
    ]);
    expect(paging.iovaToPhys(base + 0x1005)).toBe(0x9005);
    dmaUnmapSg(dev, sg, 4, DMA_TO_DEVICE);
    expect(paging.entries.size).toBe(0);
    expect(machine.events().filter((line) => line.startsWith('unmap')).length).toBe(1);
  });

  it('D31 keeps segments within the largest size of the device', () => {
    const machine = new TestMachine();
    const { dev } = machine.translated({
      ...WIDE,
      dmaParms: { maxSegmentSize: 8192, minAlignMask: 0, segmentBoundaryMask: 0 },
    });
    const sg = list([0x2000, 4096], [0x9000, 4096], [0x20000, 4096]);
    expect(dmaMapSg(dev, sg, 3, DMA_TO_DEVICE)).toBe(2);
    expect(dmaSide(sg, 2).map(([, length]) => length)).toEqual([8192, 4096]);
  });

  it('I63 pads up to a segment boundary, and I66 does not join across it', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated({
      ...WIDE,
      dmaParms: { maxSegmentSize: 65536, minAlignMask: 0, segmentBoundaryMask: 0x3fff },
    });
    const sg = list([0x2000, 0x3000], [0x9000, 0x3000]);
    expect(dmaMapSg(dev, sg, 2, DMA_TO_DEVICE)).toBe(2);
    const [[first], [second]] = dmaSide(sg, 2);
    expect([first % 0x4000, second - first]).toEqual([0, 0x4000]);
    expect(paging.iovaToPhys(first + 0x3000)).toBe(0x5000); // the hole shows what follows the first entry
  });

  it('I68 T60 puts a bus address in a segment of its own without IOVA', () => {
    const machine = new TestMachine();
    machine.context.p2p = new FakeP2p(BAR, 0x100000, 0x100, PCI_P2PDMA_MAP_BUS_ADDR);
    const { dev, paging } = machine.translated(WIDE);
    const sg = list([0x2000, 4096], [BAR, 4096], [0x3000, 4096]);
    expect(dmaMapSg(dev, sg, 3, DMA_TO_DEVICE)).toBe(3);
    expect(dmaSide(sg)[1]).toEqual([BAR + 0x100, 4096]);
    expect(paging.entries.size).toBe(2);
    dmaUnmapSg(dev, sg, 3, DMA_TO_DEVICE);
    expect(paging.entries.size).toBe(0);
    const onlyBus = list([BAR, 4096]);
    expect(dmaMapSg(dev, onlyBus, 1, DMA_TO_DEVICE)).toBe(1);
    expect(paging.calls.filter((call) => call.startsWith('map')).length).toBe(1);
  });

  it('D31 turns page-table errors into -EINVAL, exhaustion stays -ENOMEM, and the list is clean again', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(WIDE);
    paging.failMapsWith = -98;
    const sg = list([0x2000, 4096]);
    expect(mapTable(dev, sg)).toBe(EINVAL);
    expect(dmaSide(sg)).toEqual([[DMA_MAPPING_ERROR, 0]]);
    const narrow = machine.translated({ dmaMask: 0xfff }, false).dev;
    expect(mapTable(narrow, sg)).toBe(ENOMEM);
  });

  it('I69 D31 maps the list of an untrusted device entry by entry', () => {
    const machine = new TestMachine({ slots: 256 });
    const { dev, paging } = machine.translated({ ...WIDE, untrusted: true });
    const sg = list([0x2000, 4096], [0x3000, 100]);
    expect(dmaMapSg(dev, sg, 2, DMA_TO_DEVICE)).toBe(2);
    expect(sg.swiotlb).toBe(true);
    expect(machine.swiotlb!.used).toBe(2);
    dmaUnmapSg(dev, sg, 2, DMA_TO_DEVICE);
    expect([machine.swiotlb!.used, paging.entries.size]).toEqual([0, 0]);
  });
});

describe('the front (D25 to D27)', () => {
  it('D25 checks coherence before the mask, T7 takes a null mask for success with no entries', () => {
    const machine = new TestMachine({ options: { cacheMaintenance: true } });
    const dev = machine.device({ dmaMask: null, dmaCoherent: false });
    const table = { list: list([0x2000, 64]), origNents: 1, nents: 5 };
    expect(dmaMapSgtable(dev, table, DMA_TO_DEVICE, DMA_ATTR_REQUIRE_COHERENT)).toBe(EOPNOTSUPP);
    expect(dmaMapSgtable(dev, table, DMA_TO_DEVICE)).toBe(0);
    expect(table.nents).toBe(0);
    expect(machine.events()).toEqual([]);
  });

  it('D25 T8 turns an unexpected answer of a table into -EIO, with one warning and an event each time', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaOps: { mapSg: () => -99 } });
    expect([mapTable(dev, list([0x2000, 64])), mapTable(dev, list([0x2000, 64]))]).toEqual([EIO, EIO]);
    expect(machine.logged('dma_map_sg result').length).toBe(1);
    expect(machine.events()).toEqual(
      Array<string>(2).fill('dma_map_sg_err: 0000:00:03.0 dir=TO_DEVICE dma_addrs={0x2000} err=-99 attrs='),
    );
  });

  it('D27 T6 T10 traces the original entries before it unmaps', () => {
    const machine = new TestMachine();
    const { dev } = machine.translated(WIDE);
    const sg = list([0x2000, 4096], [0x9000, 4096]);
    dmaMapSg(dev, sg, 2, DMA_TO_DEVICE);
    dmaUnmapSg(dev, sg, 2, DMA_TO_DEVICE);
    const names = machine.events().map((line) => line.split(':')[0]);
    expect(names).toEqual(['map', 'map', 'dma_map_sg', 'dma_unmap_sg', 'unmap']);
    expect(machine.events()[3]).toContain('phys_addrs={0x2000,0x9000}');
  });

  it('D24 the mark of a bounced list stays; entries and DMA entries are counted apart', () => {
    const machine = new TestMachine({ slots: 128 });
    const { dev } = machine.translated({ ...WIDE, untrusted: true });
    const table = { list: list([0x2000, 64]), origNents: 1, nents: 0 };
    expect(dmaMapSgtable(dev, table, DMA_TO_DEVICE)).toBe(0);
    dmaUnmapSg(dev, table.list, 1, DMA_TO_DEVICE);
    expect([table.list.swiotlb, table.nents]).toEqual([true, 1]);
    expect(() => dmaMapSg(dev, table.list, 2, DMA_TO_DEVICE)).toThrow(/2 entries of a list that has 1/);
  });

  it('T32 a WARN-once site speaks once for the machine, whatever the device, until it is reset', () => {
    const machine = new TestMachine();
    for (const name of ['a', 'b'])
      dmaMapSg(machine.device({ dmaMask: null }, name), list([0x2000, 64]), 1, DMA_TO_DEVICE);
    expect(machine.logged('dma_map_sg mask').length).toBe(1);
    machine.context.log.resetOnce();
    dmaMapSg(machine.device({ dmaMask: null }), list([0x2000, 64]), 1, DMA_TO_DEVICE);
    expect(machine.logged('dma_map_sg mask').length).toBe(2);
  });
});
