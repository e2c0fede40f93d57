import type { Device } from '../device/device.ts';
import { syncPhysForCpu, syncPhysForDevice } from '../direct/direct-sync.ts';
import { useSwiotlb } from './iommu-bounce.ts';

/** `iommu_dma_sync_single_for_cpu`: nothing where neither caches nor a bounce slot can stand between (spec D57, I71). */
export function iommuDmaSyncForCpu(dev: Device, address: number, size: number, dir: number): void {
  if (dev.coherent && !useSwiotlb(dev, size, dir)) return;
  syncPhysForCpu(dev, dev.iommu!.iovaToPhys(address), size, dir);
}

/** `iommu_dma_sync_single_for_device`. */
export function iommuDmaSyncForDevice(dev: Device, address: number, size: number, dir: number): void {
  if (dev.coherent && !useSwiotlb(dev, size, dir)) return;
  syncPhysForDevice(dev, dev.iommu!.iovaToPhys(address), size, dir);
}
