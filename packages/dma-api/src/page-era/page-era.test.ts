import { DMA_MAPPING_ERROR, type DmaAddr, type PhysAddr } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import type { Device } from '../device/device.ts';
import { PCI_P2PDMA_MAP_BUS_ADDR } from '../p2p.ts';
import { dmaMapSg } from '../sg/map-sg.ts';
import { Scatterlist } from '../sg/scatterlist.ts';
import { FakeP2p } from '../testing/fake-p2p.ts';
import { TestMachine, type TestMachineOptions } from '../testing/test-machine.ts';
import { DMA_ATTR_MMIO } from '../types/attrs.ts';
import { DMA_FROM_DEVICE, DMA_NONE, DMA_TO_DEVICE } from '../types/direction.ts';
import { DmaBugError } from '../types/errors.ts';
import { ALL_ONES, dmaBitMask } from '../types/masks.ts';
import { dmaFront } from './dma-front.ts';
import type { Page } from './page-conversions.ts';
import {
  pageEraMapBvec,
  pageEraMapPage,
  pageEraMapResource,
  pageEraMapSingle,
  pageEraUnmapPage,
  pageEraUnmapResource,
} from './page-era-map.ts';

const WIDE = { dmaMask: ALL_ONES };
const PAGE = 2 as Page;
const BAR = 0xf8000000 as PhysAddr;

/** Counts of [a->p, p->a, descriptor to kernel address] that a step made. */
function counted(machine: TestMachine, step: () => void): number[] {
  const { conversions } = machine.context;
  conversions.reset();
  step();
  return [conversions.physToPageCount, conversions.pageToPhysCount, conversions.pageToVirtCount];
}

function quiet(options: TestMachineOptions = {}): { machine: TestMachine; dev: Device } {
  const machine = new TestMachine({ era: 'page', ...options });
  machine.ring.on = false;
  return { machine, dev: machine.device(WIDE) };
}

const kmsan = { isHighMemory: () => false, check() {}, markInitialised() {} };

describe('the page-based interface as it was', () => {
  it('G1 G10 checks direction and mask, maps page and offset, and traces under its own name', () => {
    const machine = new TestMachine({ era: 'page' });
    const dev = machine.device(WIDE);
    expect(() => pageEraMapPage(dev, PAGE, 0, 64, DMA_NONE)).toThrow(DmaBugError);
    const bare = machine.device({ dmaMask: null });
    expect(pageEraMapPage(bare, PAGE, 0, 64, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(machine.logged('dma_map_page mask').length).toBe(1);
    const address = pageEraMapPage(dev, PAGE, 16, 64, DMA_TO_DEVICE);
    pageEraUnmapPage(dev, address, 64, DMA_TO_DEVICE);
    expect(machine.context.pageEraTrace.lines()).toEqual([
      'dma_map_page: 0000:00:03.0 dir=TO_DEVICE dma_addr=2010 size=64 phys_addr=2010 attrs=',
      'dma_unmap_page: 0000:00:03.0 dir=TO_DEVICE dma_addr=2010 size=64 attrs=',
    ]);
  });

  it.each([
    ['G2 direct', {}, false, [0, 1, 0]],
    ['G3 dma-iommu', {}, true, [0, 1, 0]],
    ['G6 with KMSAN', { kmsan }, false, [0, 1, 1]],
    ['G5 with dma-debug', { options: { dmaApiDebug: true } }, false, [0, 2, 1]],
  ] as const)('%s converts the page so often: %o', (_name, options, translated, counts) => {
    const { machine, dev } = quiet(options);
    const device = translated ? machine.translated(WIDE).dev : dev;
    expect(counted(machine, () => pageEraMapPage(device, PAGE, 0, 64, DMA_TO_DEVICE))).toEqual(counts);
  });

  it('G1 G13 tracing costs another conversion, the arch hook one more where the first test said no', () => {
    const { machine, dev } = quiet();
    machine.ring.on = true;
    expect(counted(machine, () => pageEraMapPage(dev, PAGE, 0, 64, DMA_TO_DEVICE))).toEqual([0, 2, 0]);
    const never = () => false;
    const archMapDirect = {
      mapPhysDirect: never,
      unmapPhysDirect: never,
      mapSgDirect: never,
      unmapSgDirect: never,
      allocDirect: never,
      freeDirect: never,
    };
    const hooked = quiet({ archMapDirect }).machine;
    const { dev: translated } = hooked.translated(WIDE);
    expect(counted(hooked, () => pageEraMapPage(translated, PAGE, 0, 64, DMA_TO_DEVICE))).toEqual([0, 2, 0]);
  });

  it('G2 peer-to-peer pages fail where other memory would bounce', () => {
    const { machine } = quiet({ slots: 128 });
    const dev = machine.device({ dmaMask: dmaBitMask(26) });
    machine.context.p2p = new FakeP2p(BAR, 0x1000, 0, PCI_P2PDMA_MAP_BUS_ADDR);
    expect(pageEraMapPage(dev, (BAR / 4096) as Page, 0, 64, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(pageEraMapPage(dev, 0x10000 as Page, 0, 64, DMA_TO_DEVICE)).toBe(TestMachine.POOL);
  });

  it('G4 a table gets page and offset, and makes its own conversion', () => {
    const { machine } = quiet();
    const dev = machine.device({ dmaOps: {} });
    expect(pageEraMapPage(dev, PAGE, 16, 64, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR); // no map_page at all
    const calls: unknown[][] = [];
    dev.pageOps = {
      mapPage(device, page, offset, ...args) {
        calls.push([page, offset, ...args]);
        return device.context.conversions.pageToPhys(page) + offset;
      },
    };
    expect(counted(machine, () => pageEraMapPage(dev, PAGE, 16, 64, DMA_TO_DEVICE))).toEqual([0, 1, 0]);
    expect(calls).toEqual([[2, 16, 64, DMA_TO_DEVICE, 0]]);
  });

  it('G5 keeps page maps as single and resources as resource in dma-debug', () => {
    const { machine, dev } = quiet({ options: { dmaApiDebug: true } });
    const page = pageEraMapPage(dev, PAGE, 0, 64, DMA_TO_DEVICE);
    pageEraMapResource(dev, BAR, 64, DMA_TO_DEVICE);
    const { state: debug } = machine.context.debug!;
    expect(debug.entries.live().map((entry) => debug.entries.type(entry))).toEqual([5, 0]); // by bucket
    pageEraUnmapResource(dev, page, 64, DMA_TO_DEVICE);
    expect(debug.findings.list.map(({ id }) => id)).toEqual(['E12', 'E16']);
  });

  it('G7 a single is the page of its pointer and the offset in it, a bvec its page, offset and length', () => {
    const { machine, dev } = quiet();
    expect(pageEraMapSingle(dev, 0x2345 as KernelPointer, 64, DMA_TO_DEVICE)).toBe(0x2345);
    expect(pageEraMapBvec(dev, { page: PAGE, offset: 8, length: 64 }, DMA_TO_DEVICE)).toBe(0x2008);
    const vmalloc = machine.context.kernelSpace.vmap([0x5000]);
    expect(pageEraMapSingle(dev, vmalloc, 64, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
  });

  it('G8 resources are a path of their own: checked, untranslated, MMIO protection, a callback or nothing', () => {
    const machine = new TestMachine({ era: 'page' });
    const dev = machine.device({ dmaMask: ALL_ONES });
    expect(pageEraMapResource(dev, BAR, 64, DMA_TO_DEVICE)).toBe(BAR);
    pageEraUnmapResource(dev, BAR as number as DmaAddr, 64, DMA_TO_DEVICE);
    expect(pageEraMapResource(machine.device({ dmaMask: dmaBitMask(31) }), BAR, 64, DMA_TO_DEVICE)).toBe(-1);
    const { dev: translated, paging } = machine.translated(WIDE);
    const address = pageEraMapResource(translated, BAR, 4096, DMA_TO_DEVICE);
    expect([...paging.entries.values()][0].prot).toBe(1 | 16);
    pageEraUnmapResource(translated, address, 4096, DMA_TO_DEVICE);
    expect(paging.entries.size).toBe(0);
    const platform = machine.device({ dmaOps: {} });
    expect(pageEraMapResource(platform, BAR, 64, DMA_TO_DEVICE)).toBe(-1);
    platform.pageOps = { mapPage: () => -1, mapResource: () => 0x77000 };
    expect(pageEraMapResource(platform, BAR, 64, DMA_TO_DEVICE)).toBe(0x77000);
    expect(machine.context.pageEraTrace.lines().map((line) => line.split(':')[0])).toEqual([
      'dma_map_resource',
      'dma_unmap_resource',
      'dma_map_resource',
      'dma_map_resource',
      'dma_unmap_resource',
      'dma_map_resource',
      'dma_map_resource',
    ]);
  });

  it('G9 D21 unmap was not told the source either: the slot and the page table knew it then, too', () => {
    const { machine } = quiet({ slots: 128, force: true });
    const dev = machine.device(WIDE);
    const address = pageEraMapPage(dev, PAGE, 0, 64, DMA_FROM_DEVICE);
    machine.memory.fill(address, 64, 7);
    pageEraUnmapPage(dev, address, 64, DMA_FROM_DEVICE);
    expect(machine.memory.load8(0x203f)).toBe(7);
    expect(machine.swiotlb!.used).toBe(0);
  });

  it('G14 a list converts each element once in direct, twice in dma-iommu', () => {
    const { machine, dev } = quiet();
    const list = () =>
      Scatterlist.fromRanges([
        { phys: 0x2000, length: 4096 },
        { phys: 0x9000, length: 4096 },
      ]);
    expect(counted(machine, () => dmaMapSg(dev, list(), 2, DMA_TO_DEVICE))).toEqual([0, 2, 0]);
    const { dev: translated } = machine.translated(WIDE);
    expect(counted(machine, () => dmaMapSg(translated, list(), 2, DMA_TO_DEVICE))).toEqual([0, 4, 0]);
  });
});

describe('one driver on both fronts', () => {
  it.each([
    ['page', [1, 1, 0]],
    ['phys', [0, 0, 0]],
  ] as const)('G13 a vector in the %s era costs %o conversions', (era, counts) => {
    const { machine, dev } = quiet({ era });
    const front = dmaFront(machine.context);
    const map = () => {
      const address = front.mapVector(dev, 0x2345 as PhysAddr, 64, DMA_TO_DEVICE);
      expect(address).toBe(0x2345);
      front.unmapVector(dev, address, 64, DMA_TO_DEVICE);
    };
    expect(counted(machine, map)).toEqual(counts);
  });

  it('passes what the machine put before the era’s calls', () => {
    const sizes: number[] = [];
    const { machine, dev } = quiet({
      era: 'phys',
      wrapFront: (front) => ({
        mapVector(...call) {
          sizes.push(call[2]);
          return front.mapVector(...call);
        },
        unmapVector: (...call) => front.unmapVector(...call),
      }),
    });
    expect(dmaFront(machine.context).mapVector(dev, 0x2345 as PhysAddr, 64, DMA_TO_DEVICE)).toBe(0x2345);
    expect(sizes).toEqual([64]);
  });

  it('G11 G12 G16 memory without a descriptor fails at once as a page, and maps by address or as a resource', () => {
    const { machine, dev } = quiet();
    expect(dmaFront(machine.context).mapVector(dev, BAR, 64, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(dmaFront(machine.context).mapVector(dev, BAR, 64, DMA_TO_DEVICE, DMA_ATTR_MMIO)).toBe(BAR);
    dmaFront(machine.context).unmapVector(dev, BAR as number as DmaAddr, 64, DMA_TO_DEVICE, DMA_ATTR_MMIO);
    const modern = quiet({ era: 'phys' });
    expect(dmaFront(modern.machine.context).mapVector(modern.dev, BAR, 64, DMA_TO_DEVICE, DMA_ATTR_MMIO)).toBe(BAR);
  });
});
