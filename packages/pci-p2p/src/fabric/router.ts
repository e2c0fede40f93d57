import {
  PCI_ACS_CR,
  PCI_ACS_DT,
  PCI_ACS_EC,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
} from '../spec/capability-ids.ts';
import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_UPSTREAM } from '../spec/port-type.ts';
import { type AddressDecoder, DECODES_TO_WINDOW } from './address-decoder.ts';
import {
  FAULT_ACS_VIOLATION,
  FAULT_NOT_BUS_MASTER,
  FAULT_REMOVED,
  FAULT_TRANSLATION,
  FAULT_UNSUPPORTED_REQUEST,
} from './faults.ts';
import type { HostBridge } from './host-bridge.ts';
import { MSI_WINDOW_END, MSI_WINDOW_START } from './interrupt-controller.ts';
import * as L from './link-counters.ts';
import type { PciFabric } from './pci-fabric.ts';
import type { PciFunction } from './pci-function.ts';
import { aliasAbove } from './requester-alias.ts';
import type { UpstreamPath } from './upstream-path.ts';

/** Address type of a request: bits 1:0 (spec T12). */
export const AT_UNTRANSLATED = 0;
export const AT_TRANSLATED = 2;
const AT_MASK = 3;
/** Relaxed ordering, beside the address type. */
export const RELAXED_ORDERING = 4;

/** Where a request ended: memory, at `wire[WIRE_PHYS]`. */
export const ROUTED_TO_MEMORY = 0;
/** A function: see `target`, `targetBar`, `targetOffset`. */
export const ROUTED_TO_FUNCTION = 1;
/** The interrupt window: a message sent by `requesterId`. */
export const ROUTED_TO_INTERRUPT = 2;

/** Slots of {@link Router.wire}. */
export const WIRE_ADDRESS = 0;
export const WIRE_PHYS = 1;

/** A port lets a request go on upstream. */
const GOES_UP = -100;

/** What a port does with a request from below that matches a peer (spec T16). */
const DIRECT = 0;
const REDIRECT = 1;
const VIOLATION = 2;

/**
 * Carries one request from the function that issues it to where it ends, hop by hop, as the ports on the way decide
 * (spec T12 to T20). A request lies inside one 4 KiB page. The request and the answer's details are fields.
 */
export class Router {
  /**
   * The address that the request carries and, after routing to memory, the physical one. In an array, because a number
   * past 2^31 that is a parameter or a result becomes an object at every call (76 instead of 46 ns to a peer).
   */
  readonly wire = new Float64Array(2);
  target: PciFunction | null = null;
  targetBar = 0;
  targetOffset = 0;
  /** Bytes of the request that the answer holds for; the rest is a request of its own. */
  extent = 0;
  /** The requester id that the root complex saw. */
  requesterId = 0;
  #attributes = 0;
  #isWrite: 0 | 1 = 0;
  readonly #fabric: PciFabric;
  /** Of an Arm machine, where a message is a write that the IOMMU translates like any (spec H10); else -1. */
  readonly #doorbellPage: number = -1;

  constructor(fabric: PciFabric) {
    this.#fabric = fabric;
    this.#doorbellPage = fabric.interrupts.doorbellPage;
  }

  /** Routes `wire[WIRE_ADDRESS]`: one of the `ROUTED_` answers, or a fault. `attributes` are address type and ordering. */
  route(from: PciFunction, attributes: number, isWrite: 0 | 1, lengthBytes: number): number {
    this.extent = lengthBytes;
    this.#attributes = attributes;
    this.#isWrite = isWrite;
    if (!from.busMaster) return from.removed ? FAULT_REMOVED : FAULT_NOT_BUS_MASTER;
    if (this.#fabric.decodeIsStale) this.#fabric.rebuildDecoders();
    const path = from.path ?? from.settlePath();
    // An ordinary request need not ask the ports below its first match. Asking each: 94 instead of 31 ns to memory.
    if (attributes !== AT_UNTRANSLATED || from.forgedRequesterId >= 0 || !path.isOpen)
      return this.#fromBelow(from, path);
    const passed = path.firstMatch(this.wire[WIRE_ADDRESS]);
    if (passed < 0) return this.#fromBelow(from, path);
    path.count(passed, lengthBytes);
    if (passed === path.ports.length) return this.#atRootComplex(from.bus.hostBridge, path.wireId);
    return this.#upward(from, path, passed, path.ids[passed]);
  }

  /** A CPU's own access at `wire[WIRE_ADDRESS]`: memory, or down to a function. */
  routeFromRoot(lengthBytes: number): number {
    this.extent = lengthBytes;
    if (this.#fabric.decodeIsStale) this.#fabric.rebuildDecoders();
    this.wire[WIRE_PHYS] = this.wire[WIRE_ADDRESS];
    return this.#resolve();
  }

  #fromBelow(from: PciFunction, path: UpstreamPath): number {
    const local = this.#onOwnBus(from);
    if (local >= 0) return this.#descend(from.bus.decoder, local);
    return this.#upward(from, path, 0, from.forgedRequesterId >= 0 ? from.forgedRequesterId : path.ids[0]);
  }

  /** Whether the address is claimed on the function's own bus without a port being asked (spec T19): index or -1. */
  #onOwnBus(from: PciFunction): number {
    const { bus } = from;
    if (bus.bridge === null || !this.#fabric.routesPeers) return -1;
    const hit = bus.decoder.find(this.wire[WIRE_ADDRESS]);
    if (hit < 0 || bus.isShared) return hit;
    const owner = bus.decoder.owners[hit];
    if (owner === from) return hit; // its own BAR: no device sends that out
    const isolated = (from.acsControl & (PCI_ACS_RR | PCI_ACS_EC)) !== 0;
    return isolated || owner.devfn >>> 3 !== from.devfn >>> 3 ? -1 : hit;
  }

  /** Asks each port from `passed` on; `rid` is the requester id below that port. */
  #upward(from: PciFunction, { ports }: UpstreamPath, passed: number, rid: number): number {
    for (let i = passed; i < ports.length; i++) {
      const port = ports[i];
      port.counters[L.LINK_UP_REQUESTS]++;
      port.counters[L.LINK_UP_BYTES] += this.extent;
      if (!port.busMaster) return FAULT_UNSUPPORTED_REQUEST; // forwards no memory request upstream (spec T3)
      const verdict = this.#ingress(port, i === 0 ? from : ports[i - 1], rid);
      if (verdict !== GOES_UP) return verdict;
      rid = aliasAbove(port, rid);
    }
    return this.#atRootComplex(from.bus.hostBridge, rid);
  }

  /** What a port does with a request from its secondary side: lets it go on upstream, or gives the answer. */
  #ingress(port: PciFunction, below: PciFunction, rid: number): number {
    if (port.portType === PCI_EXP_TYPE_UPSTREAM) return GOES_UP; // the downstream port has decided already
    const isPort = port.portType === PCI_EXP_TYPE_DOWNSTREAM || port.portType === PCI_EXP_TYPE_ROOT_PORT;
    if (isPort && this.#isBlocked(port, rid)) return violation(port);
    if (!this.#fabric.routesPeers) return GOES_UP;
    const { decoder } = port.bus;
    const hit = decoder.find(this.wire[WIRE_ADDRESS]);
    if (hit < 0) return GOES_UP;
    const behindItself = decoder.owners[hit] === port && decoder.bars[hit] === DECODES_TO_WINDOW;
    if (!isPort) return behindItself ? FAULT_UNSUPPORTED_REQUEST : GOES_UP; // it would come back (spec T6)
    if (behindItself && below.portType === PCI_EXP_TYPE_UPSTREAM)
      return port.acsControl & PCI_ACS_UF ? GOES_UP : violation(port); // redirected by the switch below (spec T17)
    return this.#toPeer(port, hit, behindItself);
  }

  /** Source validation and translation blocking (spec T16). */
  #isBlocked(port: PciFunction, rid: number): boolean {
    const control = port.acsControl;
    if (control & PCI_ACS_SV) {
      const bus = rid >>> 8;
      if (bus < port.secondaryNumber || bus > port.subordinateNumber) return true;
    }
    return (control & PCI_ACS_TB) !== 0 && (this.#attributes & AT_MASK) !== AT_UNTRANSLATED;
  }

  #toPeer(port: PciFunction, hit: number, behindItself: boolean): number {
    const { decoder } = port.bus;
    const peer = decoder.owners[hit];
    const verdict = peerVerdict(port, peer, this.#attributes);
    if (verdict === VIOLATION) return violation(port);
    if (verdict === REDIRECT) {
      port.counters[L.LINK_REDIRECTED]++;
      return GOES_UP;
    }
    // A root port's peers are reached through the root complex, which translates first (spec T15, T20).
    if (port.portType === PCI_EXP_TYPE_ROOT_PORT && !behindItself) return GOES_UP;
    if (this.#isWrite === 0 && peer.acsControl & PCI_ACS_CR && !(this.#attributes & RELAXED_ORDERING))
      peer.counters[L.LINK_COMPLETIONS_REDIRECTED]++;
    return this.#descend(decoder, hit);
  }

  #atRootComplex(hostBridge: HostBridge, rid: number): number {
    this.requesterId = rid;
    const { counters, iommu } = hostBridge;
    const address = this.wire[WIRE_ADDRESS];
    const translated = (this.#attributes & AT_MASK) === AT_TRANSLATED;
    if (!translated && address >= MSI_WINDOW_START && address < MSI_WINDOW_END && this.#doorbellPage < 0) {
      counters[L.ROOT_INTERRUPTS]++;
      return ROUTED_TO_INTERRUPT;
    }
    this.wire[WIRE_PHYS] = address;
    if (iommu !== null) {
      counters[L.ROOT_TRANSLATED]++;
      let phys = address;
      if (!translated) phys = iommu.translate(rid, address, this.#isWrite);
      else if (iommu.translateRequest !== undefined) {
        const access = this.#isWrite === 1 ? 'write' : 'read';
        phys = iommu.translateRequest({ sourceId: rid, address, access, translated: true });
      }
      if (phys < 0) {
        counters[L.ROOT_FAULTS]++;
        return FAULT_TRANSLATION;
      }
      this.wire[WIRE_PHYS] = phys;
    }
    const routed = this.#resolve();
    if (routed === ROUTED_TO_MEMORY) {
      counters[L.ROOT_TO_MEMORY]++;
      return routed;
    }
    if (routed === ROUTED_TO_INTERRUPT) {
      counters[L.ROOT_INTERRUPTS]++;
      return routed;
    }
    counters[L.ROOT_TO_FUNCTIONS]++;
    // The window that claims the address may belong to another host bridge; the one the request came through decides.
    return routed === ROUTED_TO_FUNCTION && !hostBridge.forwardsPeerRequests ? FAULT_UNSUPPORTED_REQUEST : routed;
  }

  /** The CPU physical address: memory where no host-bridge window claims it (spec T5, T20). */
  #resolve(): number {
    const { windowStarts, windowEnds } = this.#fabric;
    const phys = this.wire[WIRE_PHYS];
    for (let i = 0; i < windowStarts.length; i++) {
      if (phys < windowStarts[i] || phys >= windowEnds[i]) continue;
      const { decoder } = this.#fabric.windowBridges[i].rootBus;
      this.wire[WIRE_ADDRESS] = phys - this.#fabric.windowOffsets[i];
      const hit = decoder.find(this.wire[WIRE_ADDRESS]);
      return hit < 0 ? FAULT_UNSUPPORTED_REQUEST : this.#descend(decoder, hit);
    }
    const page = this.#doorbellPage;
    return page >= 0 && phys >= page && phys < page + 4096 ? ROUTED_TO_INTERRUPT : ROUTED_TO_MEMORY;
  }

  /** Down through bridge windows to the BAR that claims the address. */
  #descend(decoder: AddressDecoder, hit: number): number {
    const address = this.wire[WIRE_ADDRESS];
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
}

function violation(port: PciFunction): number {
  port.counters[L.LINK_ACS_VIOLATIONS]++;
  return FAULT_ACS_VIOLATION;
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
