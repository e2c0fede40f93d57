import { PAGE_SIZE } from '@dmalab/phys-memory';
import { DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../types/direction.ts';

/** The shadow of initialised bytes, as far as mapping needs it (spec P83). */
export interface KmsanShadow {
  /** High memory has no shadow at a fixed place and is skipped (spec D16). */
  isHighMemory(phys: number): boolean;
  /** Reports every run of uninitialised bytes in a piece that lies inside one page (spec P86). */
  check(phys: number, size: number): void;
  /** Marks a piece that lies inside one page as initialised (spec P87). */
  markInitialised(phys: number, size: number): void;
}

/** `kmsan_handle_dma`: page by page, because neighbouring pages need not have neighbouring shadows (spec D16, P85). */
export function kmsanHandleDma(shadow: KmsanShadow, phys: number, size: number, dir: number): void {
  if (shadow.isHighMemory(phys)) return;
  for (let at = phys, left = size; left > 0; ) {
    const piece = Math.min(left, PAGE_SIZE - (at % PAGE_SIZE));
    if (dir !== DMA_FROM_DEVICE) shadow.check(at, piece);
    if (dir !== DMA_TO_DEVICE) shadow.markInitialised(at, piece);
    at += piece;
    left -= piece;
  }
}
