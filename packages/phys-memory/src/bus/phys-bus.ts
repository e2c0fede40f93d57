import type { AddressMap, AddressRange } from '../map/address-map.ts';
import { AddressMapError } from '../map/address-map-error.ts';
import type { ByteAccess } from '../memory/byte-access.ts';
import { BusErrors } from './bus-errors.ts';
import type { MmioHandler } from './mmio-handler.ts';

/** What an access that nobody answers returns. */
export const BUS_ABORT = -1;

/** One stretch of the address space with one answerer: bytes of memory, a handler, or nobody (`null`). */
interface Route {
  readonly start: number;
  readonly end: number;
  readonly answer: 'bytes' | MmioHandler | null;
  /** An owner may claim a part of it. */
  readonly yields: boolean;
}

const NOBODY: Route = { start: 0, end: -1, answer: null, yields: false };

/**
 * Where accesses by physical address go, whoever makes them (spec P8): RAM and the firmware's ranges are bytes, a
 * claimed range goes to its owner, and everything else aborts: reads give all ones, writes are dropped, and the access
 * is recorded in `errors`.
 */
export class PhysBus implements ByteAccess {
  readonly errors = new BusErrors();
  readonly #memory: ByteAccess;
  readonly #fixed: readonly Route[];
  readonly #claims: Route[] = [];
  /** Ascending and disjoint: the fixed routes, with the claims cut out of them. */
  #routes: readonly Route[];
  /** The route of the last access: the next one usually takes it too. */
  #last: Route = NOBODY;

  constructor(map: AddressMap, memory: ByteAccess) {
    this.#memory = memory;
    this.#fixed = map.ranges.filter(hasBytes).map(({ start, end, kind }) => ({
      start,
      end,
      answer: 'bytes',
      yields: kind === 'reserved', // firmware also reserves the registers of devices that have no BAR
    }));
    this.#routes = this.#fixed;
  }

  /**
   * Gives a range of MMIO to its owner. `'bytes'`: the range is memory of a device (a controller memory buffer), whose
   * bytes live at their own addresses in physical memory.
   * @throws {AddressMapError} when a part of it belongs to RAM or to another owner
   */
  claim(start: number, end: number, name: string, answer: MmioHandler | 'bytes'): void {
    if (!(start >= 0 && start <= end)) {
      throw new AddressMapError('ERR_RANGE_INVALID', start, end, name, 'must run upwards from 0');
    }
    const taken = this.#routes.find((route) => route.start <= end && route.end >= start && !route.yields);
    if (taken !== undefined) {
      const problem = `0x${Math.max(start, taken.start).toString(16)} is RAM or has an owner already`;
      throw new AddressMapError('ERR_RANGE_OVERLAP', start, end, name, problem);
    }
    this.#claims.push({ start, end, answer, yields: false });
    this.#rebuild();
  }

  /** Takes a claimed range back, as when a BAR moves. @throws {AddressMapError} when nobody claimed exactly this range */
  release(start: number, end: number): void {
    const at = this.#claims.findIndex((claim) => claim.start === start && claim.end === end);
    if (at < 0) throw new AddressMapError('ERR_RANGE_HOLE', start, end, 'released range', 'was not claimed');
    this.#claims.splice(at, 1);
    this.#rebuild();
  }

  #rebuild(): void {
    const parts = this.#fixed.flatMap((route) => without(route, this.#claims));
    this.#routes = parts.concat(this.#claims).sort((a, b) => a.start - b.start);
    this.#last = NOBODY;
  }

  load8(at: number): number {
    return this.#load(at, 1);
  }

  load16(at: number): number {
    return this.#load(at, 2);
  }

  load32(at: number): number {
    return this.#load(at, 4);
  }

  store8(at: number, value: number): void {
    this.#store(at, 1, value);
  }

  store16(at: number, value: number): void {
    this.#store(at, 2, value);
  }

  store32(at: number, value: number): void {
    this.#store(at, 4, value);
  }

  /** Returns 0, or {@link BUS_ABORT} when nobody answers for a part of the range; that part reads as all ones. */
  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): number {
    const route = this.#routeOf(at);
    if (route.answer === 'bytes' && at + lengthBytes - 1 <= route.end) {
      this.#memory.read(at, into, offset, lengthBytes);
      return 0;
    }
    return this.#transfer(at, into, offset, lengthBytes, 0);
  }

  /** Returns 0, or {@link BUS_ABORT} when nobody answers for a part of the range; that part is dropped. */
  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): number {
    const route = this.#routeOf(at);
    if (route.answer === 'bytes' && at + lengthBytes - 1 <= route.end) {
      this.#memory.write(at, from, offset, lengthBytes);
      return 0;
    }
    return this.#transfer(at, from, offset, lengthBytes, 1);
  }

  /** The slow way: piece by piece, at most 4 naturally aligned bytes to a handler at a time. */
  #transfer(at: number, buffer: Uint8Array, offset: number, lengthBytes: number, isWrite: 0 | 1): number {
    const failuresBefore = this.errors.count;
    for (let done = 0; done < lengthBytes; ) {
      const route = this.#routeOf(at + done);
      const left = lengthBytes - done;
      let piece = Math.min(left, route.answer === null ? this.#toNextRoute(at + done) : route.end - at - done + 1);
      if (route.answer === 'bytes') {
        if (isWrite === 1) this.#memory.write(at + done, buffer, offset + done, piece);
        else this.#memory.read(at + done, buffer, offset + done, piece);
      } else if (route.answer === null) {
        this.errors.record(at + done, piece, isWrite);
        if (isWrite === 0) buffer.fill(0xff, offset + done, offset + done + piece);
      } else {
        piece = mmioPiece(route.answer, at + done - route.start, buffer, offset + done, piece, isWrite);
      }
      done += piece;
    }
    return this.errors.count === failuresBefore ? 0 : BUS_ABORT;
  }

  #load(at: number, sizeBytes: number): number {
    const route = this.#routeOf(at);
    if (route.answer !== null && isSplit(route, at, sizeBytes)) return this.#loadSplit(at, sizeBytes);
    if (route.answer === 'bytes') return loadBytes(this.#memory, at, sizeBytes);
    if (route.answer !== null) return route.answer.readMmio(at - route.start, sizeBytes);
    this.errors.record(at, sizeBytes, 0);
    return 2 ** (8 * sizeBytes) - 1;
  }

  #loadSplit(at: number, sizeBytes: number): number {
    let value = 0;
    for (let i = sizeBytes - 1; i >= 0; i--) value = value * 256 + this.#load(at + i, 1);
    return value;
  }

  #store(at: number, sizeBytes: number, value: number): void {
    const route = this.#routeOf(at);
    if (route.answer !== null && isSplit(route, at, sizeBytes)) {
      for (let i = 0; i < sizeBytes; i++) this.#store(at + i, 1, (value >>> (8 * i)) & 0xff);
    } else if (route.answer === 'bytes') storeBytes(this.#memory, at, sizeBytes, value);
    else if (route.answer !== null) route.answer.writeMmio(at - route.start, sizeBytes, value);
    else this.errors.record(at, sizeBytes, 1);
  }

  #routeOf(at: number): Route {
    const last = this.#last;
    if (at >= last.start && at <= last.end) return last;
    const route = this.#routes[this.#indexOf(at)];
    if (route === undefined || route.start > at) return NOBODY;
    this.#last = route;
    return route;
  }

  #toNextRoute(at: number): number {
    return (this.#routes[this.#indexOf(at)]?.start ?? Number.POSITIVE_INFINITY) - at;
  }

  /** Index of the first route that does not end below the address. */
  #indexOf(at: number): number {
    let low = 0;
    let high = this.#routes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#routes[middle].end < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function hasBytes({ kind }: AddressRange): boolean {
  return kind === 'ram' || kind === 'reserved' || kind === 'acpi' || kind === 'rom' || kind === 'pmem';
}

/** The parts of a route that no claim covers. */
function without(route: Route, claims: readonly Route[]): Route[] {
  let parts = [route];
  for (const claim of claims) {
    parts = parts.flatMap((part) => {
      if (claim.start > part.end || claim.end < part.start) return [part];
      const below = { ...part, end: claim.start - 1 };
      const above = { ...part, start: claim.end + 1 };
      return [below, above].filter(({ start, end }) => start <= end);
    });
  }
  return parts;
}

/** Whether an access must go byte by byte: it leaves its route, or is misaligned for a handler. */
function isSplit(route: Route, at: number, sizeBytes: number): boolean {
  return at + sizeBytes - 1 > route.end || (route.answer !== 'bytes' && at % sizeBytes !== 0);
}

function loadBytes(memory: ByteAccess, at: number, sizeBytes: number): number {
  if (sizeBytes === 4) return memory.load32(at);
  return sizeBytes === 2 ? memory.load16(at) : memory.load8(at);
}

function storeBytes(memory: ByteAccess, at: number, sizeBytes: number, value: number): void {
  if (sizeBytes === 4) memory.store32(at, value);
  else if (sizeBytes === 2) memory.store16(at, value);
  else memory.store8(at, value);
}

/** One access to a handler, as wide as alignment and length allow; returns its size. */
function mmioPiece(
  handler: MmioHandler,
  at: number,
  buffer: Uint8Array,
  offset: number,
  left: number,
  isWrite: 0 | 1,
): number {
  const size = at % 4 === 0 && left >= 4 ? 4 : at % 2 === 0 && left >= 2 ? 2 : 1;
  let value = 0;
  if (isWrite === 1) {
    for (let i = 0; i < size; i++) value |= buffer[offset + i] << (8 * i);
    handler.writeMmio(at, size, value >>> 0);
  } else {
    value = handler.readMmio(at, size);
    for (let i = 0; i < size; i++) buffer[offset + i] = value >>> (8 * i);
  }
  return size;
}
