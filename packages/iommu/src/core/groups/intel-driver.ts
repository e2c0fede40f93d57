import type { IntelIommu } from '../../vtd/driver/intel-iommu.ts';
import { VtdDomain } from '../../vtd/driver/vtd-domain.ts';
import { DmaDomain } from '../dma-domain.ts';
import { IommuUsageError } from '../errors.ts';
import type { IommuTrace } from '../iommu-trace.ts';
import type { KernelContext } from '../kernel-context.ts';
import { ISA_BRIDGE_REGION, type ReservedRegion, X86_MSI_REGION } from '../regions/reserved-region.ts';
import { DomainType, type GroupDevice, type IommuDomain, type IommuDriver } from './iommu-domain.ts';

/** A device behind a VT-d unit. */
export interface VtdGroupDevice extends GroupDevice {
  /** Requester id. */
  readonly sourceId: number;
  readonly isIsaBridge?: boolean;
  /** Regions of the firmware's RMRR structures. */
  readonly firmwareRegions?: readonly ReservedRegion[];
}

/** Puts groups in front of a VT-d unit's driver (spec I120, I125, I139). */
export class IntelGroupDriver implements IommuDriver {
  readonly name = 'intel-iommu';
  readonly #context: KernelContext;
  readonly #trace: IommuTrace;
  readonly #iommu: IntelIommu;

  constructor(context: KernelContext, trace: IommuTrace, iommu: IntelIommu) {
    this.#context = context;
    this.#trace = trace;
    this.#iommu = iommu;
  }

  allocDomain(type: DomainType): IommuDomain | null {
    if (type === DomainType.BLOCKED) return { type, driver: this, paging: null, dma: null };
    if (type === DomainType.IDENTITY) {
      return this.#iommu.capabilities.passThrough ? { type, driver: this, paging: null, dma: null } : null;
    }
    const paging = this.#iommu.createDomain();
    const lazy = type === DomainType.DMA_FQ;
    const dma =
      lazy || type === DomainType.DMA ? new DmaDomain(this.#context, paging, { lazy, trace: this.#trace }) : null;
    return { type, driver: this, paging, dma };
  }

  attach(device: GroupDevice, domain: IommuDomain): number {
    const { sourceId } = vtdDevice(device);
    if (domain.paging instanceof VtdDomain) this.#iommu.attachDevice(sourceId, domain.paging);
    else if (domain.type === DomainType.IDENTITY) this.#iommu.attachPassThrough(sourceId);
    else this.#iommu.detachDevice(sourceId);
    return 0;
  }

  /** Without pass-through every device needs a translated domain (spec I125). */
  defaultDomainWish(): typeof DomainType.DMA | null {
    return this.#iommu.capabilities.passThrough ? null : DomainType.DMA;
  }

  reservedRegions(device: GroupDevice): readonly ReservedRegion[] {
    const { isIsaBridge = false, firmwareRegions = [] } = vtdDevice(device);
    return [...firmwareRegions, ...(isIsaBridge ? [ISA_BRIDGE_REGION] : []), X86_MSI_REGION];
  }
}

/** @throws {IommuUsageError} for a device that was described without its requester id */
function vtdDevice(device: GroupDevice): VtdGroupDevice {
  const { sourceId } = device as Partial<VtdGroupDevice>;
  if (sourceId === undefined) throw new IommuUsageError(`${device.name}: a device behind VT-d needs its sourceId`);
  return device as VtdGroupDevice;
}
