import type { DeviceTlb } from '../../core/unit/ats.ts';
import type { TranslationCaches } from '../../hardware/translation-caches.ts';
import type { ContextCache } from './context-cache.ts';
import type { InvalidationTarget } from './invalidation-target.ts';

/** Carries invalidations out on a unit's caches. */
export class CacheInvalidator implements InvalidationTarget {
  readonly #contexts: ContextCache;
  readonly #caches: TranslationCaches;

  /** By source id. */
  readonly #deviceTlbs: ReadonlyMap<number, DeviceTlb>;

  constructor(contexts: ContextCache, caches: TranslationCaches, deviceTlbs: ReadonlyMap<number, DeviceTlb>) {
    this.#contexts = contexts;
    this.#caches = caches;
    this.#deviceTlbs = deviceTlbs;
  }

  invalidateEverything(): void {
    this.#caches.flushAll();
    this.#contexts.clear();
  }

  invalidateAllContexts(): void {
    this.#contexts.clear();
  }

  invalidateDomainContexts(domainId: number): void {
    this.#contexts.dropDomain(domainId);
  }

  invalidateSourceContexts(sourceId: number, domainId: number, functionMask: number): void {
    this.#contexts.dropSource(sourceId, domainId, functionMask);
  }

  invalidateAllTranslations(): void {
    this.#caches.flushAll();
    this.#contexts.renewTags();
  }

  invalidateDomainTranslations(domainId: number): void {
    this.#caches.flushDomain(domainId);
    this.#contexts.renewTags();
  }

  invalidatePages(domainId: number, address: number, order: number, leafOnly: boolean): void {
    if (this.#caches.flushPages(domainId, address, order, leafOnly)) this.#contexts.renewTags();
  }

  invalidatePasid(domainId: number, pasid: number): void {
    this.#caches.flushPasid(domainId, pasid);
    this.#contexts.renewTags();
  }

  invalidatePasidPages(domainId: number, pasid: number, address: number, order: number, leafOnly: boolean): void {
    this.#caches.flushPasidPages(domainId, pasid, address, order, leafOnly);
  }

  invalidatePasidEntry(domainId: number, pasid: number): void {
    this.#contexts.dropPasid(domainId, pasid);
  }

  invalidateDomainPasidEntries(domainId: number): void {
    this.#contexts.dropDomain(domainId);
  }

  invalidateAllPasidEntries(): void {
    this.#contexts.clear();
  }

  /** A source without a device TLB has nothing to drop, and counts as having answered. */
  invalidateDeviceTlb(sourceId: number, pasid: number, address: number, lengthBytes: number): boolean {
    return this.#deviceTlbs.get(sourceId)?.invalidate(pasid, address, lengthBytes) ?? true;
  }

  /** Interrupt entries aren't cached: the table is read for each message. */
  invalidateInterruptEntries(): void {}

  /** Page requests aren't modelled, so nobody waits for an answer. */
  respondToPageRequest(): void {}
}
