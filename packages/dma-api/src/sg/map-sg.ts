import { kmsanHandleDma } from '../context/kmsan.ts';
import type { Device } from '../device/device.ts';
import { mapDirect } from '../device/go-direct.ts';
import { dmaDevNeedSync } from '../map/sync.ts';
import { DMA_ATTR_REQUIRE_COHERENT } from '../types/attrs.ts';
import { bugOnDirection, validDmaDirection } from '../types/direction.ts';
import { EINVAL, EIO, ENOMEM, EOPNOTSUPP, EREMOTEIO } from '../types/errno.ts';
import { DmaBugError } from '../types/errors.ts';
import { directMapSg, directSyncSgForCpu, directSyncSgForDevice, directUnmapSg } from './direct-sg.ts';
import { iommuDmaMapSg, iommuDmaSyncSgForCpu, iommuDmaSyncSgForDevice, iommuDmaUnmapSg } from './iommu-sg.ts';
import { checkEntries, type Scatterlist, type SgTable, sgPhys } from './scatterlist.ts';

/** Failures that a backend may report; anything else is the backend's own fault (spec D25). */
const EXPECTED_ERRORS = new Set([EINVAL, ENOMEM, EIO, EREMOTEIO]);

/** `dma_map_sg_attrs`: DMA entries, or 0 for any failure (spec D26). */
export function dmaMapSg(dev: Device, list: Scatterlist, nents: number, dir: number, attrs = 0): number {
  return Math.max(0, mapSgAttrs(dev, list, nents, dir, attrs));
}

/**
 * `dma_map_sgtable`: 0 with `nents` set, or a negative errno (spec D26). A null mask pointer is taken for success with no
 * entries, because the inner call returns 0 (spec T7).
 */
export function dmaMapSgtable(dev: Device, table: SgTable, dir: number, attrs = 0): number {
  const result = mapSgAttrs(dev, table.list, table.origNents, dir, attrs);
  if (result < 0) return result;
  table.nents = result;
  return 0;
}

/** `dma_unmap_sg_attrs`: takes the original count; traces and checks before it acts (spec D27, T6, T10). */
export function dmaUnmapSg(dev: Device, list: Scatterlist, nents: number, dir: number, attrs = 0): void {
  if (!validDmaDirection(dir)) bugOnDirection('dma_unmap_sg', dir);
  checkEntries('dma_unmap_sg', list, nents);
  if (!dev.hasDmaMask) throw new DmaBugError(`${dev.name}: unmap dereferences a null DMA mask`, { device: dev.name });
  const { ring, debug, archMapDirect } = dev.context;
  if (ring.on) ring.dmaUnmapSg(dev.traceId, dir, physAddrs(dev, list, nents), nents, attrs);
  debug?.unmapSg(dev, list, nents, dir, attrs);
  if (mapDirect(dev) || archMapDirect?.unmapSgDirect(dev, list, nents)) directUnmapSg(dev, list, nents, dir, attrs);
  else if (dev.iommu !== null) iommuDmaUnmapSg(dev, list, nents, dir, attrs);
  else dev.dmaOps?.unmapSg?.(dev, list, nents, dir, attrs);
}

/** `dma_unmap_sgtable`. */
export function dmaUnmapSgtable(dev: Device, table: SgTable, dir: number, attrs = 0): void {
  dmaUnmapSg(dev, table.list, table.origNents, dir, attrs);
}

/** `dma_sync_sg_for_cpu` (spec D55): the original count. */
export function dmaSyncSgForCpu(dev: Device, list: Scatterlist, nents: number, dir: number): void {
  if (!dmaDevNeedSync(dev)) return;
  if (!validDmaDirection(dir)) bugOnDirection('dma_sync_sg_for_cpu', dir);
  if (mapDirect(dev)) directSyncSgForCpu(dev, list, nents, dir);
  else if (dev.iommu !== null) iommuDmaSyncSgForCpu(dev, list, nents, dir);
  else dev.dmaOps?.syncSgForCpu?.(dev, list, nents, dir);
  const { ring, debug } = dev.context;
  if (ring.on) ring.dmaSyncSgForCpu(dev.traceId, dir, dmaAddrs(list, nents), dmaLengths(list, nents), nents);
  debug?.syncSg(dev, list, nents, dir, true);
}

/** `dma_sync_sg_for_device`. */
export function dmaSyncSgForDevice(dev: Device, list: Scatterlist, nents: number, dir: number): void {
  if (!dmaDevNeedSync(dev)) return;
  if (!validDmaDirection(dir)) bugOnDirection('dma_sync_sg_for_device', dir);
  if (mapDirect(dev)) directSyncSgForDevice(dev, list, nents, dir);
  else if (dev.iommu !== null) iommuDmaSyncSgForDevice(dev, list, nents, dir);
  else dev.dmaOps?.syncSgForDevice?.(dev, list, nents, dir);
  const { ring, debug } = dev.context;
  if (ring.on) ring.dmaSyncSgForDevice(dev.traceId, dir, dmaAddrs(list, nents), dmaLengths(list, nents), nents);
  debug?.syncSg(dev, list, nents, dir, false);
}

/** `__dma_map_sg_attrs` (spec D25). The two early checks come in the opposite order from `dma_map_phys` (spec T7). */
function mapSgAttrs(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): number {
  if (!validDmaDirection(dir)) bugOnDirection('dma_map_sg', dir);
  checkEntries('dma_map_sg', list, nents);
  if (!dev.coherent && (attrs & DMA_ATTR_REQUIRE_COHERENT) !== 0) return EOPNOTSUPP;
  if (!dev.hasDmaMask) {
    dev.context.log.warnOnce('dma_map_sg mask', dev.name, 'dma_map_sg on a device without a DMA mask');
    return 0;
  }
  const result = mapByBackend(dev, list, nents, dir, attrs);
  if (result > 0) {
    observeMap(dev, list, nents, result, dir, attrs);
    return result;
  }
  if (EXPECTED_ERRORS.has(result)) return result; // an ordinary failure leaves no event (spec T8)
  const { log, ring } = dev.context;
  log.warnOnce('dma_map_sg result', dev.name, `the backend answered ${result} to dma_map_sg`);
  if (ring.on) ring.dmaMapSgErr(dev.traceId, dir, physAddrs(dev, list, nents), nents, result, attrs);
  return EIO;
}

function mapByBackend(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): number {
  if (mapDirect(dev) || dev.context.archMapDirect?.mapSgDirect(dev, list, nents)) {
    return directMapSg(dev, list, nents, dir, attrs);
  }
  if (dev.iommu !== null) return iommuDmaMapSg(dev, list, nents, dir, attrs);
  const mapSg = dev.dmaOps?.mapSg;
  if (mapSg === undefined)
    throw new DmaBugError(`${dev.name}: its dma_map_ops table has no map_sg`, { device: dev.name });
  return mapSg.call(dev.dmaOps, dev, list, nents, dir, attrs);
}

/** KMSAN sees every entry here, MMIO lists included, but only on success (spec D16). */
function observeMap(dev: Device, list: Scatterlist, nents: number, mapped: number, dir: number, attrs: number): void {
  const { ring, kmsan, debug, conversions } = dev.context;
  if (kmsan !== null) {
    for (const e of list.entries.slice(0, nents)) kmsanHandleDma(kmsan, sgPhys(conversions, e), e.length, dir);
  }
  if (ring.on) {
    const phys = physAddrs(dev, list, nents);
    ring.dmaMapSg(dev.traceId, dir, nents, mapped, dmaAddrs(list, mapped), dmaLengths(list, mapped), phys, attrs);
  }
  debug?.mapSg(dev, list, nents, mapped, dir, attrs);
}

function physAddrs(dev: Device, list: Scatterlist, count: number): number[] {
  return list.entries.slice(0, count).map((entry) => sgPhys(dev.context.conversions, entry));
}

function dmaAddrs(list: Scatterlist, count: number): number[] {
  return list.entries.slice(0, count).map((entry) => entry.dmaAddress);
}

function dmaLengths(list: Scatterlist, count: number): number[] {
  return list.entries.slice(0, count).map((entry) => entry.dmaLength);
}
