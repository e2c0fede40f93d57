import { DmaDomain, IntelIommu, KernelContext, VTD_PRESETS, VtdUnit } from '@dmalab/iommu';
import { PhysMemory } from '@dmalab/phys-memory';
import { Swiotlb, SwiotlbPool } from '@dmalab/swiotlb';
import { DmaContext } from '../context/dma-context.ts';
import { Device } from '../device/device.ts';
import type { DmaMapOps } from '../platform/dma-map-ops.ts';
import { dmaBitMask } from '../types/masks.ts';

const GIB = 2 ** 30;
const SOURCE_ID = 0x18;
/** Table pages are taken from here; a benchmark never gives one back for good. */
const TABLES = 0x1000000;
const POOL = 0x8000000;

/** A platform whose devices see memory 2 GiB further up. */
const BUS_OFFSET = 2 ** 31;

export type BenchBackend = 'direct' | 'lazy' | 'strict' | 'bounced' | 'platform';

const PLATFORM_OPS: DmaMapOps = {
  mapPhys: (_dev, phys) => phys + BUS_OFFSET,
  unmapPhys() {},
};

/** An NVMe-like device on a 4 GiB machine, with VT-d tables in simulated memory and the unit's queue where translated. */
export function benchDevice(backend: BenchBackend, debug = false, slotCount = 32768): Device {
  const memory = new PhysMemory();
  const kernel = new KernelContext();
  const pool = new SwiotlbPool({ start: POOL, slotCount });
  const swiotlb = backend === 'bounced' ? new Swiotlb({ memory, pool, force: true }) : null;
  const context = new DmaContext({
    memory,
    kernel,
    swiotlb,
    ram: [{ start: 0x100000, end: 4 * GIB - 1 }],
    options: { dmaApiDebug: debug },
  });
  const translated = backend === 'lazy' || backend === 'strict';
  return new Device(context, '0000:00:03.0', {
    driver: 'nvme',
    dmaMask: dmaBitMask(64),
    dmaParms: { maxSegmentSize: 0, minAlignMask: 4095, segmentBoundaryMask: 0xffffffff },
    dmaOps: backend === 'platform' ? PLATFORM_OPS : null,
    iommu: translated ? translatingDomain(memory, kernel, context, backend === 'lazy') : null,
  });
}

function translatingDomain(memory: PhysMemory, kernel: KernelContext, context: DmaContext, lazy: boolean): DmaDomain {
  const free: number[] = [];
  let next = TABLES;
  const driver = new IntelIommu({
    registers: new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy }),
    memory,
    allocTablePage: () => {
      const page = free.pop();
      if (page !== undefined) return page;
      next += 4096;
      return next - 4096;
    },
    freeTablePage: (phys) => free.push(phys),
  });
  driver.enable();
  const paging = driver.createDomain();
  driver.attachDevice(SOURCE_ID, paging);
  return new DmaDomain(kernel, paging, { lazy, trace: context.ring });
}
