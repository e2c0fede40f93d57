import { describe, expect, it } from 'vitest';
import { RecordingPagingDomain } from '../testing/recording-paging-domain.ts';
import { DmaDomain } from './dma-domain.ts';
import { gatherAddPage } from './iommu-map.ts';
import { IotlbGather } from './iotlb-gather.ts';
import { KernelContext } from './kernel-context.ts';
import { MsiCookie, MsiPages } from './msi-pages.ts';
import { X86_MSI_REGION } from './regions/reserved-region.ts';

const device = { name: '0000:00:03.0', busDmaLimit: 0, pci32bitWorkaround: true, minAlignMask: 0 };
const MASK = 2 ** 64;

describe('MSI pages', () => {
  it('I141 maps a doorbell page once, and keeps the offset', () => {
    const paging = new RecordingPagingDomain();
    const msi = new MsiPages(new DmaDomain(new KernelContext(), paging));
    expect(msi.resolve(device, 0x8090040, MASK)).toBe(0xfffff040);
    expect(msi.resolve(device, 0x8090044, MASK)).toBe(0xfffff044);
    expect([...paging.pages]).toEqual([[0xfffff, 0x8090000]]);
  });

  it('I9 a hardware window translates to itself', () => {
    const paging = new RecordingPagingDomain();
    const msi = new MsiPages(new DmaDomain(new KernelContext(), paging));
    msi.addHardwareWindow(X86_MSI_REGION);
    expect(msi.resolve(device, 0xfeeff004, MASK)).toBe(0xfeeff004);
    expect(paging.pages.size).toBe(0);
  });

  it('I141 a failed map gives the address back', () => {
    const paging = new RecordingPagingDomain();
    const msi = new MsiPages(new DmaDomain(new KernelContext(), paging));
    paging.failMap = -12;
    expect(msi.resolve(device, 0x8090040, MASK)).toBe(-12);
    paging.failMap = 0;
    expect(msi.resolve(device, 0x8090040, MASK)).toBe(0xfffff040);
  });

  it('I36 a cookie without allocator goes up, and frees the latest', () => {
    const cookie = new MsiCookie(0x8000000);
    expect([cookie.alloc(4096), cookie.alloc(4096)]).toEqual([0x8000000, 0x8001000]);
    cookie.free(4096);
    expect(cookie.alloc(4096)).toBe(0x8001000);
  });
});

it('I162 a page of another size, or apart from the range, is preceded by a sync; a touching one is not', () => {
  const paging = new RecordingPagingDomain();
  const gather = new IotlbGather();
  for (const [iova, size] of [
    [0x10000, 0x1000],
    [0x11000, 0x1000],
    [0xf000, 0x1000],
    [0x20000, 0x1000],
    [0x200000, 0x200000],
  ]) {
    gatherAddPage(paging, gather, iova, size);
  }
  expect(paging.invalidations).toEqual(['range f000-11fff', 'range 20000-20fff']);
  expect([gather.start, gather.end, gather.pageSize]).toEqual([0x200000, 0x3fffff, 0x200000]);
});
