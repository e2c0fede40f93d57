import { PCI_ACS_SV } from '../spec/capability-ids.ts';
import { PCI_EXP_TYPE_UPSTREAM } from '../spec/port-type.ts';
import type { AddressDecoder } from './address-decoder.ts';
import { LINK_UP_BYTES, LINK_UP_REQUESTS } from './link-counters.ts';
import type { PciFunction } from './pci-function.ts';
import { aliasAbove } from './requester-alias.ts';

/**
 * What the ports above one function come to for its ordinary requests, worked out after a config write instead of at
 * each request: which port is the first where an address matches anything, if any.
 */
export class UpstreamPath {
  /** Ports that a request passes, from the inside out. */
  readonly ports: readonly PciFunction[];
  /** The requester id below each port, and what the root complex sees (spec H8). */
  readonly ids: readonly number[];
  readonly wireId: number;
  /** No port stops an untranslated request that carries the function's own id and matches nothing. */
  readonly isOpen: boolean;
  /** The whole line of addresses, cut where the answer changes; the last start is infinite. */
  readonly #starts: Float64Array;
  readonly #firsts: Int32Array;
  /** The piece that the last request was in. Pieces are disjoint, so that a guess changes no answer. */
  #guess = 0;
  /** Requests and bytes by the number of ports that they passed without being looked at. */
  readonly #tally: Float64Array;

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
    this.#tally = new Float64Array(2 * (ports.length + 1));
    this.ids = ids;
    this.wireId = ids[ports.length];
    this.isOpen = isOpen;
    const pieces = pieceStarts(from, ports);
    this.#starts = Float64Array.from([...pieces.map(({ start }) => start), Number.POSITIVE_INFINITY]);
    this.#firsts = Int32Array.from(pieces, ({ first }) => first);
  }

  /** Counts a request that passed that many ports: two additions here, instead of two at each port (12 ns). */
  count(passed: number, lengthBytes: number): void {
    this.#tally[2 * passed]++;
    this.#tally[2 * passed + 1] += lengthBytes;
  }

  /** Moves what was counted to the ports: before somebody looks, and before the path is forgotten. */
  fold(): void {
    let requests = 0;
    let bytes = 0;
    for (let i = this.ports.length; i > 0; i--) {
      requests += this.#tally[2 * i];
      bytes += this.#tally[2 * i + 1];
      const { counters } = this.ports[i - 1];
      counters[LINK_UP_REQUESTS] += requests;
      counters[LINK_UP_BYTES] += bytes;
    }
    this.#tally.fill(0);
  }

  /** How many ports an address passes before one (or a neighbour: -1) has a claim to look at; all of them if none has. */
  firstMatch(address: number): number {
    const starts = this.#starts;
    let i = this.#guess;
    if (!(address >= starts[i] && address < starts[i + 1])) {
      i = 0;
      while (address >= starts[i + 1]) i++;
      this.#guess = i;
    }
    return this.#firsts[i];
  }
}

/** Source validation would drop it (spec T16). */
function isForeign(port: PciFunction, id: number): boolean {
  const bus = id >>> 8;
  return (port.acsControl & PCI_ACS_SV) !== 0 && (bus < port.secondaryNumber || bus > port.subordinateNumber);
}

interface Piece {
  readonly start: number;
  readonly first: number;
}

/** Cuts the line at the borders of all claims on the way and keeps the innermost claimant of each piece. */
function pieceStarts(from: PciFunction, ports: readonly PciFunction[]): Piece[] {
  const decoders: { readonly hop: number; readonly decoder: AddressDecoder }[] = [];
  if (ports.length > 0) decoders.push({ hop: -1, decoder: from.bus.decoder });
  for (const [hop, port] of ports.entries())
    if (port.portType !== PCI_EXP_TYPE_UPSTREAM) decoders.push({ hop, decoder: port.bus.decoder }); // else decided below
  if (!from.bus.fabric.routesPeers) decoders.length = 0;
  const borders = new Set([0, ...decoders.flatMap(({ decoder: { starts, ends } }) => [...starts, ...ends])]);
  const pieces: Piece[] = [];
  for (const start of [...borders].sort((a, b) => a - b)) {
    const first = decoders.find(({ decoder }) => decoder.find(start) >= 0)?.hop ?? ports.length;
    if (pieces[pieces.length - 1]?.first !== first) pieces.push({ start, first });
  }
  return pieces;
}
