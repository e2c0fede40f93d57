import { get, getAddress } from '../../spec/bits.ts';
import * as layout from '../../spec/smmuv3-tables.ts';
import { formatDevice } from '../device-address.ts';
import type { TableDump } from '../table-dump.ts';
import { WalkError } from '../walk-error.ts';
import { type WalkStep, walkStep } from '../walk-step.ts';
import type { SmmuRegisters } from './smmuv3-registers.ts';

const ENTRY_BYTES = layout.STREAM_TABLE_ENTRY_BYTES;
const { qw0, qw1, qw2, qw3 } = layout.StreamTableEntry;

/** A stream table entry in a dump: its first eight words, and the steps that lead to it. */
export interface StreamEntry {
  readonly words: Uint32Array;
  readonly steps: readonly WalkStep[];
}

/**
 * Finds the entry of a stream (spec H60).
 * @throws {WalkError} `ERR_WALK_NO_CONTEXT` when the table has none, `ERR_WALK_TABLE_ABSENT`
 */
export function findStreamEntry(dump: TableDump, registers: SmmuRegisters, streamId: number): StreamEntry {
  const { streamTable, sizeBits, splitBits } = registers;
  if (streamId >= 2 ** sizeBits) throw noStream(streamId, `the stream table ends before it (2^${sizeBits} entries)`);
  const steps: WalkStep[] = [];
  let at = streamTable + streamId * ENTRY_BYTES;
  if (splitBits >= 0) {
    const index = Math.floor(streamId / 2 ** splitBits);
    const span = loadSpan(dump, streamTable, index);
    steps.push(span.step);
    if (streamId % 2 ** splitBits >= span.entries) throw noStream(streamId, 'the upper stream table leads nowhere');
    at = span.table + (streamId % 2 ** splitBits) * ENTRY_BYTES;
  }
  const words = dump.load(at, `the stream table entry of ${formatDevice(streamId)}`, new Uint32Array(8));
  const step = walkStep({ table: 'stream', level: 0, index: streamId, at }, words, 0, [qw0, qw1, qw2, qw3]);
  if (get(words[0], words[1], qw0.V) === 0) throw noStream(streamId, 'its stream table entry is not valid');
  return { words, steps: [...steps, step] };
}

/**
 * Ids of all streams that don't abort, ascending (spec H60, H61).
 * @throws {WalkError} `ERR_WALK_TABLE_ABSENT` when the dump lacks the upper table
 */
export function listStreams(dump: TableDump, registers: SmmuRegisters): number[] {
  const { streamTable, sizeBits, splitBits } = registers;
  if (splitBits < 0) return streamsOf(dump, streamTable, 0, 2 ** sizeBits);
  const found: number[] = [];
  for (let index = 0; index < 2 ** Math.max(0, sizeBits - splitBits); index++) {
    const { table, entries } = loadSpan(dump, streamTable, index);
    found.push(...streamsOf(dump, table, index * 2 ** splitBits, entries));
  }
  return found;
}

export function noStream(streamId: number, why: string): WalkError {
  return new WalkError('ERR_WALK_NO_CONTEXT', `device ${formatDevice(streamId)} is blocked: ${why}`);
}

function loadSpan(
  dump: TableDump,
  upper: number,
  index: number,
): { readonly table: number; readonly entries: number; readonly step: WalkStep } {
  const at = upper + index * layout.STREAM_TABLE_DESCRIPTOR_BYTES;
  const words = dump.load(at, 'the upper stream table', new Uint32Array(2));
  const span = get(words[0], words[1], layout.StreamTableDescriptor.SPAN);
  return {
    table: getAddress(words[0], words[1], layout.StreamTableDescriptor.L2PTR),
    entries: span === 0 ? 0 : 2 ** (span - 1),
    step: walkStep({ table: 'stream-table', level: 0, index, at }, words, 0, [layout.StreamTableDescriptor]),
  };
}

/** Entries that the dump lacks are no streams of its. */
function streamsOf(dump: TableDump, table: number, first: number, entries: number): number[] {
  const found: number[] = [];
  const words = new Uint32Array(2);
  for (let entry = 0; entry < entries; entry++) {
    const at = table + entry * ENTRY_BYTES;
    if (!dump.has(at, words.byteLength)) continue;
    dump.load(at, 'a stream table', words);
    const isValid = get(words[0], words[1], qw0.V) === 1;
    if (isValid && get(words[0], words[1], qw0.CONFIG) >= layout.StreamConfig.BYPASS) found.push(first + entry);
  }
  return found;
}
