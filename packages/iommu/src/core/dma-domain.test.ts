import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';
import { fc, test } from '@fast-check/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { RecordingPagingDomain } from '../testing/recording-paging-domain.ts';
import { DmaDomain } from './dma-domain.ts';
import type { IommuDevice } from './iommu-device.ts';
import type { IommuTrace } from './iommu-trace.ts';
import { KernelContext } from './kernel-context.ts';
import { IOMMU_READ, IOMMU_WRITE } from './paging-domain.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const MASK_64 = 2 ** 64;
const PAGE = 4096;

let log: string[];
let context: KernelContext;
let paging: RecordingPagingDomain;
let events: string[];
let device: IommuDevice;

const trace: IommuTrace = {
  on: true,
  iommuMap: (iova, size, phys) => void events.push(`map ${hex(iova)} ${hex(phys)} ${size}`),
  iommuUnmap: (iova, size, unmapped) => void events.push(`unmap ${hex(iova)} ${size} ${unmapped}`),
};

function hex(value: number): string {
  return value.toString(16);
}

function nvme(): IommuDevice {
  return { name: '0000:00:03.0', driver: 'nvme', busDmaLimit: 0, pci32bitWorkaround: true, minAlignMask: 0xfff };
}

function setUp(lazy: boolean): DmaDomain {
  log = [];
  events = [];
  context = new KernelContext({ log: (line) => log.push(line) });
  paging = new RecordingPagingDomain();
  device = nvme();
  return new DmaDomain(context, paging, { lazy, trace });
}

let domain: DmaDomain;
beforeEach(() => {
  domain = setUp(false);
});

describe('mapping', () => {
  it('I46 maps whole granules and keeps the offset', () => {
    expect(domain.mapRange(device, 0x2bb9123, 0x1000, RW, MASK_64)).toBe(0xffffe123);
    expect(events).toEqual(['map ffffe000 2bb9000 8192']);
    expect(domain.iovaToPhys(0xffffe123)).toBe(0x2bb9123);
    expect(domain.iovaToPhys(0xfffff122)).toBe(0x2bba122);
  });

  it('I53 strict: page table, invalidation, then the address is free', () => {
    const handle = domain.mapRange(device, 0x2bb9123, 0x1000, RW, MASK_64);
    domain.unmapRange(handle, 0x1000);
    expect(events.at(-1)).toBe('unmap ffffe000 8192 8192');
    expect(paging.invalidations).toEqual(['range ffffe000-ffffffff']);
    expect(domain.mapRange(device, 0x5000, 0x1000, RW, MASK_64)).toBe(0xffffd000);
    expect(domain.mapRange(device, 0x6000, 0x2000, RW, MASK_64)).toBe(0xffffe000);
  });

  it('I93 I94 lazy: the address waits for the flush', () => {
    domain = setUp(true);
    const handle = domain.mapRange(device, 0x5000, PAGE, RW, MASK_64);
    domain.unmapRange(handle, PAGE);
    expect(domain.iovaToPhys(handle)).toBe(0);
    expect([paging.invalidations, paging.queuedUnmaps]).toEqual([[], 1]);
    expect(domain.mapRange(device, 0x5000, PAGE, RW, MASK_64)).toBe(handle - PAGE);
    context.nowNanos = domain.timerDue;
    domain.runTimers();
    expect(paging.invalidations).toEqual(['all']);
    expect(domain.mapRange(device, 0x5000, PAGE, RW, MASK_64)).toBe(handle);
  });

  it('I46 I154 a failed map leaves nothing behind and returns its address at once, in a lazy domain too', () => {
    domain = setUp(true);
    paging.failMap = -12;
    expect(domain.mapRange(device, 0x5000, PAGE, RW, MASK_64)).toBe(DMA_MAPPING_ERROR);
    expect(events).toEqual(['map fffff000 5000 0', 'unmap fffff000 0 0']);
    paging.failMap = 0;
    expect(domain.mapRange(device, 0x5000, PAGE, RW, MASK_64)).toBe(0xfffff000);
    expect(domain.flushQueue?.waiting).toBe(0);
  });

  it('I154 a failed post-map sync unmaps everything', () => {
    paging.failSyncMap = -5;
    expect(domain.mapRange(device, 0x5000, PAGE, RW, MASK_64)).toBe(DMA_MAPPING_ERROR);
    expect(events).toEqual(['map fffff000 5000 4096', 'unmap fffff000 4096 4096']);
    expect(paging.pages.size).toBe(0);
  });

  it('I46 refuses a device whose alignment exceeds the granule, and says so once', () => {
    device = { ...device, minAlignMask: 0xffff };
    expect(domain.mapRange(device, 0x5000, PAGE, RW, MASK_64)).toBe(DMA_MAPPING_ERROR);
    expect(domain.mapRange(device, 0x5000, PAGE, RW, MASK_64)).toBe(DMA_MAPPING_ERROR);
    expect(log).toHaveLength(1);
  });

  it('I53 counts an unmap that clears another number of bytes', () => {
    domain.unmapRange(0x5000, PAGE);
    expect(domain.unmapMismatches).toBe(1);
  });
});

describe('limits', () => {
  it('I37 the lower of mask and bus limit counts', () => {
    device = { ...device, busDmaLimit: 0xffffff };
    expect(domain.allocIova(device, PAGE, MASK_64)).toBe(0xfff000);
    expect(domain.allocIova({ ...device, busDmaLimit: 0 }, PAGE, 0x7fffff)).toBe(0x7ff000);
  });

  it('I39 I40 without the workaround the first address is the highest of the aperture', () => {
    device.pci32bitWorkaround = false;
    expect(domain.allocIova(device, PAGE, MASK_64)).toBe(0xfffffffff000);
  });

  it('I41 the first failure below 4 GiB clears the flag for that device, for good, with one notice', () => {
    domain.iova.reserve(1, 0xfffff);
    const sibling = { ...nvme(), name: '0000:00:04.0' };
    expect(domain.allocIova(device, PAGE, MASK_64)).toBe(0xfffffffff000);
    expect(domain.allocIova(device, PAGE, MASK_64)).toBe(0xffffffffe000);
    expect([device.pci32bitWorkaround, sibling.pci32bitWorkaround]).toEqual([false, true]);
    expect(log).toEqual(['nvme 0000:00:03.0: Using 48-bit DMA addresses']);
  });
});

describe('two-step', () => {
  it('I84 I88 I91 links without a sync; unlinking invalidates exactly its range, in a lazy domain too', () => {
    domain = setUp(true);
    const iova = domain.allocIova(device, 4 * PAGE, MASK_64);
    expect(domain.linkRange(iova, 0x10000, 2 * PAGE, RW)).toBe(0);
    expect(domain.linkRange(iova + 2 * PAGE, 0x40000, 2 * PAGE, RW)).toBe(0);
    expect(domain.syncRange(iova, 4 * PAGE)).toBe(0);
    domain.unlinkRange(iova, 4 * PAGE);
    expect(paging.invalidations).toEqual(['range ffffc000-ffffffff']);
    domain.freeIova(iova, 4 * PAGE);
    expect(domain.allocIova(device, 4 * PAGE, MASK_64)).toBe(iova);
    expect(domain.flushQueue?.waiting).toBe(0);
  });
});

it('I111 a live strict domain turns lazy: existing mappings queue from their unmap on', () => {
  const handle = domain.mapRange(device, 0x5000, PAGE, RW, MASK_64);
  domain.startFlushQueue();
  domain.unmapRange(handle, PAGE);
  expect(paging.invalidations).toEqual([]);
  expect(domain.flushQueue?.waiting).toBe(1);
});

/** The specification's worked example: allocations of an NVMe probe, in pages. */
describe('worked example', () => {
  const pagesOf = (count: number) => domain.allocIova(device, count * PAGE, MASK_64) / PAGE;
  const mapUnmap = () => {
    const handle = domain.mapRange(device, 0x5000, PAGE, RW, MASK_64);
    domain.unmapRange(handle, PAGE);
    return handle / PAGE;
  };
  const timer = () => {
    context.nowNanos = domain.timerDue;
    domain.runTimers();
  };

  it('lazy: steps 1 to 22', () => {
    domain = setUp(true);
    expect([pagesOf(1), pagesOf(1)]).toEqual([0xfffff, 0xffffe]);
    expect(Array.from({ length: 6 }, mapUnmap)).toEqual([0xffffd, 0xffffc, 0xffffb, 0xffffa, 0xffff9, 0xffff8]);
    expect([pagesOf(1), pagesOf(1), pagesOf(4), pagesOf(16)]).toEqual([0xffff7, 0xffff6, 0xffff0, 0xfffe0]);
    timer();
    expect(Array.from({ length: 6 }, mapUnmap)).toEqual([0xffff8, 0xffff9, 0xffffa, 0xffffb, 0xffffc, 0xffffd]);
    timer();
    expect(mapUnmap()).toBe(0xffffd);
    expect(pagesOf(32)).toBe(0xfffc0);
    domain.freeIova(0xfffc0 * PAGE, 32 * PAGE);
    expect(pagesOf(32)).toBe(0xfffc0);
  });

  it('strict: the same page again and again, and holes above the cursor stay unused', () => {
    expect([pagesOf(1), pagesOf(1)]).toEqual([0xfffff, 0xffffe]);
    expect(Array.from({ length: 6 }, mapUnmap)).toEqual(Array(6).fill(0xffffd));
    expect([pagesOf(1), pagesOf(1), pagesOf(4), pagesOf(16)]).toEqual([0xffffd, 0xffffc, 0xffff8, 0xfffe0]);
    expect(pagesOf(1)).toBe(0xfffdf);
  });
});

function pagesOfRange({ handle, size }: { handle: number; size: number }): number[] {
  const pages: number[] = [];
  for (let at = handle - (handle % PAGE); at < handle + size; at += PAGE) pages.push(at);
  return pages;
}

const action = fc.record({
  unmap: fc.boolean(),
  phys: fc.nat(2 ** 31 - 1),
  size: fc.integer({ min: 1, max: 40_000 }),
  pick: fc.nat(),
  elapsedMicros: fc.nat(3000),
});

test.prop([fc.array(action, { minLength: 20, maxLength: 300 }), fc.boolean()], { numRuns: 40 })(
  'I254 I256 every live byte translates to its source, unmapped ones do not, and no address returns before its invalidation',
  (actions, lazy) => {
    domain = setUp(lazy);
    const live: { handle: number; phys: number; size: number }[] = [];
    const unflushed = new Set<number>();
    let flushesSeen = 0;
    const noteFlush = () => {
      if (paging.invalidations.length > flushesSeen) unflushed.clear();
      flushesSeen = paging.invalidations.length;
    };
    for (const { unmap, phys, size, pick, elapsedMicros } of actions) {
      context.nowNanos += elapsedMicros * 1000;
      if (domain.timerDue <= context.nowNanos) domain.runTimers();
      noteFlush();
      const victim = unmap ? live.splice(pick % Math.max(1, live.length), 1)[0] : undefined;
      if (victim !== undefined) {
        domain.unmapRange(victim.handle, victim.size);
        expect(domain.iovaToPhys(victim.handle)).toBe(0);
        noteFlush(); // a full ring is flushed before the new range enters it
        if (lazy) for (const page of pagesOfRange(victim)) unflushed.add(page);
      }
      if (unmap) continue;
      const handle = domain.mapRange(device, phys, size, RW, MASK_64);
      for (const page of pagesOfRange({ handle, size })) expect(unflushed.has(page)).toBe(false);
      live.push({ handle, phys, size });
      for (const mapping of live) {
        expect(domain.iovaToPhys(mapping.handle)).toBe(mapping.phys);
        expect(domain.iovaToPhys(mapping.handle + mapping.size - 1)).toBe(mapping.phys + mapping.size - 1);
      }
    }
    for (const { handle, size } of live) domain.unmapRange(handle, size);
    expect(paging.pages.size).toBe(0);
    expect(domain.unmapMismatches).toBe(0);
  },
);
