import { ADDRESS_LIMIT, DMA_MAPPING_ERROR, type DmaAddr, type PhysAddr } from '@dmalab/phys-memory';
import { kmsanHandleDma } from '../context/kmsan.ts';
import { type Device, ROUTE_DIRECT, ROUTE_IOMMU, ROUTE_NO_MASK } from '../device/device.ts';
import { directMapPhys, directUnmapPhys } from '../direct/direct-map.ts';
import { iommuDmaMapPhys, iommuDmaUnmapPhys } from '../dma-iommu/iommu-dma-map.ts';
import { mapByLane, unmapByLane } from '../dma-iommu/page-lane.ts';
import { coherentProt } from '../dma-iommu/prot.ts';
import { DMA_ATTR_CC_SHARED, DMA_ATTR_MMIO, DMA_ATTR_REQUIRE_COHERENT } from '../types/attrs.ts';
import { bugOnDirection } from '../types/direction.ts';
import { DmaBugError, rejectRange } from '../types/errors.ts';

/** Only the direct backend has a shared form of an address; the others fail before the trace (spec D10). */
const NEEDS_A_LOOK = DMA_ATTR_CC_SHARED | DMA_ATTR_REQUIRE_COHERENT;

/**
 * `dma_map_phys` (spec D13): the address at which the device finds `size` bytes at `phys`, or `DMA_MAPPING_ERROR`. A range of
 * size 0 or across pages is passed on as it is.
 *
 * @throws {DmaBugError} for a direction that is none
 * @throws {DmaArgumentError} for a range outside the model
 */
export function dmaMapPhys(dev: Device, phys: PhysAddr, size: number, dir: number, attrs = 0): DmaAddr {
  if (phys >= 0 && size > 0 && (dir === 0 || dir === 1 || dir === 2)) {
    // The whole of D17 for a coherent device that reaches the buffer, whatever the attributes. Size 0 takes the long way for
    // its wrap-around (T17). Being first, and short enough to inline, it halves the time of a direct map.
    if (phys + size - 1 <= dev.plainReach) return phys as number as DmaAddr;
    // And of D19 for what lies in one page. While somebody looks there is no lane, nor anything in plain reach: being off,
    // observers cost nothing, not even a look.
    const lane = dev.pageLane;
    if (lane !== null && attrs === 0) {
      const address = mapByLane(lane, phys, size, coherentProt(dir));
      if (address !== 0) return address as DmaAddr;
    }
  }
  return mapByRoute(dev, phys, size, dir, attrs);
}

/**
 * `dma_unmap_phys` (spec D14). Attributes must repeat those of the map call; nothing checks that but dma-debug, and
 * leaving `DMA_ATTR_MMIO` out, or adding it, has the silent results of spec D23.
 */
export function dmaUnmapPhys(dev: Device, address: DmaAddr, size: number, dir: number, attrs = 0): void {
  if (dir !== 0 && dir !== 1 && dir !== 2) bugOnDirection('dma_unmap_phys', dir);
  const lane = dev.pageLane;
  if (lane !== null && attrs === 0 && unmapByLane(dev, lane, address, size, dir, attrs)) return;
  if (!dev.plainUnmap) unmapByRoute(dev, address, size, dir, attrs);
}

function mapByRoute(dev: Device, phys: PhysAddr, size: number, dir: number, attrs: number): DmaAddr {
  if (dir !== 0 && dir !== 1 && dir !== 2) bugOnDirection('dma_map_phys', dir);
  if (!(size >= 0 && phys >= 0 && phys + size <= ADDRESS_LIMIT)) rejectRange('dma_map_phys', phys, size);
  const route = dev.mapRoute;
  if ((attrs & NEEDS_A_LOOK) !== 0 && refusesEarly(dev, route, attrs)) return DMA_MAPPING_ERROR;
  let address: number;
  if (route === ROUTE_IOMMU) address = iommuDmaMapPhys(dev, phys, size, dir, attrs);
  else if (route === ROUTE_DIRECT) address = directMapPhys(dev, phys, size, dir, attrs);
  else if (route === ROUTE_NO_MASK) return warnNoMask(dev);
  else address = mapPhysByTable(dev, phys, size, dir, attrs);
  if (dev.observers !== 0) observeMap(dev, phys, size, dir, address, attrs);
  return address as DmaAddr;
}

function unmapByRoute(dev: Device, address: DmaAddr, size: number, dir: number, attrs: number): void {
  if (!(size >= 0)) rejectRange('dma_unmap_phys', address, size);
  const route = dev.mapRoute;
  if (route === ROUTE_DIRECT) directUnmapPhys(dev, address, size, dir, attrs);
  else if (route === ROUTE_NO_MASK) crashNoMask(dev);
  else if ((attrs & DMA_ATTR_CC_SHARED) !== 0)
    return; // without a trace (spec D14)
  else if (route === ROUTE_IOMMU) iommuDmaUnmapPhys(dev, address, size, dir, attrs);
  else unmapPhysByTable(dev, address, size, dir, attrs);
  if (dev.observers !== 0) observeUnmap(dev, address, size, dir, attrs);
}

/** Failures that leave no trace event (spec D13 steps 3 and 4, T5). The null mask comes first and warns. */
function refusesEarly(dev: Device, route: number, attrs: number): boolean {
  if (route === ROUTE_NO_MASK) return false;
  if ((attrs & DMA_ATTR_REQUIRE_COHERENT) !== 0 && !dev.coherent) return true;
  return (attrs & DMA_ATTR_CC_SHARED) !== 0 && route !== ROUTE_DIRECT;
}

function warnNoMask(dev: Device): DmaAddr {
  dev.context.log.warnOnce('dma_map_phys mask', dev.name, 'dma_map_phys on a device without a DMA mask');
  return DMA_MAPPING_ERROR;
}

function crashNoMask(dev: Device): never {
  throw new DmaBugError(`${dev.name}: unmap dereferences a null DMA mask`, { device: dev.name });
}

/** A platform table or an arch override (spec D10); MMIO never goes through the override. */
export function mapPhysByTable(dev: Device, phys: number, size: number, dir: number, attrs: number): number {
  const arch = dev.context.archMapDirect;
  const mmio = (attrs & DMA_ATTR_MMIO) !== 0;
  if (!mmio && arch?.mapPhysDirect(dev, phys + size)) return directMapPhys(dev, phys, size, dir, attrs);
  if (dev.iommu !== null) return iommuDmaMapPhys(dev, phys, size, dir, attrs);
  return dev.dmaOps?.mapPhys?.(dev, phys, size, dir, attrs) ?? DMA_MAPPING_ERROR;
}

export function unmapPhysByTable(dev: Device, address: number, size: number, dir: number, attrs: number): void {
  const arch = dev.context.archMapDirect;
  const mmio = (attrs & DMA_ATTR_MMIO) !== 0;
  if (!mmio && arch?.unmapPhysDirect(dev, address + size)) directUnmapPhys(dev, address, size, dir, attrs);
  else if (dev.iommu !== null) iommuDmaUnmapPhys(dev, address, size, dir, attrs);
  else dev.dmaOps?.unmapPhys?.(dev, address, size, dir, attrs);
}

/** KMSAN looks at the caller's buffer also when the backend failed; dma-debug only at mappings (spec D13, D16). */
function observeMap(dev: Device, phys: number, size: number, dir: number, address: number, attrs: number): void {
  const { ring, kmsan, debug } = dev.context;
  if (kmsan !== null && (attrs & DMA_ATTR_MMIO) === 0) kmsanHandleDma(kmsan, phys, size, dir);
  if (ring.on) ring.dmaMapPhys(dev.traceId, dir, address, size, phys, attrs);
  if (debug !== null) debug.mapPhys(dev, phys, size, dir, address, attrs);
}

/** After the unmap, not before it as for lists (spec T6). */
function observeUnmap(dev: Device, address: number, size: number, dir: number, attrs: number): void {
  const { ring, debug } = dev.context;
  if (ring.on) ring.dmaUnmapPhys(dev.traceId, dir, address, size, attrs);
  if (debug !== null) debug.unmapPhys(dev, address, size, dir, attrs);
}
