import type { DmaContext } from '@dmalab/dma-api';
import {
  DmaDomain,
  IntelIommu,
  reserveIovas,
  VTD_PRESETS,
  type VtdDomain,
  VtdUnit,
  X86_MSI_REGION,
} from '@dmalab/iommu';
import type { PciFunction } from '@dmalab/pci-p2p';
import { PAGE_SIZE, type PageAllocator, type PhysMemory } from '@dmalab/phys-memory';
import type { MachineHooks } from '../hooks.ts';
import type { IommuPolicy, MachineDescription } from '../machine-description.ts';
import { IommuMeter } from './iommu-meter.ts';

/** A VT-d unit with its driver. */
export interface IommuPart {
  readonly unit: VtdUnit;
  readonly driver: IntelIommu;
  /** Null where nobody asked to count. */
  readonly meter: IommuMeter | null;
}

const MODELS = { legacy: VTD_PRESETS.qemuLegacy, scalable: VTD_PRESETS.qemuFirstStage };

/** Builds the unit, and turns translation on as a kernel does at boot. */
export function buildIommu(
  { iommuMode }: MachineDescription,
  memory: PhysMemory,
  pages: PageAllocator,
  isMetered: boolean,
): IommuPart {
  const meter = isMetered ? new IommuMeter(memory) : null;
  const unit = new VtdUnit({ memory: meter ?? memory, ...MODELS[iommuMode] });
  meter?.watch(unit);
  const driver = new IntelIommu({
    registers: meter ?? unit,
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
 * Puts a device behind the unit: in a domain of its own, or none where the policy is pass-through. No IOVA may alias a
 * register in the host bridge's windows, nor an interrupt message (spec I7, I9).
 */
export function attachToIommu(
  { driver }: IommuPart,
  policy: IommuPolicy,
  { rid, hostBridge }: PciFunction,
  { kernel, ring }: DmaContext,
  hooks?: MachineHooks,
): { readonly domain: DmaDomain; readonly paging: VtdDomain } | null {
  if (policy === 'passthrough') {
    driver.attachPassThrough(rid);
    return null;
  }
  const paging = driver.createDomain();
  driver.attachDevice(rid, paging);
  const domain = new DmaDomain(kernel, hooks?.paging(paging) ?? paging, { lazy: policy === 'lazy', trace: ring });
  const windows = hostBridge.windows.map(({ cpuStart, lengthBytes, offset = 0 }) => ({
    start: cpuStart - offset,
    last: cpuStart - offset + lengthBytes - 1,
  }));
  reserveIovas(kernel, domain.iova, { windows, regions: [X86_MSI_REGION] });
  return { domain, paging };
}
