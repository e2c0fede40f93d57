import type { DmaContext, PageEraTrace } from '@dmalab/dma-api';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import { EventKind, type TraceLog, type TraceRing } from '@dmalab/trace';

/** Adds up the events that a machine records, and empties its recorder before it would overwrite any. */
export class EventTally {
  iommuMaps = 0;
  iommuUnmaps = 0;
  bouncedBytes = 0;
  /** Pages of 4 KiB entered into the IOMMU's tables or taken out of them. */
  tablePages = 0;
  /** Maps that went through the bounce pool. */
  bounces = 0;
  readonly #ring: TraceRing;
  /** The page-based interface's events have names of their own, and a recorder of their own (spec G10). */
  readonly #pageEra: PageEraTrace;
  readonly #pageMapsBefore: number;
  readonly #pageUnmapsBefore: number;
  #physMaps = 0;
  #physUnmaps = 0;

  constructor({ ring, pageEraTrace: pageEra }: DmaContext) {
    this.#ring = ring;
    this.#pageEra = pageEra;
    this.#pageMapsBefore = pageEra.maps;
    this.#pageUnmapsBefore = pageEra.unmaps;
  }

  /** Calls that map a buffer, of either interface. */
  get maps(): number {
    return this.#physMaps + this.#pageEra.maps - this.#pageMapsBefore;
  }

  get unmaps(): number {
    return this.#physUnmaps + this.#pageEra.unmaps - this.#pageUnmapsBefore;
  }

  /** Takes what was recorded since the last call. */
  drain(): void {
    const { log, lostEvents } = this.#ring.toLog();
    if (lostEvents > 0) throw new Error(`the recorder overwrote ${lostEvents} events before they were counted`);
    for (let i = 0; i < log.length; i++) this.#add(log, i);
    this.#ring.clear();
  }

  #add(log: TraceLog, i: number): void {
    switch (log.kind(i)) {
      case EventKind.DMA_MAP_PHYS:
        this.#physMaps++;
        break;
      case EventKind.DMA_UNMAP_PHYS:
        this.#physUnmaps++;
        break;
      case EventKind.MAP:
        this.iommuMaps++;
        this.tablePages += log.size(i) / PAGE_SIZE;
        break;
      case EventKind.UNMAP:
        this.iommuUnmaps++;
        this.tablePages += log.size(i) / PAGE_SIZE;
        break;
      case EventKind.SWIOTLB_BOUNCED:
        this.bounces++;
        this.bouncedBytes += log.size(i);
        break;
      default:
    }
  }
}
