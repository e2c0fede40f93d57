import { get, getAddress } from '../../spec/bits.ts';
import { TranslationTableMode } from '../../spec/vtd-registers.ts';
import * as layout from '../../spec/vtd-tables.ts';
import { formatDevice } from '../device-address.ts';
import type { TableDump } from '../table-dump.ts';
import { WalkError } from '../walk-error.ts';
import { type WalkStep, walkStep } from '../walk-step.ts';
import type { DeviceTables, DeviceTranslation } from '../walk-unit.ts';
import type { VtdRegisters } from './vtd-registers.ts';

/**
 * Finds the tables that a device's requests without PASID go through (spec H16, H17, H20, H21).
 * @throws {WalkError} `ERR_WALK_NO_CONTEXT` when the tables don't know the device, `ERR_WALK_TABLE_ABSENT`
 */
export function findDeviceTables(dump: TableDump, registers: VtdRegisters, sourceId: number): DeviceTables {
  if (registers.tableMode === TranslationTableMode.LEGACY) return legacyTables(dump, registers, sourceId);
  if (registers.tableMode === TranslationTableMode.SCALABLE) return scalableTables(dump, registers, sourceId);
  throw new WalkError('ERR_WALK_REGISTERS', `rtaddr has table mode ${registers.tableMode}: every request is aborted`);
}

function legacyTables(dump: TableDump, registers: VtdRegisters, sourceId: number): DeviceTables {
  const bus = sourceId >> 8;
  const roots = dump.load(registers.rootTable, 'the root table');
  const root = walkStep({ table: 'root', level: 0, index: bus, at: registers.rootTable + bus * 16 }, roots, bus * 4, [
    layout.RootEntry,
    {},
  ]);
  if (get(roots[bus * 4], 0, layout.RootEntry.P) === 0) throw noEntry(sourceId, 'root', root.at);
  const page = getAddress(roots[bus * 4], roots[bus * 4 + 1], layout.RootEntry.CTP);
  const contexts = dump.load(page, `the context table of bus ${bus}`);
  const index = sourceId & 0xff;
  const { qw0, qw1 } = layout.ContextEntry;
  const context = walkStep({ table: 'context', level: 0, index, at: page + index * 16 }, contexts, index * 4, [
    qw0,
    qw1,
  ]);
  const [low, high, low1, high1] = contexts.subarray(index * 4, index * 4 + 4);
  if (get(low, high, qw0.P) === 0) throw noEntry(sourceId, 'context', context.at);
  return {
    sourceId,
    translation: get(low, high, qw0.TT) === layout.TranslationType.PASS_THROUGH ? 'pass-through' : 'second-stage',
    domainId: get(low1, high1, qw1.DID),
    levels: get(low1, high1, qw1.AW) + 2,
    root: getAddress(low, high, qw0.SSPTPTR),
    steps: [root, context],
  };
}

function scalableTables(dump: TableDump, registers: VtdRegisters, sourceId: number): DeviceTables {
  const rootIndex = sourceId >> 7; // lower and upper qword of a root entry, one after the other
  const roots = dump.load(registers.rootTable, 'the root table');
  const rootAt = registers.rootTable + rootIndex * 8;
  const root = walkStep({ table: 'root', level: 0, index: rootIndex >> 1, at: rootAt }, roots, rootIndex * 2, [
    layout.ScalableRootEntry,
  ]);
  if (get(roots[rootIndex * 2], 0, layout.RootEntry.P) === 0) throw noEntry(sourceId, 'root', rootAt);
  const page = getAddress(roots[rootIndex * 2], roots[rootIndex * 2 + 1], layout.RootEntry.CTP);
  const contexts = dump.load(page, `the context table of ${formatDevice(sourceId & 0xff80)} and above`);
  const index = sourceId & 0x7f;
  const { qw0, qw1 } = layout.ScalableContextEntry;
  const at = page + index * layout.SCALABLE_CONTEXT_ENTRY_BYTES;
  const context = walkStep({ table: 'context', level: 0, index, at }, contexts, index * 8, [qw0, qw1]);
  const [low, high, low1, high1] = contexts.subarray(index * 8, index * 8 + 4);
  if (get(low, high, qw0.P) === 0) throw noEntry(sourceId, 'context', at);
  const pasid = get(low1, high1, qw1.RID_PASID);
  return pasidTables(dump, sourceId, getAddress(low, high, qw0.PASIDDIRPTR), pasid, [root, context]);
}

function pasidTables(
  dump: TableDump,
  sourceId: number,
  directory: number,
  pasid: number,
  before: readonly WalkStep[],
): DeviceTables {
  const slot = pasid >> 6;
  const directoryPage = directory + Math.floor(slot / 512) * 4096;
  const entries = dump.load(directoryPage, `the PASID directory of ${formatDevice(sourceId)}`);
  const at = directory + slot * layout.PASID_DIRECTORY_ENTRY_BYTES;
  const words = (slot % 512) * 2;
  const step = walkStep({ table: 'pasid-directory', level: 0, index: slot, at }, entries, words, [
    layout.PasidDirectoryEntry,
  ]);
  if (get(entries[words], 0, layout.PasidDirectoryEntry.P) === 0) throw noEntry(sourceId, 'PASID directory', at);
  const page = getAddress(entries[words], entries[words + 1], layout.PasidDirectoryEntry.SMPTBLPTR);
  const table = dump.load(page, `the PASID table of ${formatDevice(sourceId)}`);
  return pasidEntryTables(sourceId, table, page, pasid & 63, [...before, step]);
}

function pasidEntryTables(
  sourceId: number,
  table: Uint32Array,
  page: number,
  index: number,
  before: readonly WalkStep[],
): DeviceTables {
  const { qw0, qw1, qw2 } = layout.PasidEntry;
  const at = page + index * layout.PASID_ENTRY_BYTES;
  const step = walkStep({ table: 'pasid', level: 0, index, at }, table, index * 16, [qw0, qw1, qw2]);
  const [low, high, low1, high1, low2, high2] = table.subarray(index * 16, index * 16 + 6);
  if (get(low, high, qw0.P) === 0) throw noEntry(sourceId, 'PASID', at);
  const translation = TRANSLATIONS[get(low, high, qw0.PGTT)];
  if (translation === undefined) throw noEntry(sourceId, 'valid PASID', at);
  const second = { root: getAddress(low, high, qw0.SSPTPTR), levels: get(low, high, qw0.AW) + 2 };
  const first = { root: getAddress(low2, high2, qw2.FSPTPTR), levels: get(low2, high2, qw2.FSPM) + 4 };
  return {
    sourceId,
    translation,
    domainId: get(low1, high1, qw1.DID),
    ...(translation === 'first-stage' || translation === 'nested' ? first : second),
    ...(translation === 'nested' ? { secondStage: second } : {}),
    steps: [...before, step],
  };
}

/** By PasidEntry.PGTT (spec H21). */
const TRANSLATIONS: readonly (DeviceTranslation | undefined)[] = [
  undefined,
  'first-stage',
  'second-stage',
  'nested',
  'pass-through',
];

function noEntry(sourceId: number, table: string, at: number): WalkError {
  const message = `device ${formatDevice(sourceId)} has no ${table} entry (0x${at.toString(16)}): its requests are blocked`;
  return new WalkError('ERR_WALK_NO_CONTEXT', message);
}
