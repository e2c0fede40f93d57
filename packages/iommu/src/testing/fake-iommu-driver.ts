import { DmaDomain } from '../core/dma-domain.ts';
import { DomainType, type GroupDevice, type IommuDomain, type IommuDriver } from '../core/groups/iommu-domain.ts';
import type { KernelContext } from '../core/kernel-context.ts';
import type { ReservedRegion } from '../core/regions/reserved-region.ts';
import { RecordingPagingDomain } from './recording-paging-domain.ts';

/** A driver that writes down what it attaches, and can be told to fail. */
export class FakeIommuDriver implements IommuDriver {
  readonly name = 'fake';
  /** `DEVICE TYPE`, in order. */
  readonly attached: string[] = [];
  readonly wishes = new Map<string, 'DMA' | 'identity'>();
  readonly regions = new Map<string, readonly ReservedRegion[]>();
  /** Types that it can't make. */
  readonly unsupported = new Set<DomainType>();
  /** Device whose next attach fails with -ENOMEM. */
  failAttach = '';
  readonly #context: KernelContext;

  constructor(context: KernelContext) {
    this.#context = context;
  }

  allocDomain(type: DomainType): IommuDomain | null {
    if (this.unsupported.has(type)) return null;
    const lazy = type === DomainType.DMA_FQ;
    const paged = lazy || type === DomainType.DMA || type === DomainType.UNMANAGED;
    const paging = paged ? new RecordingPagingDomain() : null;
    const dma =
      paging !== null && type !== DomainType.UNMANAGED ? new DmaDomain(this.#context, paging, { lazy }) : null;
    return { type, driver: this, paging, dma };
  }

  attach(device: GroupDevice, domain: IommuDomain): number {
    if (this.failAttach === device.name) {
      this.failAttach = '';
      return -12;
    }
    this.attached.push(`${device.name} ${domain.type}`);
    return 0;
  }

  defaultDomainWish(device: GroupDevice): 'DMA' | 'identity' | null {
    return this.wishes.get(device.name) ?? null;
  }

  reservedRegions(device: GroupDevice): readonly ReservedRegion[] {
    return this.regions.get(device.name) ?? [];
  }
}
