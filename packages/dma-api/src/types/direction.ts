import { DmaBugError } from './errors.ts';

/** Both ways (spec D3). */
export const DMA_BIDIRECTIONAL = 0;
/** The device reads. */
export const DMA_TO_DEVICE = 1;
/** The device writes. */
export const DMA_FROM_DEVICE = 2;
/** Never valid for a mapping. */
export const DMA_NONE = 3;

const NAMES = ['BIDIRECTIONAL', 'TO_DEVICE', 'FROM_DEVICE', 'NONE'];

/** The direction as trace lines print it (spec D96). */
export function directionName(dir: number): string {
  return NAMES[dir] ?? `0x${dir.toString(16)}`;
}

/** `valid_dma_direction`: 0, 1 and 2 only (spec D3). */
export function validDmaDirection(dir: number): boolean {
  return dir === DMA_BIDIRECTIONAL || dir === DMA_TO_DEVICE || dir === DMA_FROM_DEVICE;
}

/** The kernel's BUG on a bad direction, in a function of its own so that hot callers stay small (spec D3). */
export function bugOnDirection(call: string, dir: number): never {
  throw new DmaBugError(`${call}: ${directionName(dir)} is not a direction that memory can be mapped or synced in`, {
    call,
    dir,
  });
}
