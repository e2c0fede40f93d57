import { renderBody, TraceRing } from '@dmalab/trace';

/** The events of the page-based interface (spec G10); they no longer exist in 7.3 (spec D98). */
export type PageEraEvent = 'dma_map_page' | 'dma_unmap_page' | 'dma_map_resource' | 'dma_unmap_resource';

const CAPACITY = 1024;

/**
 * Recorder of the page-era events. Fields and line format are those of `dma_map_phys` and `dma_unmap_phys` under other
 * names (spec G10), so each is kept as such a record, and its name beside it.
 */
export class PageEraTrace {
  /** Map and unmap events since the recorder was made, the overwritten ones too. */
  maps = 0;
  unmaps = 0;
  readonly #records = new TraceRing(CAPACITY);
  /** By event number modulo the capacity, as the records are. */
  readonly #names: PageEraEvent[] = [];

  map(
    name: PageEraEvent,
    device: string,
    dir: number,
    address: number,
    size: number,
    phys: number,
    attrs: number,
  ): void {
    this.#keepName(name);
    this.maps++;
    this.#records.dmaMapPhys(this.#records.intern(device), dir, address, size, phys, attrs);
  }

  unmap(name: PageEraEvent, device: string, dir: number, address: number, size: number, attrs: number): void {
    this.#keepName(name);
    this.unmaps++;
    this.#records.dmaUnmapPhys(this.#records.intern(device), dir, address, size, attrs);
  }

  /** The newest events as `name: body`, oldest first. */
  lines(): string[] {
    const { log, lostEvents } = this.#records.toLog();
    return Array.from(
      { length: log.length },
      (_, i) => `${this.#names[(lostEvents + i) % CAPACITY]}: ${renderBody(log, i)}`,
    );
  }

  #keepName(name: PageEraEvent): void {
    this.#names[(this.maps + this.unmaps) % CAPACITY] = name;
  }
}
