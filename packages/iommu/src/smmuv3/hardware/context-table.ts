import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get, getAddress } from '../../spec/bits.ts';
import { EventClass, SmmuEventId } from '../../spec/smmuv3-events.ts';
import {
  CONTEXT_DESCRIPTOR_BYTES,
  CONTEXT_TABLE_DESCRIPTOR_BYTES,
  ContextTableDescriptor,
  ContextTableFormat,
} from '../../spec/smmuv3-tables.ts';
import type { SmmuCapabilities } from '../capabilities.ts';
import { type Context, readContext } from './context.ts';
import type { FaultCause } from './fault-cause.ts';
import type { Stage2 } from './stage2.ts';
import type { Stream } from './stream.ts';
import type { TlbSpaces } from './tlb-spaces.ts';
import { fetchWords } from './words.ts';

/** log2 of the descriptors in a lower table, by the format of the upper one (spec H62). */
const LEAF_BITS: Readonly<Record<number, number>> = {
  [ContextTableFormat.LEAF_4K]: 6,
  [ContextTableFormat.LEAF_64K]: 10,
};

/** Finds the context descriptors of streams, and keeps them with the stream (spec H62, H70 step 6). */
export class ContextTable {
  readonly #memory: UnitMemory;
  readonly #capabilities: SmmuCapabilities;
  readonly #spaces: TlbSpaces;
  readonly #stage2: Stage2;
  readonly #cause: FaultCause;
  readonly #words = new Uint32Array(8);
  readonly #descriptor = new Uint32Array(2);

  constructor(
    memory: UnitMemory,
    capabilities: SmmuCapabilities,
    spaces: TlbSpaces,
    stage2: Stage2,
    cause: FaultCause,
  ) {
    this.#memory = memory;
    this.#capabilities = capabilities;
    this.#spaces = spaces;
    this.#stage2 = stage2;
    this.#cause = cause;
  }

  /** Context of that substream (0 where the stream has but one), or the event that stands in its way. */
  find(stream: Stream, substreamId: number): Context | number {
    const known = stream.contexts.get(substreamId);
    if (known !== undefined) return known;
    this.#cause.eventClass = EventClass.CONTEXT_DESCRIPTOR;
    const context = this.#read(stream, substreamId);
    this.#cause.eventClass = typeof context === 'number' ? this.#cause.eventClass : EventClass.INPUT;
    return context;
  }

  #read(stream: Stream, substreamId: number): Context | number {
    const at = this.#locate(stream, substreamId);
    if (at < 0) return -at;
    const error = this.#fetch(stream, at, this.#words);
    if (error !== 0) return error;
    const context = readContext(this.#words, stream, this.#capabilities, this.#spaces);
    if (context === undefined) return SmmuEventId.C_BAD_CD;
    stream.contexts.set(substreamId, context);
    return context;
  }

  /** Address of the descriptor, or a negative event id. */
  #locate(stream: Stream, substreamId: number): number {
    const leafBits = stream.contextBits === 0 ? undefined : LEAF_BITS[stream.contextFormat];
    if (leafBits === undefined) return stream.contextTable + substreamId * CONTEXT_DESCRIPTOR_BYTES;
    const index = substreamId >>> leafBits;
    const table = stream.contextTables.get(index) ?? this.#readTable(stream, index);
    if (table < 0) return table;
    return table + (substreamId % 2 ** leafBits) * CONTEXT_DESCRIPTOR_BYTES;
  }

  #readTable(stream: Stream, index: number): number {
    const at = stream.contextTable + index * CONTEXT_TABLE_DESCRIPTOR_BYTES;
    const error = this.#fetch(stream, at, this.#descriptor);
    if (error !== 0) return -error;
    const [low, high] = this.#descriptor;
    if (get(low, high, ContextTableDescriptor.V) === 0) return -SmmuEventId.C_BAD_SUBSTREAMID;
    const table = getAddress(low, high, ContextTableDescriptor.L2PTR);
    stream.contextTables.set(index, table);
    return table;
  }

  /** In nested translation descriptors lie at intermediate addresses (spec H65). Returns 0 or an event id. */
  #fetch(stream: Stream, at: number, into: Uint32Array): number {
    const host = stream.stage2 === undefined ? at : this.#stage2.serve(stream).tableEntry(at, false);
    if (host < 0) return -host;
    if (fetchWords(this.#memory, host, into)) return 0;
    this.#cause.fetchAddress = host;
    return SmmuEventId.F_CD_FETCH;
  }
}
