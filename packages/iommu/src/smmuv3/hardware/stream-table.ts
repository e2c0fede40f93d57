import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get, getAddress } from '../../spec/bits.ts';
import { SmmuEventId } from '../../spec/smmuv3-events.ts';
import { SmmuStrtabCfg, StreamTableFormat, StrtabBase } from '../../spec/smmuv3-registers.ts';
import {
  STREAM_TABLE_DESCRIPTOR_BYTES,
  STREAM_TABLE_ENTRY_BYTES,
  StreamTableDescriptor,
} from '../../spec/smmuv3-tables.ts';
import type { SmmuCapabilities } from '../capabilities.ts';
import type { SmmuDeviations } from './deviations.ts';
import type { FaultCause } from './fault-cause.ts';
import { readStream, type Stream } from './stream.ts';
import type { TlbSpaces } from './tlb-spaces.ts';
import { fetchWords } from './words.ts';

/** What the upper level of a two-level table says of a run of streams (spec H60). */
interface Span {
  readonly table: number;
  readonly entries: number;
}

/** Finds stream table entries (spec H60), and keeps those it found until they are invalidated (spec H4, H72). */
export class StreamTable {
  readonly #memory: UnitMemory;
  readonly #capabilities: SmmuCapabilities;
  readonly #spaces: TlbSpaces;
  readonly #cause: FaultCause;
  readonly #deviations: SmmuDeviations;
  readonly #streams = new Map<number, Stream>();
  readonly #spans = new Map<number, Span>();
  readonly #entry = new Uint32Array(8);
  readonly #descriptor = new Uint32Array(2);
  #base = 0;
  #sizeBits = 0;
  #splitBits = 0;
  #twoLevel = false;

  constructor(
    memory: UnitMemory,
    capabilities: SmmuCapabilities,
    spaces: TlbSpaces,
    cause: FaultCause,
    deviations: SmmuDeviations,
  ) {
    this.#memory = memory;
    this.#capabilities = capabilities;
    this.#spaces = spaces;
    this.#cause = cause;
    this.#deviations = deviations;
  }

  setBase(low: number, high: number): void {
    this.#base = getAddress(low, high, StrtabBase.ADDR);
  }

  setConfig(value: number): void {
    const { streamIdBits, twoLevelStreams } = this.#capabilities;
    this.#sizeBits = Math.min(get(value, 0, SmmuStrtabCfg.LOG2SIZE), streamIdBits);
    this.#splitBits = get(value, 0, SmmuStrtabCfg.SPLIT);
    const isTwoLevel = twoLevelStreams && get(value, 0, SmmuStrtabCfg.FMT) === StreamTableFormat.TWO_LEVEL;
    this.#twoLevel = isTwoLevel || (this.#twoLevel && this.#deviations === 'qemu');
  }

  /** The stream of that id, or the event that stands in its way. */
  find(streamId: number): Stream | number {
    return this.#streams.get(streamId) ?? this.#read(streamId);
  }

  forEach(visit: (stream: Stream) => void): void {
    this.#streams.forEach(visit);
  }

  /** CFGI_STE and its wider forms: streams `first` to `last`; the upper level goes too unless `leafOnly`. */
  drop(first: number, last: number, leafOnly: boolean): void {
    if (first === last) this.#streams.delete(first);
    else for (const id of this.#streams.keys()) if (id >= first && id <= last) this.#streams.delete(id);
    if (leafOnly) return;
    const per = 2 ** this.#splitBits;
    for (const span of this.#spans.keys()) {
      if (span * per <= last && (span + 1) * per > first) this.#spans.delete(span);
    }
  }

  #read(streamId: number): Stream | number {
    const at = this.#locate(streamId);
    if (at < 0) return -at;
    if (!fetchWords(this.#memory, at, this.#entry)) return this.#fetchFault(at);
    const stream = readStream(streamId, this.#entry, this.#capabilities, this.#spaces);
    if (stream === undefined) return SmmuEventId.C_BAD_STE;
    this.#streams.set(streamId, stream);
    return stream;
  }

  /** Address of the entry, or a negative event id. */
  #locate(streamId: number): number {
    if (streamId >= 2 ** this.#sizeBits) return -SmmuEventId.C_BAD_STREAMID;
    const tableBytes = this.#tableBytes();
    const base = this.#base - (this.#base % tableBytes);
    if (!this.#twoLevel) return base + streamId * STREAM_TABLE_ENTRY_BYTES;
    const per = 2 ** this.#splitBits;
    const span = this.#span(base, Math.floor(streamId / per));
    if (typeof span === 'number') return -span;
    if (streamId % per < span.entries) return span.table + (streamId % per) * STREAM_TABLE_ENTRY_BYTES;
    return span.entries > 0 && this.#deviations === 'qemu' ? -SmmuEventId.C_BAD_STE : -SmmuEventId.C_BAD_STREAMID;
  }

  #tableBytes(): number {
    if (!this.#twoLevel) return 2 ** this.#sizeBits * STREAM_TABLE_ENTRY_BYTES;
    return Math.max(64, 2 ** Math.max(0, this.#sizeBits - this.#splitBits) * STREAM_TABLE_DESCRIPTOR_BYTES);
  }

  #span(base: number, index: number): Span | number {
    const known = this.#spans.get(index);
    if (known !== undefined) return known;
    const at = base + index * STREAM_TABLE_DESCRIPTOR_BYTES;
    if (!fetchWords(this.#memory, at, this.#descriptor)) return this.#fetchFault(at);
    const [low, high] = this.#descriptor;
    const field = get(low, high, StreamTableDescriptor.SPAN);
    const isValid = field > 0 && field <= this.#splitBits + 1;
    const span = {
      table: getAddress(low, high, StreamTableDescriptor.L2PTR),
      entries: isValid ? 2 ** (field - 1) : 0,
    };
    if (isValid) this.#spans.set(index, span);
    return span;
  }

  #fetchFault(at: number): number {
    this.#cause.fetchAddress = at;
    return SmmuEventId.F_STE_FETCH;
  }
}
