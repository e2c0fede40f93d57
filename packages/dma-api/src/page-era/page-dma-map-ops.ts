import type { Device } from '../device/device.ts';
import type { Page } from './page-conversions.ts';

/**
 * `dma_map_ops` as it was (spec G4): pages in; the one callback that takes a physical address is for MMIO and optional.
 * Each implementation starts with a conversion of its own.
 */
export interface PageDmaMapOps {
  mapPage(dev: Device, page: Page, offset: number, size: number, dir: number, attrs: number): number;
  unmapPage?(dev: Device, address: number, size: number, dir: number, attrs: number): void;
  mapResource?(dev: Device, phys: number, size: number, dir: number, attrs: number): number;
  unmapResource?(dev: Device, address: number, size: number, dir: number, attrs: number): void;
}
