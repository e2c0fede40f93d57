import type { Device } from '../device/device.ts';
import { isBounceAddress } from './bounce.ts';
import { dmaToPhys } from './translate.ts';

/** `dma_direct_sync_single_for_device`: into the bounce slot first, then out of the caches (spec D56, S71). */
export function directSyncForDevice(dev: Device, address: number, size: number, dir: number): void {
  syncPhysForDevice(dev, dmaToPhys(dev, address), size, dir);
  if (!dev.coherent) dev.context.cache?.flush();
}

/** `dma_direct_sync_single_for_cpu`: caches first, then out of the bounce slot (spec D56, S71). */
export function directSyncForCpu(dev: Device, address: number, size: number, dir: number): void {
  const phys = dmaToPhys(dev, address);
  if (!dev.coherent) {
    dev.context.cache?.forCpu(phys, size, dir);
    dev.context.cache?.flush();
  }
  if (isBounceAddress(dev, phys)) dev.ioTlbMem!.syncForCpu(dev, phys, size, dir);
}

/** One range by physical address, without a barrier: lists take one at the end. */
export function syncPhysForDevice(dev: Device, phys: number, size: number, dir: number): void {
  if (isBounceAddress(dev, phys)) dev.ioTlbMem!.syncForDevice(dev, phys, size, dir);
  if (!dev.coherent) dev.context.cache?.forDevice(phys, size, dir);
}

/** The other way, in the other order. */
export function syncPhysForCpu(dev: Device, phys: number, size: number, dir: number): void {
  if (!dev.coherent) dev.context.cache?.forCpu(phys, size, dir);
  if (isBounceAddress(dev, phys)) dev.ioTlbMem!.syncForCpu(dev, phys, size, dir);
}
