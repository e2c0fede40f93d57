import { DMA_MAPPING_ERROR, type DmaAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { directMapPhysNoBarrier, directUnmapPhysNoBarrier } from '../direct/direct-map.ts';
import { syncPhysForCpu, syncPhysForDevice } from '../direct/direct-sync.ts';
import { dmaToPhys } from '../direct/translate.ts';
import { P2pMapState, PCI_P2PDMA_MAP_BUS_ADDR, PCI_P2PDMA_MAP_NONE, PCI_P2PDMA_MAP_THRU_HOST_BRIDGE } from '../p2p.ts';
import { DMA_ATTR_MMIO, DMA_ATTR_SKIP_CPU_SYNC } from '../types/attrs.ts';
import { EIO, EREMOTEIO } from '../types/errno.ts';
import { type Scatterlist, sgPhys } from './scatterlist.ts';

/**
 * `dma_direct_map_sg` (spec D28): entry by entry, nothing merged. Peer-to-peer memory behind the host bridge gets no MMIO
 * attribute here, so a forcing allocator bounces it like RAM (spec T9).
 *
 * @returns nents, or -EIO or -EREMOTEIO with everything undone
 */
export function directMapSg(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): number {
  const state = new P2pMapState();
  const { conversions } = dev.context;
  let mapped = 0;
  for (let i = 0; i < nents; i++) {
    const entry = list.entries[i];
    const phys = sgPhys(conversions, entry);
    const type = state.classify(dev, phys);
    let address: number;
    if (type === PCI_P2PDMA_MAP_BUS_ADDR) {
      address = state.busAddress(phys); // the mask doesn't count: it never reaches the host
      entry.busAddress = true;
    } else if (type === PCI_P2PDMA_MAP_NONE || type === PCI_P2PDMA_MAP_THRU_HOST_BRIDGE) {
      address = directMapPhysNoBarrier(dev, phys, entry.length, dir, attrs);
      if (address === DMA_MAPPING_ERROR) return undo(dev, list, i, dir, attrs, EIO);
      mapped++;
    } else return undo(dev, list, i, dir, attrs, EREMOTEIO);
    entry.dmaAddress = address as DmaAddr;
    entry.dmaLength = entry.length;
  }
  if (mapped > 0 && needsBarrier(dev, attrs)) dev.context.cache?.flush();
  return nents;
}

/** `dma_direct_unmap_sg` (spec D29): a bus address just loses its mark. */
export function directUnmapSg(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): void {
  let unmapped = 0;
  for (let i = 0; i < nents; i++) {
    const entry = list.entries[i];
    if (entry.busAddress) {
      entry.busAddress = false;
      continue;
    }
    directUnmapPhysNoBarrier(dev, entry.dmaAddress, entry.dmaLength, dir, attrs);
    unmapped++;
  }
  if (unmapped > 0 && needsBarrier(dev, attrs)) dev.context.cache?.flush();
}

/** List syncs take the CPU length and don't look at the bus-address mark (spec D56). */
export function directSyncSgForDevice(dev: Device, list: Scatterlist, nents: number, dir: number): void {
  for (let i = 0; i < nents; i++) {
    const { dmaAddress, length } = list.entries[i];
    syncPhysForDevice(dev, dmaToPhys(dev, dmaAddress), length, dir);
  }
  if (!dev.coherent) dev.context.cache?.flush();
}

export function directSyncSgForCpu(dev: Device, list: Scatterlist, nents: number, dir: number): void {
  for (let i = 0; i < nents; i++) {
    const { dmaAddress, length } = list.entries[i];
    syncPhysForCpu(dev, dmaToPhys(dev, dmaAddress), length, dir);
  }
  if (!dev.coherent) dev.context.cache?.flush();
}

/** Slots of the entries before the failing one go back without a copy; their addresses stay in the list (spec D28). */
function undo(dev: Device, list: Scatterlist, failed: number, dir: number, attrs: number, error: number): number {
  directUnmapSg(dev, list, failed, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
  return error;
}

function needsBarrier(dev: Device, attrs: number): boolean {
  return !dev.coherent && (attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) === 0;
}
