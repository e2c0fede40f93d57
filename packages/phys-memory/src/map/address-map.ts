import { ADDRESS_LIMIT, PAGE_SIZE } from '../address.ts';
import { hexRange } from '../memory/memory-range-error.ts';
import { type AddressKind, alignmentOf, kindOfName } from './address-kind.ts';
import { AddressMapError } from './address-map-error.ts';

/** One line of `/proc/iomem`: both ends included (spec P5). */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly kind: AddressKind;
  /** Inside this range, ascending, disjoint. */
  readonly children: readonly AddressRange[];
}

/** What `AddressMap.add` takes: the kind follows from the name unless it is given. */
export interface NewRange {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly kind?: AddressKind;
}

/** Whole pages `first` to `last`, both included. */
export interface PageRange {
  readonly first: number;
  readonly last: number;
}

interface Node extends AddressRange {
  readonly children: Node[];
}

/** The physical address space of a machine as a tree of named ranges (spec P5). */
export class AddressMap {
  readonly #roots: Node[] = [];

  constructor(ranges: Iterable<NewRange> = []) {
    for (const range of ranges) this.add(range);
  }

  /** The outermost ranges, ascending. */
  get ranges(): readonly AddressRange[] {
    return this.#roots;
  }

  /**
   * Puts a range below the innermost range that contains it; parents come before their children.
   * @throws {AddressMapError} when it is empty or outside the address space, is not aligned as its kind must be, or
   *   overlaps another range without lying inside it
   */
  add(range: NewRange): AddressRange {
    const kind = range.kind ?? kindOfName(range.name);
    checkShape(range, kind);
    let siblings = this.#roots;
    for (;;) {
      const at = firstNotBelow(siblings, range.start);
      const neighbour = siblings[at];
      if (neighbour === undefined || neighbour.start > range.end) {
        const node: Node = { start: range.start, end: range.end, name: range.name, kind, children: [] };
        siblings.splice(at, 0, node);
        return node;
      }
      if (neighbour.start > range.start || neighbour.end < range.end) throw overlap(range, neighbour);
      siblings = neighbour.children;
    }
  }

  /** The ranges that contain the address, outermost first; empty in a hole. */
  pathTo(at: number): readonly AddressRange[] {
    const path: AddressRange[] = [];
    let siblings: readonly AddressRange[] = this.#roots;
    for (;;) {
      const range = siblings[firstNotBelow(siblings, at)];
      if (range === undefined || range.start > at) return path;
      path.push(range);
      siblings = range.children;
    }
  }

  /** Whole pages of RAM, ascending: each `System RAM` range shrunk to page borders, both ends included (spec P7). */
  ramPages(): readonly PageRange[] {
    return this.#roots
      .filter(({ kind }) => kind === 'ram')
      .map(({ start, end }) => ({ first: Math.ceil(start / PAGE_SIZE), last: Math.floor((end + 1) / PAGE_SIZE) - 1 }))
      .filter(({ first, last }) => first <= last);
  }

  /** One past the last page of RAM; 0 on a machine without any (spec P10). */
  maxPfn(): number {
    return (this.ramPages().at(-1)?.last ?? -1) + 1;
  }

  /** The mask that a device needs to reach all RAM: the last byte of RAM with all lower bits filled (spec P10). */
  requiredMask(): number {
    const lastByte = this.maxPfn() * PAGE_SIZE - 1;
    let mask = 1;
    while (mask - 1 < lastByte) mask *= 2;
    return mask - 1;
  }

  /** @throws {AddressMapError} when a byte of the range is not System RAM; the message names the first such byte */
  requireRam(start: number, end: number, name: string): void {
    checkShape({ start, end, name }, 'ram');
    for (let at = start; at <= end; ) {
      const range = this.#roots[firstNotBelow(this.#roots, at)];
      if (range === undefined || range.start > at || range.kind !== 'ram') {
        const what = range !== undefined && range.start <= at ? range.name : 'a hole';
        throw new AddressMapError(
          'ERR_RANGE_HOLE',
          start,
          end,
          name,
          `0x${at.toString(16)} is ${what}, not System RAM`,
        );
      }
      at = range.end + 1;
    }
  }
}

function checkShape({ start, end, name }: NewRange, kind: AddressKind): void {
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end < ADDRESS_LIMIT)) {
    throw new AddressMapError('ERR_RANGE_INVALID', start, end, name, 'must run upwards inside 0 to 2^52 - 1');
  }
  const alignment = alignmentOf(kind);
  if (start % alignment === 0 && (end + 1) % alignment === 0) return;
  const problem = `a range of kind ${kind} starts and ends on multiples of 0x${alignment.toString(16)}`;
  throw new AddressMapError('ERR_RANGE_UNALIGNED', start, end, name, problem);
}

function overlap(range: NewRange, other: AddressRange): AddressMapError {
  const problem = `overlaps ${hexRange(other.start, other.end)} : ${other.name} without lying inside it`;
  return new AddressMapError('ERR_RANGE_OVERLAP', range.start, range.end, range.name, problem);
}

/** Index of the first range that does not end below the address. */
function firstNotBelow(ranges: readonly AddressRange[], at: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle].end < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
