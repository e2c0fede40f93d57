import { type AddressSpaces, NO_PASID } from '../../hardware/address-spaces.ts';
import type { TranslationContext } from './translation-context.ts';

/** Function-number bits that a context invalidation ignores, by its FM field (spec H28 type 1). */
const FUNCTION_MASKS = [0, 4, 6, 7];

/** Context and PASID caches of a unit (spec H27): entries stay, stale or not, until invalidated. */
export class ContextCache {
  /** Tag of the space of requests without PASID, by source id; 0 when not cached: read by the unit's hit path. */
  readonly tagOf = new Int32Array(0x10000);
  readonly #spaces: AddressSpaces;
  readonly #entries = new Map<number, TranslationContext>();

  /** Made once: `forEach` over it leaves no garbage, unlike a loop over `values()`, and lazy domains come here often. */
  readonly #renewTag = ({ sourceId, requestPasid, space }: TranslationContext): void => {
    if (requestPasid === NO_PASID) this.tagOf[sourceId] = this.#spaces.tagOfSpace(space);
  };

  constructor(spaces: AddressSpaces) {
    this.#spaces = spaces;
  }

  find(sourceId: number, requestPasid: number): TranslationContext | undefined {
    return this.#entries.get(keyOf(sourceId, requestPasid));
  }

  insert(context: TranslationContext): void {
    this.#entries.set(keyOf(context.sourceId, context.requestPasid), context);
    if (context.requestPasid === NO_PASID) this.tagOf[context.sourceId] = this.#spaces.tagOfSpace(context.space);
  }

  clear(): void {
    this.#entries.clear();
    this.tagOf.fill(0);
  }

  /** Takes the tags over that a flush changed. */
  renewTags(): void {
    this.#entries.forEach(this.#renewTag);
  }

  dropDomain(domainId: number): void {
    this.#drop((context) => context.domainId === domainId);
  }

  /** Device-selective: the domain id must match too, for hardware tags its entries with it (spec H28 type 1). */
  dropSource(sourceId: number, domainId: number, functionMask: number): void {
    const kept = ~FUNCTION_MASKS[functionMask];
    this.#drop(
      (context) =>
        (context.sourceId & kept) === (sourceId & kept) && (context.pasid >= 0 || context.domainId === domainId),
    );
  }

  /** PASID-selective within a domain (spec H28 type 7). */
  dropPasid(domainId: number, pasid: number): void {
    this.#drop((context) => context.domainId === domainId && context.pasid === pasid);
  }

  #drop(goes: (context: TranslationContext) => boolean): void {
    for (const [key, context] of this.#entries) {
      if (!goes(context)) continue;
      this.#entries.delete(key);
      if (context.requestPasid === NO_PASID) this.tagOf[context.sourceId] = 0;
    }
  }
}

function keyOf(sourceId: number, requestPasid: number): number {
  return sourceId * 2 ** 21 + requestPasid + 1;
}
