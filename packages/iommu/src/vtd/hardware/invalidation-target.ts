/** What an invalidation can reach: the caches of a unit, and the devices and interrupt entries behind it. */
export interface InvalidationTarget {
  invalidateAllContexts(): void;
  invalidateDomainContexts(domainId: number): void;
  invalidateSourceContexts(sourceId: number, domainId: number, functionMask: number): void;
  invalidateAllTranslations(): void;
  invalidateDomainTranslations(domainId: number): void;
  /** 2^order pages from an address. */
  invalidatePages(domainId: number, address: number, order: number, leafOnly: boolean): void;
  invalidatePasid(domainId: number, pasid: number): void;
  invalidatePasidPages(domainId: number, pasid: number, address: number, order: number, leafOnly: boolean): void;
  invalidatePasidEntry(domainId: number, pasid: number): void;
  invalidateDomainPasidEntries(domainId: number): void;
  invalidateAllPasidEntries(): void;
  /** False when the device doesn't answer in time (spec H14 FSTS.ITE). `pasid` is -1 for requests without one. */
  invalidateDeviceTlb(sourceId: number, pasid: number, address: number, lengthBytes: number): boolean;
  invalidateInterruptEntries(index: number, count: number): void;
  respondToPageRequest(sourceId: number, pasid: number, group: number, code: number): void;
}
