import type { DmaAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { mapDirect } from '../device/go-direct.ts';
import { isBounceAddress } from '../direct/bounce.ts';
import { directSyncForCpu, directSyncForDevice } from '../direct/direct-sync.ts';
import { dmaToPhys } from '../direct/translate.ts';
import { iommuDmaSyncForCpu, iommuDmaSyncForDevice } from '../dma-iommu/iommu-dma-sync.ts';
import { bugOnDirection, validDmaDirection } from '../types/direction.ts';

/**
 * `dma_dev_need_sync`: false lets every sync call return at once, without an event and without looking at its direction
 * (spec D54). Without `dmaNeedSync` they compile to nothing.
 */
export function dmaDevNeedSync(dev: Device): boolean {
  const { dmaNeedSync, dmaApiDebug } = dev.context.options;
  return dmaNeedSync && (!dev.dmaSkipSync || dmaApiDebug);
}

/** `dma_sync_single_for_cpu` (spec D55): the CPU may look at what the device wrote. */
export function dmaSyncSingleForCpu(dev: Device, address: DmaAddr, size: number, dir: number): void {
  if (!dmaDevNeedSync(dev)) return;
  if (!validDmaDirection(dir)) bugOnDirection('dma_sync_single_for_cpu', dir);
  if (mapDirect(dev)) directSyncForCpu(dev, address, size, dir);
  else if (dev.iommu !== null) iommuDmaSyncForCpu(dev, address, size, dir);
  else dev.dmaOps?.syncSingleForCpu?.(dev, address, size, dir);
  const { ring, debug } = dev.context;
  if (ring.on) ring.dmaSyncSingleForCpu(dev.traceId, dir, address, size);
  debug?.syncSingle(dev, address, size, dir, true);
}

/** `dma_sync_single_for_device`: the device may look at what the CPU wrote. */
export function dmaSyncSingleForDevice(dev: Device, address: DmaAddr, size: number, dir: number): void {
  if (!dmaDevNeedSync(dev)) return;
  if (!validDmaDirection(dir)) bugOnDirection('dma_sync_single_for_device', dir);
  if (mapDirect(dev)) directSyncForDevice(dev, address, size, dir);
  else if (dev.iommu !== null) iommuDmaSyncForDevice(dev, address, size, dir);
  else dev.dmaOps?.syncSingleForDevice?.(dev, address, size, dir);
  const { ring, debug } = dev.context;
  if (ring.on) ring.dmaSyncSingleForDevice(dev.traceId, dir, address, size);
  debug?.syncSingle(dev, address, size, dir, false);
}

/** `dma_sync_single_range_for_cpu`: the event shows the shifted address (spec D55). */
export function dmaSyncSingleRangeForCpu(
  dev: Device,
  address: DmaAddr,
  offset: number,
  size: number,
  dir: number,
): void {
  dmaSyncSingleForCpu(dev, (address + offset) as DmaAddr, size, dir);
}

/** `dma_sync_single_range_for_device`. */
export function dmaSyncSingleRangeForDevice(
  dev: Device,
  address: DmaAddr,
  offset: number,
  size: number,
  dir: number,
): void {
  dmaSyncSingleForDevice(dev, (address + offset) as DmaAddr, size, dir);
}

/** `dma_need_sync`: whether this mapping's syncs do anything (spec D58). */
export function dmaNeedSync(dev: Device, address: DmaAddr): boolean {
  if (!dmaDevNeedSync(dev)) return false;
  if (!mapDirect(dev)) return true;
  return !dev.coherent || isBounceAddress(dev, dmaToPhys(dev, address));
}

/**
 * `dma_need_unmap` (spec D59): ask after the mappings in question were made, since a bounce changes the answer for the
 * device from then on (spec T2). The API itself never drops an unmap that it is given (spec T4).
 */
export function dmaNeedUnmap(dev: Device): boolean {
  if (!dev.context.options.dmaNeedSync) return false;
  return !mapDirect(dev) || !dev.dmaSkipSync || dev.context.options.dmaApiDebug;
}
