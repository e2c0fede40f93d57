import { newLinkCounters, type RootCounters, rootCounters } from './link-counters.ts';
import { PciBus } from './pci-bus.ts';
import type { PciFabric } from './pci-fabric.ts';
import type { PciFunction } from './pci-function.ts';

/** A range of CPU addresses that a host bridge turns into bus addresses (spec T1). */
export interface HostWindow {
  readonly kind: 'memory' | 'prefetchable' | 'io';
  readonly cpuStart: number;
  readonly lengthBytes: number;
  /** CPU address minus bus address: 0 on x86, but not everywhere (spec T5). */
  readonly offset?: number;
}

/**
 * What an IOMMU is to the fabric: an address for a requester id. `VtdUnit` of `@dmalab/iommu` is one.
 * Answers the physical address of that byte, valid to the end of its 4 KiB page; negative after recording a fault.
 */
export interface DmaRemapper {
  translate(sourceId: number, address: number, isWrite: 0 | 1): number;
  /** Answers an ATS translation request (spec H11); absent: nobody may use ATS. */
  requestTranslation?(request: { readonly sourceId: number; readonly address: number }): TranslationCompletion;
  /** Judges a request that comes translated (spec T20, H12): its address, or negative; absent: it passes. */
  translateRequest?(request: TranslatedRequest): number;
}

/** What a translation completion says, 4 KiB at a time; neither right means "not translatable" (spec H11). */
export interface TranslationCompletion {
  readonly status: 'success' | 'unsupported';
  readonly readable: boolean;
  readonly writable: boolean;
  /** Physical address of the page. */
  readonly address: number;
}

/** A request with AT = translated. */
export interface TranslatedRequest {
  readonly sourceId: number;
  readonly address: number;
  readonly access: 'read' | 'write';
  readonly translated: true;
}

export interface HostBridgeOptions {
  /** Segment number; default 0. */
  readonly domain?: number;
  /** Default 0. */
  readonly rootBusNumber?: number;
  readonly windows: readonly HostWindow[];
  /** Whether a request for another port's MMIO is forwarded there; PCIe does not require it (spec T20). Default true. */
  readonly forwardsPeerRequests?: boolean;
  /** Translates what arrives from below; may be attached later. */
  readonly iommu?: DmaRemapper;
}

/** A host bridge and its root bus (spec T1). */
export class HostBridge {
  readonly domain: number;
  readonly rootBusNumber: number;
  readonly windows: readonly HostWindow[];
  readonly rootBus: PciBus;
  readonly counters: Float64Array = newLinkCounters();
  forwardsPeerRequests: boolean;
  /** The IOMMU that serves every requester below, or null. */
  iommu: DmaRemapper | null;

  constructor(fabric: PciFabric, options: HostBridgeOptions) {
    this.domain = options.domain ?? 0;
    this.rootBusNumber = options.rootBusNumber ?? 0;
    this.windows = options.windows;
    this.forwardsPeerRequests = options.forwardsPeerRequests ?? true;
    this.iommu = options.iommu ?? null;
    this.rootBus = new PciBus(fabric, this, null);
  }

  /** First function of the root bus in discovery order (spec T44). */
  get firstFunction(): PciFunction | undefined {
    return this.rootBus.functions[0];
  }

  /** What the root complex did with requests from below so far. */
  get traffic(): RootCounters {
    return rootCounters(this.counters);
  }
}
