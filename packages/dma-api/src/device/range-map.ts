import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';

/** One window of an upstream bus: CPU addresses from `cpuStart` appear to devices from `dmaStart` (spec D5, D33). */
export interface DmaRange {
  readonly cpuStart: number;
  readonly dmaStart: number;
  readonly size: number;
}

/** First range that holds the address; only the first byte of a buffer is looked at (spec D33). */
export function translateByRangeMap(ranges: readonly DmaRange[], phys: number): number {
  for (const { cpuStart, dmaStart, size } of ranges) {
    if (phys >= cpuStart && phys - cpuStart < size) return dmaStart + (phys - cpuStart);
  }
  return DMA_MAPPING_ERROR;
}

/** The way back; all ones (-1 here) where no range matches. */
export function inverseByRangeMap(ranges: readonly DmaRange[], address: number): number {
  for (const { cpuStart, dmaStart, size } of ranges) {
    if (address >= dmaStart && address - dmaStart < size) return cpuStart + (address - dmaStart);
  }
  return DMA_MAPPING_ERROR;
}
