import { PAGE_SHIFT, PAGE_SIZE } from '../address.ts';
import type { AddressMap, AddressRange, PageRange } from '../map/address-map.ts';
import type { MemorySpan } from '../memory/granule-source.ts';
import { PageColumns, PageFlag } from './page-columns.ts';
import { PageError } from './page-error.ts';
import { SectionTable } from './section-table.ts';
import {
  intersection,
  layOutZones,
  type NodeDescription,
  subtract,
  X86_64_ZONES,
  type ZoneExtent,
  type ZoneLimits,
  ZoneType,
} from './zone-layout.ts';

declare const pageBrand: unique symbol;

/** A page descriptor ("struct page"): its place in the one virtual array of all of them, in bytes (spec P12). */
export type Page = number & { readonly [pageBrand]: true };

/** Bytes of a page descriptor (spec P12). */
export const PAGE_DESCRIPTOR_BYTES = 64;

/** How often each conversion was made: what an interface by physical address saves (spec G13). */
export interface PageConversions {
  pfnValid: number;
  physToPage: number;
  pageToPhys: number;
}

export interface PageDescriptorsOptions {
  readonly zones?: ZoneLimits;
  readonly nodes?: readonly NodeDescription[];
  /** RAM that the boot allocator keeps, beside the kernel image of the map: bounce pool, initrd, CMA (spec P18). */
  readonly reserved?: readonly (MemorySpan & { readonly name: string })[];
  /** x86 keeps the first MiB (spec P28). True unless told otherwise. */
  readonly reserveFirstMiB?: boolean;
  /** 46, or 52 with five-level paging (spec P4). */
  readonly addressBits?: number;
}

const FIRST_MIB: PageRange = { first: 0, last: 0xff };

/** The page descriptors of a machine as they are after boot (spec P12 to P18). */
export class PageDescriptors {
  readonly columns: PageColumns;
  readonly sections: SectionTable;
  readonly limits: ZoneLimits;
  /** The populated zones, node by node, lowest first. */
  readonly zones: readonly ZoneExtent[];
  /** Zones of device memory, one a page map (spec P57). */
  readonly deviceZones: ZoneExtent[] = [];
  readonly conversions: PageConversions = { pfnValid: 0, physToPage: 0, pageToPhys: 0 };
  readonly #reserved: readonly PageRange[];
  /** RAM by zone, ascending. */
  readonly #ram: readonly (PageRange & { readonly zone: ZoneExtent })[];

  /** @throws {AddressMapError} when a reserved range is not RAM */
  constructor(map: AddressMap, options: PageDescriptorsOptions = {}) {
    this.limits = options.zones ?? X86_64_ZONES;
    this.zones = layOutZones(map, this.limits, options.nodes);
    this.sections = new SectionTable(map.ramPages(), options.addressBits);
    this.#ram = this.zones
      .flatMap((zone) => zone.ranges.map(({ first, last }) => ({ first, last, zone })))
      .sort((a, b) => a.first - b.first);
    for (const { start, end, name } of options.reserved ?? []) map.requireRam(start, end, name);
    this.#reserved = [
      ...(options.reserveFirstMiB === false ? [] : [FIRST_MIB]),
      ...map.ranges.flatMap(keptByKernel),
      ...(options.reserved ?? []).map(pagesTouched),
    ];
    this.columns = new PageColumns((columns, first, last) => this.#markReserved(columns, first, last));
  }

  /** `pfn_valid`: there is a descriptor. It does not say that there is RAM (spec P14, P15). */
  pfnValid(pfn: number): boolean {
    this.conversions.pfnValid++;
    return this.sections.pfnValid(pfn);
  }

  /** `phys_to_page`: arithmetic that never fails, even where no descriptor is (spec P12). */
  physToPage(phys: number): Page {
    this.conversions.physToPage++;
    return (Math.floor(phys / PAGE_SIZE) * PAGE_DESCRIPTOR_BYTES) as Page;
  }

  /** `page_to_phys`: of the first byte of the page. */
  pageToPhys(page: Page): number {
    this.conversions.pageToPhys++;
    return (page / PAGE_DESCRIPTOR_BYTES) * PAGE_SIZE;
  }

  /** The frame number behind a descriptor, which is not counted: a field of ours, not a conversion of the kernel's. */
  pfnOf(page: Page): number {
    return page / PAGE_DESCRIPTOR_BYTES;
  }

  resetConversions(): void {
    this.conversions.pfnValid = 0;
    this.conversions.physToPage = 0;
    this.conversions.pageToPhys = 0;
  }

  /**
   * Touches a descriptor. @throws {PageError} where none is: the kernel would fault
   */
  requireDescriptor(pfn: number): void {
    if (this.sections.pfnValid(pfn)) return;
    throw new PageError('ERR_NO_PAGE_DESCRIPTOR', pfn, 'has no page descriptor');
  }

  /** Reserved at boot, or no RAM at all (spec P15). */
  isReserved(pfn: number): boolean {
    this.requireDescriptor(pfn);
    return (this.columns.flags(pfn) & PageFlag.RESERVED) !== 0;
  }

  /** References to the page (spec P43). */
  count(pfn: number): number {
    this.requireDescriptor(pfn);
    return this.columns.count(pfn);
  }

  /** The zone of a page: for a hole that of the RAM after it, after all RAM the last (spec P16). */
  zoneOf(pfn: number): ZoneExtent {
    this.requireDescriptor(pfn);
    const device = this.deviceZones.find(({ startPfn, spanned }) => pfn >= startPfn && pfn < startPfn + spanned);
    if (device !== undefined) return device;
    const ram = this.#ram.find(({ last }) => pfn <= last) ?? this.#ram[this.#ram.length - 1];
    return ram.zone;
  }

  /** `pfn_to_online_page`: whether memory that the page allocator could own is present there (spec P17). */
  isOnline(pfn: number): boolean {
    return this.sections.isPopulated(pfn) && this.zoneOf(pfn).type !== ZoneType.DEVICE;
  }

  /** Whether the page is RAM, whoever has it. */
  isRam(pfn: number): boolean {
    return this.#ram.some(({ first, last }) => pfn >= first && pfn <= last);
  }

  /** The pages of a range that the boot allocator did not keep, ascending. */
  releasedOf(range: PageRange): readonly PageRange[] {
    return subtract(range, this.#reserved);
  }

  #markReserved(columns: PageColumns, first: number, last: number): void {
    const free = this.#ram.flatMap((ram) =>
      intersection(ram, { first, last }).flatMap((part) => this.releasedOf(part)),
    );
    for (const kept of subtract({ first, last }, free)) {
      for (let pfn = kept.first; pfn <= kept.last; pfn++) {
        columns.setFlags(pfn, PageFlag.RESERVED);
        columns.setCount(pfn, 1); // spec P16, P18
      }
    }
  }
}

/** The parts of a System RAM range that never reach the page allocator (spec P6). */
function keptByKernel(range: AddressRange): PageRange[] {
  if (range.kind !== 'ram') return [];
  return range.children.filter(({ kind }) => kind === 'kernel' || kind === 'boot-reserved').map(pagesTouched);
}

/** All pages that hold a byte of the range. */
function pagesTouched({ start, end }: MemorySpan): PageRange {
  return { first: Math.floor(start / 2 ** PAGE_SHIFT), last: Math.floor(end / 2 ** PAGE_SHIFT) };
}
