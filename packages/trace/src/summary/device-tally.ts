import { EVENT_NAMES, EventKind } from '../format/event-kind.ts';
import type { TraceLog } from '../log/trace-log.ts';
import { LiveMappings } from './live-mappings.ts';
import type { DeviceSummary, NamedCount } from './trace-summary.ts';

const NULL_POINTER = '0000000000000000';

/** Counts what one device does, event by event. */
export class DeviceTally {
  readonly #device: string;
  readonly #byKind: number[] = EVENT_NAMES.map(() => 0);
  readonly #mappings = new LiveMappings();
  /** Scatterlists by their first physical address: the unmap event lists physical addresses only (spec D96). */
  readonly #scatterlists = new LiveMappings();
  readonly #allocations = new LiveMappings();
  #maps = 0;
  #failedMaps = 0;
  #bytesMapped = 0;
  #bytesBounced = 0;

  constructor(device: string) {
    this.#device = device;
  }

  add(log: TraceLog, i: number): void {
    const kind = log.kind(i);
    this.#byKind[kind]!++;
    switch (kind) {
      case EventKind.DMA_MAP_PHYS:
        this.#map(log.address(i), log.size(i));
        break;
      case EventKind.DMA_UNMAP_PHYS:
        this.#mappings.remove(log.address(i));
        break;
      case EventKind.DMA_MAP_SG:
        this.#mapScatterlist(log, i);
        break;
      case EventKind.DMA_MAP_SG_ERR:
        this.#failedMaps++;
        break;
      case EventKind.DMA_UNMAP_SG:
        this.#scatterlists.remove(log.physAt(i, 0));
        break;
      case EventKind.SWIOTLB_BOUNCED:
        this.#bytesBounced += log.size(i);
        break;
      default:
        this.#addAllocation(kind, log, i);
    }
  }

  result(): DeviceSummary {
    const { DMA_UNMAP_PHYS, DMA_UNMAP_SG, SWIOTLB_BOUNCED } = EventKind;
    return {
      device: this.#device,
      events: namedCounts(this.#byKind.map((count, kind) => ({ name: EVENT_NAMES[kind]!, count }))),
      maps: this.#maps,
      unmaps: this.#byKind[DMA_UNMAP_PHYS]! + this.#byKind[DMA_UNMAP_SG]!,
      failedMaps: this.#failedMaps,
      bytesMapped: this.#bytesMapped,
      bounces: this.#byKind[SWIOTLB_BOUNCED]!,
      bytesBounced: this.#bytesBounced,
      liveMappings: this.#mappings.count + this.#scatterlists.count,
      liveBytes: this.#mappings.bytes + this.#scatterlists.bytes,
      remaps: this.#mappings.again + this.#scatterlists.again,
      strayUnmaps: this.#mappings.stray + this.#scatterlists.stray,
      liveAllocations: this.#allocations.count,
      liveAllocatedBytes: this.#allocations.bytes,
    };
  }

  #map(address: number, bytes: number): void {
    if (address === -1) {
      this.#failedMaps++;
      return;
    }
    this.#maps++;
    this.#bytesMapped += bytes;
    this.#mappings.add(address, bytes);
  }

  #mapScatterlist(log: TraceLog, i: number): void {
    let bytes = 0;
    for (let n = 0; n < log.dmaCount(i); n++) bytes += log.sizeAt(i, n);
    this.#maps++;
    this.#bytesMapped += bytes;
    this.#scatterlists.add(log.physAt(i, 0), bytes);
  }

  #addAllocation(kind: EventKind, log: TraceLog, i: number): void {
    switch (kind) {
      case EventKind.DMA_ALLOC:
      case EventKind.DMA_ALLOC_PAGES:
        if (log.virtAddr(i) !== NULL_POINTER) this.#allocations.add(log.address(i), log.size(i));
        break;
      case EventKind.DMA_ALLOC_SGT:
        this.#allocations.add(log.address(i), log.size(i));
        break;
      case EventKind.DMA_FREE:
      case EventKind.DMA_FREE_PAGES:
      case EventKind.DMA_FREE_SGT:
        this.#allocations.remove(log.address(i));
        break;
    }
  }
}

/** The counts that are not zero, largest first, equal ones in their order. */
export function namedCounts(counts: readonly NamedCount[]): NamedCount[] {
  return counts.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
}
