import { PAGE_SIZE } from '../address.ts';
import type { AddressMap, PageRange } from '../map/address-map.ts';
import type { MemorySpan } from '../memory/granule-source.ts';

/** Zone types, lowest first (spec P26). */
export const ZoneType = { DMA: 0, DMA32: 1, NORMAL: 2, HIGHMEM: 3, MOVABLE: 4, DEVICE: 5 } as const;
export const ZONE_NAMES = ['DMA', 'DMA32', 'Normal', 'HighMem', 'Movable', 'Device'] as const;

const PAGES_4_GIB = 2 ** 32 / PAGE_SIZE;

/** Where zones end, as page frame numbers, exclusive. `null`: the zone is not built in, and a flag for it means NORMAL. */
export interface ZoneLimits {
  readonly dmaEnd: number | null;
  readonly dma32End: number | null;
  /** Set on 32-bit machines only: pages from here on are HIGHMEM (spec P69). */
  readonly normalEnd: number | null;
}

/** 16 MiB and 4 GiB (spec P26). */
export const X86_64_ZONES: ZoneLimits = { dmaEnd: 0x1000, dma32End: PAGES_4_GIB, normalEnd: null };
/** 16 MiB and 896 MiB (spec P69). */
export const X86_32_ZONES: ZoneLimits = { dmaEnd: 0x1000, dma32End: null, normalEnd: 0x38000 };
/** 2 GiB (spec P27). */
export const S390_ZONES: ZoneLimits = { dmaEnd: 2 ** 31 / PAGE_SIZE, dma32End: null, normalEnd: null };

/**
 * DMA ends at the smallest limit that firmware describes, at 4 GiB at most when RAM starts below that; DMA32, often
 * empty, goes from there to 4 GiB (spec P27).
 */
export function arm64Zones(firmwareLimitBytes: number, ramStart: number): ZoneLimits {
  const limit = Math.floor(firmwareLimitBytes / PAGE_SIZE);
  const dmaEnd = ramStart < 2 ** 32 ? Math.min(limit, PAGES_4_GIB) : limit;
  return { dmaEnd, dma32End: PAGES_4_GIB, normalEnd: null };
}

/** The memory of one node (spec P33). The place in the list is the node's number. */
export interface NodeDescription {
  readonly ranges: readonly MemorySpan[];
}

/** A zone of a node before any page was handed out. */
export interface ZoneExtent {
  readonly type: number;
  readonly node: number;
  /** The zone's part of the node's stretch from first to last page of RAM, holes included (spec P28). */
  readonly startPfn: number;
  readonly spanned: number;
  readonly present: number;
  /** The RAM in it, ascending. */
  readonly ranges: readonly PageRange[];
}

/** The populated zones, node by node, lowest zone first. */
export function layOutZones(
  map: AddressMap,
  limits: ZoneLimits,
  nodes: readonly NodeDescription[] = [{ ranges: [{ start: 0, end: Number.MAX_SAFE_INTEGER }] }],
): ZoneExtent[] {
  return nodes.flatMap(({ ranges }, node) => {
    const ram = ranges.flatMap(({ start, end }) => {
      const window = { first: Math.ceil(start / PAGE_SIZE), last: Math.floor((end + 1) / PAGE_SIZE) - 1 };
      return map.ramPages().flatMap((pages) => intersection(pages, window));
    });
    ram.sort((a, b) => a.first - b.first);
    return windows(limits).flatMap(({ type, first, last }) => extentOf(type, node, ram, { first, last }));
  });
}

function extentOf(type: number, node: number, ram: readonly PageRange[], window: PageRange): ZoneExtent[] {
  const ranges = ram.flatMap((pages) => intersection(pages, window));
  if (ranges.length === 0) return [];
  const startPfn = Math.max(ram[0].first, window.first);
  const lastPfn = Math.min(ram[ram.length - 1].last, window.last);
  return [{ type, node, startPfn, spanned: lastPfn - startPfn + 1, present: countPages(ranges), ranges }];
}

function windows({ dmaEnd, dma32End, normalEnd }: ZoneLimits): (PageRange & { type: number })[] {
  const ends = [dmaEnd, dma32End, normalEnd ?? Number.MAX_SAFE_INTEGER, normalEnd === null ? null : 2 ** 40];
  let first = 0;
  return ends.flatMap((end, type) => {
    if (end === null || end <= first) return [];
    const window = { type, first, last: end - 1 };
    first = end;
    return [window];
  });
}

export function intersection(a: PageRange, b: PageRange): PageRange[] {
  const both = { first: Math.max(a.first, b.first), last: Math.min(a.last, b.last) };
  return both.first <= both.last ? [both] : [];
}

/** The parts of a range that are in none of the others. */
export function subtract(range: PageRange, others: readonly PageRange[]): PageRange[] {
  let parts = [range];
  for (const other of others) {
    parts = parts.flatMap((part) => [
      ...intersection(part, { first: 0, last: other.first - 1 }),
      ...intersection(part, { first: other.last + 1, last: Number.MAX_SAFE_INTEGER }),
    ]);
  }
  return parts;
}

export function countPages(ranges: readonly PageRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
