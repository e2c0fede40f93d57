import {
  PCI_ACS_CR,
  PCI_ACS_DT,
  PCI_ACS_EC,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
} from '../config/capability-ids.ts';
import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_UPSTREAM } from '../config/port-type.ts';
import { type AddressDecoder, DECODES_TO_WINDOW } from './address-decoder.ts';
import {
  FAULT_ACS_VIOLATION,
  FAULT_NOT_BUS_MASTER,
  FAULT_REMOVED,
  FAULT_TRANSLATION,
  FAULT_UNSUPPORTED_REQUEST,
} from './faults.ts';
import { MSI_WINDOW_END, MSI_WINDOW_START } from './interrupt-controller.ts';
import * as L from './link-counters.ts';
import type { PciFabric } from './pci-fabric.ts';
import type { PciFunction } from './pci-function.ts';
import { aliasAbove } from './requester-alias.ts';

/** Address type of a request: bits 1:0 (spec T12). */
export const AT_UNTRANSLATED = 0;
export const AT_TRANSLATED = 2;
const AT_MASK = 3;
/** Relaxed ordering, beside the address type. */
export const RELAXED_ORDERING = 4;

/** The request is for a function: see `target`, `targetBar`, `targetOffset`. */
export const ROUTED_TO_FUNCTION = -64;
/** The request is an interrupt message, sent by `requesterId`. */
export const ROUTED_TO_INTERRUPT = -65;

/** What a port does with a request from below that matches a peer (spec T16). */
const DIRECT = 0;
const REDIRECT = 1;
const VIOLATION = 2;

/**
 * Carries one request from the function that issues it to where it ends, hop by hop, as the ports on the way decide
 * (spec T12 to T20). A request lies inside one 4 KiB page. Nothing is allocated; the answer's details are fields.
 */
export class Router {
  target: PciFunction | null = null;
  targetBar = 0;
  targetOffset = 0;
  /** Bytes of the request that the answer holds for; the rest is a request of its own. */
  extent = 0;
  /** The requester id that the root complex saw. */
  requesterId = 0;
  readonly #fabric: PciFabric;

  constructor(fabric: PciFabric) {
    this.#fabric = fabric;
  }

  /**
   * Physical address where memory holds the byte, or one of the `ROUTED_` answers, or a fault.
   * `forgedId` is -1 for the function's own requester id; `attributes` are address type and ordering.
   */
  route(
    from: PciFunction,
    forgedId: number,
    attributes: number,
    isWrite: 0 | 1,
    address: number,
    lengthBytes: number,
  ): number {
    this.extent = lengthBytes;
    if (!from.busMaster) return from.removed ? FAULT_REMOVED : FAULT_NOT_BUS_MASTER;
    if (this.#fabric.decodeIsStale) this.#fabric.rebuildDecoders();
    let rid = forgedId >= 0 ? forgedId : from.rid;
    const local = this.#onOwnBus(from, address);
    if (local >= 0) return this.#descend(from.bus.decoder, local, address);
    let below = from;
    for (let port = from.bus.bridge; port !== null; port = port.bus.bridge) {
      port.counters[L.LINK_UP_REQUESTS]++;
      port.counters[L.LINK_UP_BYTES] += lengthBytes;
      if (!port.busMaster) return FAULT_UNSUPPORTED_REQUEST; // forwards no memory request upstream (spec T3)
      const verdict = this.#ingress(port, below, rid, attributes, isWrite, address);
      if (verdict !== 0) return verdict;
      rid = aliasAbove(port, rid);
      below = port;
    }
    this.requesterId = rid;
    return this.#atRootComplex(below, rid, attributes, isWrite, address);
  }

  /** A CPU's own access: memory, or down to a function. */
  routeFromRoot(phys: number, lengthBytes: number): number {
    this.extent = lengthBytes;
    if (this.#fabric.decodeIsStale) this.#fabric.rebuildDecoders();
    return this.#resolve(phys);
  }

  /** Whether the address is claimed on the function's own bus without a port being asked (spec T19): index or -1. */
  #onOwnBus(from: PciFunction, address: number): number {
    const { bus } = from;
    if (bus.bridge === null || !this.#fabric.routesPeers) return -1;
    const hit = bus.decoder.find(address);
    if (hit < 0 || bus.isShared) return hit;
    const owner = bus.decoder.owners[hit];
    if (owner === from) return hit; // its own BAR: no device sends that out
    const isolated = (from.acsControl & (PCI_ACS_RR | PCI_ACS_EC)) !== 0;
    return isolated || owner.devfn >>> 3 !== from.devfn >>> 3 ? -1 : hit;
  }

  /** What a port does with a request from its secondary side: 0 lets it go on upstream, anything else is the answer. */
  #ingress(
    port: PciFunction,
    below: PciFunction,
    rid: number,
    attributes: number,
    isWrite: 0 | 1,
    address: number,
  ): number {
    if (port.portType === PCI_EXP_TYPE_UPSTREAM) return 0; // the downstream port has decided already
    const isPort = port.portType === PCI_EXP_TYPE_DOWNSTREAM || port.portType === PCI_EXP_TYPE_ROOT_PORT;
    if (isPort && this.#isBlocked(port, rid, attributes)) return this.#violation(port);
    if (!this.#fabric.routesPeers) return 0;
    const { decoder } = port.bus;
    const hit = decoder.find(address);
    if (hit < 0) return 0;
    const behindItself = decoder.owners[hit] === port && decoder.bars[hit] === DECODES_TO_WINDOW;
    if (!isPort) return behindItself ? FAULT_UNSUPPORTED_REQUEST : 0; // it would come back (spec T6)
    if (behindItself && below.portType === PCI_EXP_TYPE_UPSTREAM)
      return port.acsControl & PCI_ACS_UF ? 0 : this.#violation(port); // redirected by the switch below (spec T17)
    return this.#toPeer(port, hit, behindItself, isWrite, attributes, address);
  }

  /** Source validation and translation blocking (spec T16). */
  #isBlocked(port: PciFunction, rid: number, attributes: number): boolean {
    const control = port.acsControl;
    if (control & PCI_ACS_SV) {
      const bus = rid >>> 8;
      if (bus < port.secondaryNumber || bus > port.subordinateNumber) return true;
    }
    return (control & PCI_ACS_TB) !== 0 && (attributes & AT_MASK) !== AT_UNTRANSLATED;
  }

  #toPeer(
    port: PciFunction,
    hit: number,
    behindItself: boolean,
    isWrite: 0 | 1,
    attributes: number,
    address: number,
  ): number {
    const { decoder } = port.bus;
    const peer = decoder.owners[hit];
    const verdict = peerVerdict(port, peer, attributes);
    if (verdict === VIOLATION) return this.#violation(port);
    if (verdict === REDIRECT) {
      port.counters[L.LINK_REDIRECTED]++;
      return 0;
    }
    // A root port's peers are reached through the root complex, which translates first (spec T15, T20).
    if (port.portType === PCI_EXP_TYPE_ROOT_PORT && !behindItself) return 0;
    if (isWrite === 0 && peer.acsControl & PCI_ACS_CR && !(attributes & RELAXED_ORDERING))
      peer.counters[L.LINK_COMPLETIONS_REDIRECTED]++;
    return this.#descend(decoder, hit, address);
  }

  #atRootComplex(below: PciFunction, rid: number, attributes: number, isWrite: 0 | 1, address: number): number {
    const { hostBridge } = below.bus;
    const { counters, iommu } = hostBridge;
    const translated = (attributes & AT_MASK) === AT_TRANSLATED;
    if (!translated && address >= MSI_WINDOW_START && address < MSI_WINDOW_END) {
      counters[L.ROOT_INTERRUPTS]++;
      return ROUTED_TO_INTERRUPT;
    }
    let phys = address;
    if (iommu !== null) {
      if (!translated) phys = iommu.translate(rid, address, isWrite);
      else if (iommu.allowsTranslated?.(rid) === false) phys = -1;
      counters[L.ROOT_TRANSLATED]++;
      if (phys < 0) {
        counters[L.ROOT_FAULTS]++;
        return FAULT_TRANSLATION;
      }
    }
    const routed = this.#resolve(phys);
    counters[routed >= 0 ? L.ROOT_TO_MEMORY : L.ROOT_TO_FUNCTIONS]++;
    // The window that claims the address may belong to another host bridge; the one the request came through decides.
    return routed === ROUTED_TO_FUNCTION && !hostBridge.forwardsPeerRequests ? FAULT_UNSUPPORTED_REQUEST : routed;
  }

  /** A CPU physical address: memory where no host-bridge window claims it (spec T5, T20). */
  #resolve(phys: number): number {
    const { windowStarts, windowEnds } = this.#fabric;
    for (let i = 0; i < windowStarts.length; i++) {
      if (phys < windowStarts[i] || phys >= windowEnds[i]) continue;
      const { decoder } = this.#fabric.windowBridges[i].rootBus;
      const address = phys - this.#fabric.windowOffsets[i];
      const hit = decoder.find(address);
      return hit < 0 ? FAULT_UNSUPPORTED_REQUEST : this.#descend(decoder, hit, address);
    }
    return phys;
  }

  /** Down through bridge windows to the BAR that claims the address. */
  #descend(decoder: AddressDecoder, hit: number, address: number): number {
    for (;;) {
      const owner = decoder.owners[hit];
      const bar = decoder.bars[hit];
      if (bar !== DECODES_TO_WINDOW) {
        this.target = owner;
        this.targetBar = bar;
        this.targetOffset = address - decoder.starts[hit];
        this.extent = Math.min(this.extent, decoder.ends[hit] - address);
        return ROUTED_TO_FUNCTION;
      }
      owner.counters[L.LINK_DOWN_REQUESTS]++;
      owner.counters[L.LINK_DOWN_BYTES] += this.extent;
      if (owner.secondaryBus === null) throw new Error(`${owner.name} has a window and no bus behind it`);
      decoder = owner.secondaryBus.decoder;
      hit = decoder.find(address);
      if (hit < 0) return FAULT_UNSUPPORTED_REQUEST;
    }
  }

  #violation(port: PciFunction): number {
    port.counters[L.LINK_ACS_VIOLATIONS]++;
    return FAULT_ACS_VIOLATION;
  }
}

/** Direct, redirected or dropped, in the order of spec T16 a to e. */
function peerVerdict(port: PciFunction, peer: PciFunction, attributes: number): number {
  const control = port.acsControl;
  if (control & PCI_ACS_DT && (attributes & AT_MASK) === AT_TRANSLATED) return DIRECT;
  if (control & PCI_ACS_EC) {
    if (!port.egressBlocks(peer.portNumber)) return DIRECT;
    return control & PCI_ACS_RR ? REDIRECT : VIOLATION;
  }
  return control & PCI_ACS_RR ? REDIRECT : DIRECT;
}
