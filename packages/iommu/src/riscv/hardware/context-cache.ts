import { type AddressSpaces, ANY } from './address-spaces.ts';
import { NO_PROCESS } from './request.ts';
import type { TranslationContext } from './translation-context.ts';

/** Device ids with a column of their own for the hit path; larger ones, of other PCI segments, are looked up. */
const DIRECT_IDS = 0x10000;

/** Device and process contexts that a unit has cached: entries stay, stale or not, until invalidated (spec H4, H100). */
export class ContextCache {
  /** Tag of the space of requests without process id, by device id; 0 when not cached: read by the unit's hit path. */
  readonly tagOf = new Int32Array(DIRECT_IDS);
  readonly #spaces: AddressSpaces;
  readonly #contexts = new Map<number, TranslationContext>();

  /** Made once: `forEach` over it leaves no garbage, unlike a loop over `values()`. */
  readonly #renewTag = (context: TranslationContext): void => {
    if (context.requestProcess !== NO_PROCESS || context.deviceId >= DIRECT_IDS) return;
    this.tagOf[context.deviceId] = this.#spaces.tagOf(context.space);
  };

  constructor(spaces: AddressSpaces) {
    this.#spaces = spaces;
  }

  find(deviceId: number, requestProcess: number): TranslationContext | undefined {
    return this.#contexts.get(keyOf(deviceId, requestProcess));
  }

  insert(context: TranslationContext): void {
    this.#contexts.set(keyOf(context.deviceId, context.requestProcess), context);
    this.#renewTag(context);
  }

  /** Takes the tags over that a flush changed. */
  renewTags(): void {
    this.#contexts.forEach(this.#renewTag);
  }

  /** Hits stop, what is cached stays: the unit is off. */
  forgetTags(): void {
    this.tagOf.fill(0);
  }

  clear(): void {
    this.#contexts.clear();
    this.tagOf.fill(0);
  }

  /** A device's context and all of its process contexts; with a process id only that one (spec H100). */
  drop(deviceId: number, processId = ANY): void {
    for (const [key, context] of this.#contexts) {
      if (context.deviceId !== deviceId || (processId !== ANY && context.processId !== processId)) continue;
      this.#contexts.delete(key);
      if (context.requestProcess === NO_PROCESS && deviceId < DIRECT_IDS) this.tagOf[deviceId] = 0;
    }
  }
}

function keyOf(deviceId: number, requestProcess: number): number {
  return deviceId * 2 ** 21 + requestProcess + 1;
}
