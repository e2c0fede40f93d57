import type { DmaDomain } from '../dma-domain.ts';
import type { PagingDomain } from '../paging-domain.ts';
import type { ReservedRegion } from '../regions/reserved-region.ts';

/** Kinds of domain, as sysfs spells those that it shows (spec I120). */
export const DomainType = {
  BLOCKED: 'blocked',
  IDENTITY: 'identity',
  UNMANAGED: 'unmanaged',
  DMA: 'DMA',
  DMA_FQ: 'DMA-FQ',
} as const;
export type DomainType = (typeof DomainType)[keyof typeof DomainType];

/** What devices can be attached to (spec I120). */
export interface IommuDomain {
  readonly type: DomainType;
  /** The driver that made it; other drivers refuse it (spec I127). */
  readonly driver: IommuDriver;
  /** Null for blocking and identity domains. */
  readonly paging: PagingDomain | null;
  /** The DMA API's side, for DMA and DMA-FQ. */
  readonly dma: DmaDomain | null;
}

/** A device as groups see it. */
export interface GroupDevice {
  readonly name: string;
  /** Sits behind an external-facing port or otherwise can't be trusted (spec I126, I229). */
  readonly untrusted: boolean;
}

/** What groups need of an IOMMU driver. Results are 0 or a negative errno. */
export interface IommuDriver {
  readonly name: string;
  /** A domain of that type, or null when the driver can't make one. */
  allocDomain(type: DomainType): IommuDomain | null;
  attach(device: GroupDevice, domain: IommuDomain): number;
  /** The type that the device needs, null for no wish (spec I125). */
  defaultDomainWish(device: GroupDevice): typeof DomainType.DMA | typeof DomainType.IDENTITY | null;
  reservedRegions(device: GroupDevice): readonly ReservedRegion[];
}
