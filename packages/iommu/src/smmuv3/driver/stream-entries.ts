import { type TablePages, takeTable, type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { getAddress, lowHalf, lowMask } from '../../spec/bits.ts';
import { SmmuStrtabCfg, StreamTableFormat } from '../../spec/smmuv3-registers.ts';
import {
  STREAM_TABLE_DESCRIPTOR_BYTES,
  STREAM_TABLE_ENTRY_BYTES,
  StreamTableDescriptor,
  StreamTableEntry,
} from '../../spec/smmuv3-tables.ts';
import type { SmmuCapabilities } from '../capabilities.ts';
import type { CommandRing } from './command-ring.ts';
import { SmmuTableMemoryError, SmmuUnsupportedError } from './errors.ts';
import type { SmmuRequests } from './requests.ts';

/** Streams of a lower table: those of a PCI bus (spec H60). */
const SPLIT = 8;
/** A valid entry with Config 0: requests are dropped in silence (spec H61). */
const ABORT = lowMask(StreamTableEntry.qw0.V);

/** An entry's four qwords that are used, in halves: low, high, low, high ... */
export type EntryWords = readonly [number, number, number, number, number, number, number, number];

/** The stream table as Linux has it (spec H60, H61): two levels where the unit reads them; streams abort until attached. */
export class StreamEntries {
  /** Physical address of the top table. */
  readonly phys: number;
  /** STRTAB_BASE_CFG. */
  readonly config: number;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #ring: CommandRing;
  readonly #requests: SmmuRequests;
  readonly #twoLevel: boolean;
  readonly #streamIdBits: number;

  /** @throws {SmmuTableMemoryError} without memory for the top table */
  constructor(
    memory: WritableTables,
    pages: TablePages,
    capabilities: SmmuCapabilities,
    ring: CommandRing,
    requests: SmmuRequests,
  ) {
    this.#memory = memory;
    this.#pages = pages;
    this.#ring = ring;
    this.#requests = requests;
    this.#streamIdBits = capabilities.streamIdBits;
    this.#twoLevel = capabilities.twoLevelStreams && this.#streamIdBits > SPLIT;
    const bytes = this.#twoLevel
      ? 2 ** (this.#streamIdBits - SPLIT) * STREAM_TABLE_DESCRIPTOR_BYTES
      : 2 ** this.#streamIdBits * STREAM_TABLE_ENTRY_BYTES;
    this.phys = this.#take('the stream table', Math.max(4096, bytes));
    if (!this.#twoLevel) this.#abortAll(this.phys, 2 ** this.#streamIdBits);
    const format = this.#twoLevel ? StreamTableFormat.TWO_LEVEL : StreamTableFormat.LINEAR;
    this.config =
      lowHalf(SmmuStrtabCfg.LOG2SIZE, this.#streamIdBits) |
      lowHalf(SmmuStrtabCfg.SPLIT, this.#twoLevel ? SPLIT : 0) |
      lowHalf(SmmuStrtabCfg.FMT, format);
  }

  /** Writes the entry of a stream that aborts: what isn't looked at yet first, then the word that changes everything. */
  set(streamId: number, words: EntryWords): void {
    const at = this.#entryAt(streamId);
    for (let word = 2; word < words.length; word += 2)
      this.#memory.store64(at + word * 4, words[word], words[word + 1]);
    this.#invalidate(streamId);
    this.#memory.store64(at, words[0], words[1]);
    this.#invalidate(streamId);
  }

  /** Lets a stream abort again. */
  clear(streamId: number): void {
    const at = this.#entryAt(streamId);
    this.#memory.store64(at, ABORT, 0);
    this.#invalidate(streamId);
    for (let word = 2; word < 8; word += 2) this.#memory.store64(at + word * 4, 0, 0);
    this.#invalidate(streamId);
  }

  #invalidate(streamId: number): void {
    this.#requests.stream(streamId);
    this.#ring.finish();
  }

  #entryAt(streamId: number): number {
    if (!(streamId >= 0 && streamId < 2 ** this.#streamIdBits)) {
      throw new SmmuUnsupportedError(`stream id ${streamId}: it has ${this.#streamIdBits} bits`);
    }
    if (!this.#twoLevel) return this.phys + streamId * STREAM_TABLE_ENTRY_BYTES;
    const descriptor = this.phys + (streamId >>> SPLIT) * STREAM_TABLE_DESCRIPTOR_BYTES;
    return this.#lowerTable(descriptor) + (streamId & (2 ** SPLIT - 1)) * STREAM_TABLE_ENTRY_BYTES;
  }

  /** The table below a descriptor, made when the first of its streams is attached. */
  #lowerTable(descriptor: number): number {
    const low = this.#memory.load32(descriptor);
    const high = this.#memory.load32(descriptor + 4);
    if ((low & lowMask(StreamTableDescriptor.SPAN)) !== 0) return getAddress(low, high, StreamTableDescriptor.L2PTR);
    const table = this.#take('a level 2 stream table', 2 ** SPLIT * STREAM_TABLE_ENTRY_BYTES);
    this.#abortAll(table, 2 ** SPLIT);
    this.#memory.store64(descriptor, table + SPLIT + 1, Math.floor(table / 2 ** 32));
    return table;
  }

  #abortAll(table: number, entries: number): void {
    for (let entry = 0; entry < entries; entry++) {
      this.#memory.store64(table + entry * STREAM_TABLE_ENTRY_BYTES, ABORT, 0);
    }
  }

  #take(purpose: string, lengthBytes: number): number {
    const table = takeTable(this.#pages, lengthBytes);
    if (table < 0) throw new SmmuTableMemoryError(purpose, lengthBytes);
    zeroTable(this.#memory, table, lengthBytes);
    return table;
  }
}
