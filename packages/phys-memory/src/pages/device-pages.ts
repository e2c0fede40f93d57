import { PAGE_SIZE } from '../address.ts';
import { PageFlag } from './page-columns.ts';
import type { PageDescriptors } from './page-descriptors.ts';
import { PageError } from './page-error.ts';
import { SUBSECTION_PAGES } from './section-table.ts';
import { ZoneType } from './zone-layout.ts';

/** What memory of a device is like (spec P58). */
export const DevicePageType = {
  /** The CPU cannot reach it. */
  PRIVATE: 1,
  /** Cached, on a coherent link. */
  COHERENT: 2,
  /** Persistent memory behind a file system: DMA like RAM. */
  FS_DAX: 3,
  /** Persistent memory behind a character device. */
  GENERIC: 4,
  /** Memory in a PCI BAR, uncached. */
  PCI_P2PDMA: 5,
} as const;

export const ENXIO = 6;
export const ENOMEM = 12;
export const EINVAL = 22;

export interface DevicePageMapOptions {
  /** Both ends included, on borders of 2 MiB. */
  readonly start: number;
  readonly end: number;
  readonly type: number;
  /** Whose it is, for whoever asks. */
  readonly owner: string;
  /** Told when the last reference to a page is dropped. */
  readonly onFree?: (pfn: number) => void;
}

/** A registered range of device memory: its pages have descriptors from now on. */
export interface DevicePageMap extends DevicePageMapOptions {
  readonly firstPfn: number;
  readonly lastPfn: number;
}

/** The device page maps of a machine: descriptors for memory that is not System RAM (spec P57). */
export class DevicePages {
  readonly #pages: PageDescriptors;
  readonly #maps: DevicePageMap[] = [];

  constructor(pages: PageDescriptors) {
    this.#pages = pages;
  }

  /**
   * Gives a range page descriptors. Returns the map, or as the kernel does -EINVAL (not on borders of 2 MiB), -ENXIO
   * (System RAM is in it) or -ENOMEM (another map is).
   */
  register(options: DevicePageMapOptions): DevicePageMap | number {
    const firstPfn = options.start / PAGE_SIZE;
    const lastPfn = (options.end + 1) / PAGE_SIZE - 1;
    const isAligned = firstPfn % SUBSECTION_PAGES === 0 && (lastPfn + 1) % SUBSECTION_PAGES === 0;
    if (!isAligned || lastPfn < firstPfn) return -EINVAL;
    if (this.#pages.zones.some((zone) => zone.ranges.some((ram) => ram.first <= lastPfn && ram.last >= firstPfn))) {
      return -ENXIO;
    }
    if (this.#maps.some((map) => map.firstPfn <= lastPfn && map.lastPfn >= firstPfn)) return -ENOMEM;
    const map = { ...options, firstPfn, lastPfn };
    this.#addDescriptors(map);
    this.#maps.push(map);
    return map;
  }

  /** Takes the descriptors away again. */
  unregister(map: DevicePageMap): void {
    this.#maps.splice(this.#maps.indexOf(map), 1);
    this.#pages.sections.remove(map.firstPfn, map.lastPfn);
    const zones = this.#pages.deviceZones;
    const at = zones.findIndex(({ startPfn }) => startPfn === map.firstPfn);
    zones.splice(at, 1);
  }

  /** The map that a page belongs to: how peer-to-peer memory is recognised (spec P59). */
  find(pfn: number): DevicePageMap | undefined {
    return this.#maps.find(({ firstPfn, lastPfn }) => pfn >= firstPfn && pfn <= lastPfn);
  }

  /** Takes a reference. @throws {PageError} when the page is in no map */
  getPage(pfn: number): void {
    this.#require(pfn);
    this.#pages.columns.setCount(pfn, this.#pages.columns.count(pfn) + 1);
  }

  /** Drops a reference; the last one gives the page back to its driver. @throws {PageError} when nobody holds it */
  putPage(pfn: number): void {
    const map = this.#require(pfn);
    const count = this.#pages.columns.count(pfn) - 1;
    if (count < 0) throw new PageError('ERR_PAGE_NOT_ALLOCATED', pfn, 'nobody holds this device page');
    this.#pages.columns.setCount(pfn, count);
    if (count > 0) return;
    if (map.type === DevicePageType.GENERIC) this.#pages.columns.setCount(pfn, 1);
    map.onFree?.(pfn);
  }

  #addDescriptors({ firstPfn, lastPfn, type }: DevicePageMap): void {
    const { columns, sections, deviceZones } = this.#pages;
    sections.add(firstPfn, lastPfn);
    const spanned = lastPfn - firstPfn + 1;
    deviceZones.push({ type: ZoneType.DEVICE, node: 0, startPfn: firstPfn, spanned, present: 0, ranges: [] });
    for (let pfn = firstPfn; pfn <= lastPfn; pfn++) {
      columns.setFlags(pfn, PageFlag.RESERVED);
      columns.setCount(pfn, type === DevicePageType.GENERIC ? 1 : 0); // spec P58
    }
  }

  #require(pfn: number): DevicePageMap {
    const map = this.find(pfn);
    if (map === undefined) throw new PageError('ERR_NO_PAGE_DESCRIPTOR', pfn, 'is in no device page map');
    return map;
  }
}
