import { beforeEach, describe, expect, it } from 'vitest';
import { AddressMap } from '../map/address-map.ts';
import { q35AddressMap } from '../map/q35-map.ts';
import { PhysMemory } from '../memory/phys-memory.ts';
import { type DevicePageMap, DevicePages, DevicePageType, EINVAL, ENOMEM, ENXIO } from './device-pages.ts';
import { HighMemoryAccess } from './high-memory.ts';
import { PageAllocator } from './page-allocator.ts';
import { PageDescriptors } from './page-descriptors.ts';
import { PageError } from './page-error.ts';
import { PageView } from './page-view.ts';
import { X86_32_ZONES, ZoneType } from './zone-layout.ts';

const MIB = 2 ** 20;
/** The 64 MiB controller memory buffer of spec P59. */
const CMB = {
  start: 0xf8000000,
  end: 0xf8000000 + 64 * MIB - 1,
  type: DevicePageType.PCI_P2PDMA,
  owner: '0000:00:03.0',
};
const CMB_PFN = 0xf8000;

let pages: PageDescriptors;
let devices: DevicePages;
let view: PageView;

beforeEach(() => {
  pages = new PageDescriptors(q35AddressMap(2 ** 30));
  devices = new DevicePages(pages);
  view = new PageView(pages, devices);
});

function register(options = {}): DevicePageMap {
  const map = devices.register({ ...CMB, ...options });
  if (typeof map === 'number') throw new Error(`refused with ${map}`);
  return map;
}

describe('P57 a device page map', () => {
  it('P59 gives a BAR descriptors in zone Device, spanned 16384, present 0', () => {
    expect(view.hasPage(CMB.start)).toBe(false);
    register();
    expect(pages.zoneOf(CMB_PFN)).toMatchObject({ type: ZoneType.DEVICE, spanned: 16384, present: 0 });
    expect([CMB_PFN - 1, CMB_PFN, CMB_PFN + 16383, CMB_PFN + 16384].map((pfn) => pages.pfnValid(pfn))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(pages.isReserved(CMB_PFN)).toBe(true);
    expect(devices.find(CMB_PFN)?.owner).toBe('0000:00:03.0');
  });

  it.each([
    ['not on borders of 2 MiB', { start: CMB.start + MIB }, -EINVAL],
    ['not ending on one', { end: CMB.end - MIB }, -EINVAL],
    ['empty', { end: CMB.start - 1 }, -EINVAL],
    ['over RAM', { start: 0x3fe00000, end: 0x400fffff + MIB }, -ENXIO],
    ['over another map', { start: CMB.start + 2 * MIB }, -ENOMEM],
  ])('is refused when %s', (_, change, errno) => {
    register({ start: CMB.start + 4 * MIB });
    expect(devices.register({ ...CMB, ...change })).toBe(errno);
  });

  it('P14 gives descriptors to whole subsections and takes them back', () => {
    const map = register({ end: CMB.start + 2 * MIB - 1 });
    expect([pages.pfnValid(CMB_PFN + 511), pages.pfnValid(CMB_PFN + 512)]).toEqual([true, false]);
    devices.unregister(map);
    expect([pages.pfnValid(CMB_PFN), devices.find(CMB_PFN)]).toEqual([false, undefined]);
    expect(pages.deviceZones).toEqual([]);
  });

  it('P17 is valid but never online, and holes are valid but not populated', () => {
    register();
    expect([CMB_PFN, 0x1000, 0x3ffff, 0x40000].map((pfn) => pages.isOnline(pfn))).toEqual([false, true, true, false]);
  });
});

describe('P58 device pages', () => {
  it.each([
    ['private', DevicePageType.PRIVATE, 0, 0],
    ['coherent', DevicePageType.COHERENT, 0, 0],
    ['fs-dax', DevicePageType.FS_DAX, 0, 0],
    ['generic', DevicePageType.GENERIC, 1, 1],
    ['peer-to-peer', DevicePageType.PCI_P2PDMA, 0, 0],
  ])('of kind %s start and end with their own reference count', (_, type, initial, final) => {
    const freed: number[] = [];
    register({ type, onFree: (pfn: number) => freed.push(pfn) });
    expect(pages.count(CMB_PFN)).toBe(initial);
    devices.getPage(CMB_PFN);
    for (let i = 0; i <= initial; i++) devices.putPage(CMB_PFN);
    expect([freed, pages.count(CMB_PFN)]).toEqual([[CMB_PFN], final]);
  });

  it('refuse references outside a map and more puts than gets', () => {
    register();
    expect(() => devices.putPage(CMB_PFN)).toThrow(PageError);
    expect(() => devices.getPage(CMB_PFN - 1)).toThrow('is in no device page map');
  });

  it('P30 are never allocated from', () => {
    register();
    const allocator = new PageAllocator(pages, new PhysMemory());
    for (let pfn = 0; pfn >= 0; pfn = allocator.allocPages(0, 10)) expect(pfn).toBeLessThan(CMB_PFN);
  });
});

describe('the view by physical address', () => {
  it.each([
    ['RAM', 0x2000000, [true, false, false, true]],
    ['the first page', 0x0, [true, true, false, false]],
    ['the tail of the last section', 0x3ffd7000, [true, true, false, false]],
    ['a window', 0x40000000, [false, true, false, false]],
    ['a registered BAR', CMB.start + 0x1234, [true, true, true, true]],
  ])('P22 knows %s', (_, phys, [hasPage, isReserved, isZoneDevice, hasLinearMap]) => {
    register();
    expect([view.hasPage(phys), view.isReserved(phys), view.isZoneDevice(phys), view.hasLinearMap(phys)]).toEqual([
      hasPage,
      isReserved,
      isZoneDevice,
      hasLinearMap,
    ]);
    expect(view.isHighMemory(phys)).toBe(false);
  });

  it('P58 private device memory has no linear map', () => {
    register({ type: DevicePageType.PRIVATE });
    expect(view.hasLinearMap(CMB.start)).toBe(false);
  });
});

describe('P69 high memory', () => {
  const map = new AddressMap([{ start: 0, end: 2 ** 30 - 1, name: 'System RAM' }]);
  const high = new PageView(new PageDescriptors(map, { zones: X86_32_ZONES }));
  const HIGH = 0x38000000;

  it('begins at 896 MiB on a 32-bit machine', () => {
    expect([HIGH - 1, HIGH].map((phys) => high.isHighMemory(phys))).toEqual([false, true]);
    expect([HIGH - 1, HIGH].map((phys) => high.hasLinearMap(phys))).toEqual([true, false]);
  });

  it('is an error to touch outside a temporary mapping of that page', () => {
    const cpu = new HighMemoryAccess(new PhysMemory(), (phys) => high.isHighMemory(phys));
    cpu.store32(HIGH - 4, 1);
    expect(() => cpu.store32(HIGH - 2, 1)).toThrow(expect.objectContaining({ code: 'ERR_HIGH_MEMORY', pfn: 0x38000 }));
    cpu.map(0x38000);
    cpu.map(0x38000);
    cpu.unmap(0x38000);
    cpu.write(HIGH, Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
    const into = new Uint8Array(2);
    cpu.read(HIGH + 5, into);
    expect([cpu.load32(HIGH), cpu.load16(HIGH + 1), cpu.load8(HIGH + 4), ...into]).toEqual([
      0x04030201, 0x0302, 5, 6, 7,
    ]);
    expect(() => cpu.read(HIGH + 4000, new Uint8Array(200))).toThrow('page frame 0x38001');
    cpu.unmap(0x38000);
    expect(() => cpu.load8(HIGH)).toThrow(PageError);
    expect(() => cpu.unmap(0x38000)).toThrow('is not mapped');
  });
});
