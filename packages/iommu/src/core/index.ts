export type { DmaDomainOptions } from './dma-domain.ts';
export { DmaDomain } from './dma-domain.ts';
export type { KernelContextOptions } from './kernel-context.ts';
export { KernelContext } from './kernel-context.ts';
export type { PageLane } from './page-lane.ts';
export type { PageOperations, PagingDomain } from './paging-domain.ts';
export {
  IOMMU_CACHE,
  IOMMU_MMIO,
  IOMMU_NOEXEC,
  IOMMU_PRIV,
  IOMMU_READ,
  IOMMU_WRITE,
} from './paging-domain.ts';
