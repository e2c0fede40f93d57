import { PAGE_SIZE } from '@dmalab/phys-memory';
import type { PageSource } from '../alloc/sources/page-source.ts';
import type { RamRange } from '../context/page-view.ts';
import { __GFP_DMA, __GFP_DMA32 } from '../types/gfp.ts';

const ZONE_LIMITS = { dma: 2 ** 24, dma32: 2 ** 32, normal: 2 ** 52 };

/** A page allocator small enough to read: the lowest aligned free run of the highest zone that the flags allow. */
export class FirstFitPages implements PageSource {
  readonly #ram: readonly RamRange[];
  readonly #used = new Set<number>();
  /** Blocks handed out and not yet returned. */
  live = 0;

  constructor(ram: readonly RamRange[]) {
    this.#ram = ram;
  }

  allocPages(gfp: number, order: number): number {
    const { dma, dma32, normal } = ZONE_LIMITS;
    const zones: [number, number][] = [
      [dma32, normal],
      [dma, dma32],
      [PAGE_SIZE, dma],
    ];
    const allowed = (gfp & __GFP_DMA) !== 0 ? zones.slice(2) : (gfp & __GFP_DMA32) !== 0 ? zones.slice(1) : zones;
    for (const [from, to] of allowed) {
      const phys = this.#run(from, to, PAGE_SIZE * 2 ** order);
      if (phys < 0) continue;
      for (let at = phys; at < phys + PAGE_SIZE * 2 ** order; at += PAGE_SIZE) this.#used.add(at);
      this.live++;
      return phys;
    }
    return -1;
  }

  freePages(phys: number, order: number): void {
    for (let at = phys; at < phys + PAGE_SIZE * 2 ** order; at += PAGE_SIZE) this.#used.delete(at);
    this.live--;
  }

  #run(from: number, to: number, bytes: number): number {
    for (const { start, end } of this.#ram) {
      let at = Math.ceil(Math.max(start, from) / bytes) * bytes;
      for (; at + bytes <= Math.min(end + 1, to); at += bytes) if (this.#isFree(at, bytes)) return at;
    }
    return -1;
  }

  #isFree(phys: number, bytes: number): boolean {
    for (let at = phys; at < phys + bytes; at += PAGE_SIZE) if (this.#used.has(at)) return false;
    return true;
  }
}
