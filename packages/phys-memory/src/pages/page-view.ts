import { PAGE_SIZE } from '../address.ts';
import { type DevicePages, DevicePageType } from './device-pages.ts';
import type { PageDescriptors } from './page-descriptors.ts';
import { ZoneType } from './zone-layout.ts';

/** What may be asked of the page behind a physical address, whether it has a descriptor or not. Counts no conversion. */
export class PageView {
  readonly #pages: PageDescriptors;
  readonly #devices: DevicePages | null;

  constructor(pages: PageDescriptors, devices: DevicePages | null = null) {
    this.#pages = pages;
    this.#devices = devices;
  }

  /** There is a descriptor; not that there is RAM (spec P15). */
  hasPage(phys: number): boolean {
    return this.#pages.sections.pfnValid(frameOf(phys));
  }

  /** The descriptor says Reserved; a page without one is nobody's to give, either. */
  isReserved(phys: number): boolean {
    return !this.hasPage(phys) || this.#pages.isReserved(frameOf(phys));
  }

  /** Memory of a device that a driver registered (spec P57). */
  isZoneDevice(phys: number): boolean {
    return this.#devices?.find(frameOf(phys)) !== undefined;
  }

  /** RAM without a permanent kernel address: on 32-bit machines only (spec P69). */
  isHighMemory(phys: number): boolean {
    const pfn = frameOf(phys);
    return this.#pages.isRam(pfn) && this.#pages.zoneOf(pfn).type === ZoneType.HIGHMEM;
  }

  /**
   * Whether the CPU has a kernel address for every byte of it: RAM and registered device memory, but for memory that the
   * CPU cannot reach and high memory (spec P22, P23).
   */
  hasLinearMap(phys: number): boolean {
    const pfn = frameOf(phys);
    const device = this.#devices?.find(pfn);
    if (device !== undefined) return device.type !== DevicePageType.PRIVATE;
    return this.#pages.isRam(pfn) && !this.isHighMemory(phys);
  }
}

function frameOf(phys: number): number {
  return Math.floor(phys / PAGE_SIZE);
}
