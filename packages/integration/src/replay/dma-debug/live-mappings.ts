import { EntryType } from '@dmalab/dma-api';

/** Where in the trace a call stands. */
export interface Place {
  readonly line: number;
  readonly micros: number;
  /** Who called: the task's name. */
  readonly caller: string;
}

/** One live mapping, list or allocation. */
export interface LiveMapping extends Place {
  readonly key: number | string;
  readonly type: number;
  readonly dir: number;
  readonly size: number;
  /** Entries of dma-debug: one, or one for each segment of a list. */
  readonly entries: readonly number[];
  /** Position among the device's maps. */
  readonly sequence: number;
  readonly address: number;
}

/** What one device has mapped now: by address, or by what names a list, which two mappings may have in common. */
export class LiveMappings {
  readonly #byKey = new Map<number | string, LiveMapping[]>();
  /** Lists by the device address of their first segment, which is all that a sync names. */
  readonly #lists = new Map<number, LiveMapping>();

  /** Oldest first. */
  of(key: number | string): readonly LiveMapping[] {
    return this.#byKey.get(key) ?? NONE;
  }

  list(firstAddress: number): LiveMapping | undefined {
    return this.#lists.get(firstAddress);
  }

  all(): LiveMapping[] {
    return [...this.#byKey.values()].flat();
  }

  add(mapping: LiveMapping): void {
    const same = this.#byKey.get(mapping.key);
    if (same === undefined) this.#byKey.set(mapping.key, [mapping]);
    else same.push(mapping);
    if (mapping.type === EntryType.SG) this.#lists.set(mapping.address, mapping);
  }

  remove(mapping: LiveMapping): void {
    const rest = this.of(mapping.key).filter((one) => one !== mapping);
    if (rest.length === 0) this.#byKey.delete(mapping.key);
    else this.#byKey.set(mapping.key, rest);
    if (this.#lists.get(mapping.address) === mapping) this.#lists.delete(mapping.address);
  }
}

const NONE: readonly LiveMapping[] = [];
