import {
  type BusWindow,
  DmaDomain,
  IntelIommu,
  type KernelContext,
  reserveIovas,
  VTD_PRESETS,
  VtdUnit,
  X86_MSI_REGION,
} from '@dmalab/iommu';
import { PAGE_SIZE, type PageAllocator, type PhysMemory } from '@dmalab/phys-memory';
import type { TraceRing } from '@dmalab/trace';
import { IommuMeter } from './iommu-meter.ts';
import type { IommuPolicy } from './machine-description.ts';

/** A VT-d unit with its driver. */
export interface IommuPart {
  readonly unit: VtdUnit;
  readonly driver: IntelIommu;
  /** Null where nobody asked to count. */
  readonly meter: IommuMeter | null;
}

/** Builds the unit, and turns translation on as a kernel does at boot. */
export function buildIommu(memory: PhysMemory, pages: PageAllocator, isMetered: boolean): IommuPart {
  const meter = isMetered ? new IommuMeter(memory) : null;
  const unit = new VtdUnit({ memory: meter ?? memory, ...VTD_PRESETS.qemuLegacy });
  meter?.watch(unit);
  const driver = new IntelIommu({
    registers: unit,
    memory,
    allocTablePage: () => {
      const pfn = pages.allocPages(0, 0);
      return pfn < 0 ? -1 : pfn * PAGE_SIZE;
    },
    freeTablePage: (phys) => pages.freePages(phys / PAGE_SIZE, 0),
  });
  driver.enable();
  return { unit, driver, meter };
}

/**
 * Puts a device behind the unit: in a domain of its own, or none where the policy is pass-through.
 * @param windows the host bridge's memory windows: no IOVA may alias a register there, nor an interrupt message (spec I7, I9)
 */
export function attachToIommu(
  { driver }: IommuPart,
  policy: IommuPolicy,
  sourceId: number,
  kernel: KernelContext,
  trace: TraceRing,
  windows: readonly BusWindow[],
): DmaDomain | null {
  if (policy === 'passthrough') {
    driver.attachPassThrough(sourceId);
    return null;
  }
  const paging = driver.createDomain();
  driver.attachDevice(sourceId, paging);
  const domain = new DmaDomain(kernel, paging, { lazy: policy === 'lazy', trace });
  reserveIovas(kernel, domain.iova, { windows, regions: [X86_MSI_REGION] });
  return domain;
}
