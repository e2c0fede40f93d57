import { PCI_ACS_SV } from '../config/capability-ids.ts';
import { PCI_EXP_TYPE_UPSTREAM } from '../config/port-type.ts';
import type { AddressDecoder } from './address-decoder.ts';
import type { PciFunction } from './pci-function.ts';
import { aliasAbove } from './requester-alias.ts';

/**
 * What the ports above one function come to for its ordinary requests, worked out after a config write instead of at
 * each request: which port is the first where an address matches anything, if any.
 */
export class UpstreamPath {
  /** Ports that a request passes, from the inside out. */
  readonly ports: readonly PciFunction[];
  readonly counters: readonly Float64Array[];
  /** The requester id below each port, and what the root complex sees (spec H8). */
  readonly ids: readonly number[];
  readonly wireId: number;
  /** No port stops an untranslated request that carries the function's own id and matches nothing. */
  readonly isOpen: boolean;
  /** In rising order, so that a look-up ends at the first range above the address. */
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #firsts: Int32Array;

  constructor(from: PciFunction) {
    const ports: PciFunction[] = [];
    const ids = [from.rid];
    let isOpen = true;
    for (let port = from.bus.bridge; port !== null; port = port.bus.bridge) {
      const id = ids[ports.length];
      ports.push(port);
      ids.push(aliasAbove(port, id));
      if (!port.busMaster || isForeign(port, id)) isOpen = false;
    }
    this.ports = ports;
    this.counters = ports.map(({ counters }) => counters);
    this.ids = ids;
    this.wireId = ids[ports.length];
    this.isOpen = isOpen;
    const ranges = from.bus.fabric.routesPeers ? matchingRanges(from, ports) : [];
    this.#starts = Float64Array.from(ranges, ({ start }) => start);
    this.#ends = Float64Array.from(ranges, ({ end }) => end);
    this.#firsts = Int32Array.from(ranges, ({ first }) => first);
  }

  /** How many ports an address passes before one (or a neighbour: -1) has a claim to look at; all of them if none has. */
  firstMatch(address: number): number {
    const starts = this.#starts;
    const ends = this.#ends;
    for (let i = 0; i < starts.length && address >= starts[i]; i++) if (address < ends[i]) return this.#firsts[i];
    return this.ports.length;
  }
}

/** Source validation would drop it (spec T16). */
function isForeign(port: PciFunction, id: number): boolean {
  const bus = id >>> 8;
  return (port.acsControl & PCI_ACS_SV) !== 0 && (bus < port.secondaryNumber || bus > port.subordinateNumber);
}

interface MatchingRange {
  readonly start: number;
  end: number;
  readonly first: number;
}

/** Cuts all claims on the way at each other's borders and keeps the innermost claimant of each piece. */
function matchingRanges(from: PciFunction, ports: readonly PciFunction[]): MatchingRange[] {
  const decoders = new Map<number, AddressDecoder>();
  if (ports.length > 0) decoders.set(-1, from.bus.decoder);
  for (const [i, port] of ports.entries())
    if (port.portType !== PCI_EXP_TYPE_UPSTREAM) decoders.set(i, port.bus.decoder); // the port below has decided
  const borders = [...decoders.values()].flatMap(({ starts, ends }) => [...starts, ...ends]).sort((a, b) => a - b);
  const ranges: MatchingRange[] = [];
  for (let i = 1; i < borders.length; i++) {
    const [start, end] = [borders[i - 1], borders[i]];
    const claimant = [...decoders].find(([, decoder]) => start < end && decoder.find(start) >= 0);
    if (claimant === undefined) continue;
    const last = ranges[ranges.length - 1];
    if (last !== undefined && last.end === start && last.first === claimant[0]) last.end = end;
    else ranges.push({ start, end, first: claimant[0] });
  }
  return ranges;
}
