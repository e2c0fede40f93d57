import type { DmaContext } from '@dmalab/dma-api';
import {
  DmaDomain,
  type IommuDevice,
  type IommuUnit,
  type IommuUnitDriver,
  MsiPages,
  reserveIovas,
  type TablePages,
  type UnitDomain,
} from '@dmalab/iommu';
import type { PciFunction } from '@dmalab/pci-p2p';
import { PAGE_SIZE, type PageAllocator, type PhysMemory } from '@dmalab/phys-memory';
import type { MachineHooks } from '../hooks.ts';
import type { IommuPolicy, MachineDescription } from '../machine-description.ts';
import { IommuMeter } from './iommu-meter.ts';
import { IOMMU_MODELS, type IommuModel } from './iommu-models.ts';

/** An IOMMU with its driver. */
export interface IommuPart {
  readonly model: IommuModel;
  readonly unit: IommuUnit;
  readonly driver: IommuUnitDriver;
  /** Null where nobody asked to count. */
  readonly meter: IommuMeter | null;
}

/** Builds the unit, and turns translation on as a kernel does at boot. */
export function buildIommu(
  { iommuKind, iommuMode }: MachineDescription,
  memory: PhysMemory,
  pages: PageAllocator,
  isMetered: boolean,
): IommuPart {
  const model = IOMMU_MODELS[iommuKind][iommuMode];
  const meter = isMetered ? new IommuMeter(memory, model.queueTail) : null;
  const unit = model.makeUnit(meter ?? memory);
  meter?.watch(unit);
  const driver = model.makeDriver({ registers: meter ?? unit, memory, ...tablePages(pages) });
  driver.enable();
  return { model, unit, driver, meter };
}

/** The page allocator as drivers of IOMMUs use it. */
function tablePages(pages: PageAllocator): TablePages {
  const allocate = (order: number) => {
    const pfn = pages.allocPages(0, order);
    return pfn < 0 ? -1 : pfn * PAGE_SIZE;
  };
  return {
    allocTablePage: () => allocate(0),
    freeTablePage: (phys) => pages.freePages(phys / PAGE_SIZE, 0),
    allocTable: (lengthBytes) => allocate(Math.log2(lengthBytes / PAGE_SIZE)),
    freeTable: (phys, lengthBytes) => pages.freePages(phys / PAGE_SIZE, Math.log2(lengthBytes / PAGE_SIZE)),
  };
}

/**
 * Puts a device behind the unit: in a domain of its own, or none where the policy is pass-through. No IOVA may alias a
 * register in the host bridge's windows, nor an interrupt message (spec I7, I9).
 */
export function attachToIommu(
  { model, driver }: IommuPart,
  policy: IommuPolicy,
  { rid, hostBridge }: PciFunction,
  { kernel, ring }: DmaContext,
  hooks?: MachineHooks,
): { readonly domain: DmaDomain; readonly paging: UnitDomain } | null {
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
  reserveIovas(kernel, domain.iova, { windows, regions: model.regions });
  return { domain, paging };
}

/** Streaming DMA mask that devices have until their driver widens it. */
const MASK_32 = 2 ** 32 - 1;

/**
 * Maps the page of interrupt messages for a device whose IOMMU translates them: what the device has to write to instead of
 * an address in that page (spec H10, I141). Linux does it when the first message is set up.
 */
export function messageAddresses(
  { model: { doorbellPage } }: IommuPart,
  domain: DmaDomain,
  device: IommuDevice,
): (phys: number) => number {
  if (doorbellPage === undefined) return (phys) => phys;
  const pages = new MsiPages(domain);
  pages.resolve(device, doorbellPage, MASK_32);
  return (phys) => pages.resolve(device, phys, MASK_32);
}
