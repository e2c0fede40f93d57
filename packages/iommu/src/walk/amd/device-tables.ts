import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { AMD_DEVICE_ENTRY_BYTES, AMD_DEVICES_PER_PAGE, AmdDeviceEntry, AmdGcr3Entry } from '../../spec/amd-tables.ts';
import { type Field, get, getAddress } from '../../spec/bits.ts';
import { formatDevice } from '../device-address.ts';
import type { TableDump } from '../table-dump.ts';
import { WalkError } from '../walk-error.ts';
import { type WalkStep, walkStep } from '../walk-step.ts';
import type { DeviceTables } from '../walk-unit.ts';
import type { AmdRegisters } from './amd-registers.ts';

const { qw0, qw1, qw2 } = AmdDeviceEntry;
const ENTRY_WORDS = AMD_DEVICE_ENTRY_BYTES / 4;

/** A device's tables, and what its own entry lets it do with them. */
export interface AmdDeviceTables extends DeviceTables {
  /** IR and IW, as `IOMMU_READ` and `IOMMU_WRITE`. */
  readonly rights: number;
}

/** One entry of the device table, as a dump has it. */
class DumpedEntry {
  readonly step: WalkStep;
  readonly #words: Uint32Array;

  constructor(dump: TableDump, registers: AmdRegisters, sourceId: number) {
    const page = registers.deviceTable + Math.floor(sourceId / AMD_DEVICES_PER_PAGE) * 4096;
    const words = dump.load(page, `the device table entry of ${formatDevice(sourceId)}`);
    const index = sourceId % AMD_DEVICES_PER_PAGE;
    const at = page + index * AMD_DEVICE_ENTRY_BYTES;
    const place = { table: 'device-table', level: 0, index: sourceId, at };
    this.step = walkStep(place, words, index * ENTRY_WORDS, [qw0, qw1, qw2]);
    this.#words = words.subarray(index * ENTRY_WORDS, (index + 1) * ENTRY_WORDS);
  }

  get(qword: 0 | 1 | 2, field: Field): number {
    return get(this.#words[qword * 2], this.#words[qword * 2 + 1], field);
  }

  get hostRoot(): number {
    return getAddress(this.#words[0], this.#words[1], qw0.ROOT);
  }

  get gcr3(): number {
    return this.get(0, qw0.GCR3_12) * 2 ** 12 + this.get(1, qw1.GCR3_15) * 2 ** 15 + this.get(1, qw1.GCR3_31) * 2 ** 31;
  }
}

/**
 * Finds the tables that a device's requests without PASID go through (spec H34, H38, H39).
 * @throws {WalkError} `ERR_WALK_NO_CONTEXT` when its entry blocks it or there is none, `ERR_WALK_TABLE_ABSENT`
 */
export function findDeviceTables(dump: TableDump, registers: AmdRegisters, sourceId: number): AmdDeviceTables {
  if (sourceId >= registers.deviceTablePages * AMD_DEVICES_PER_PAGE) {
    throw blocked(sourceId, `is past the end of the device table of ${registers.deviceTablePages} pages`);
  }
  const entry = new DumpedEntry(dump, registers, sourceId);
  const { step } = entry;
  const rights = (entry.get(0, qw0.IR) === 1 ? IOMMU_READ : 0) | (entry.get(0, qw0.IW) === 1 ? IOMMU_WRITE : 0);
  const head = { sourceId, domainId: entry.get(1, qw1.DOMAIN_ID), rights };
  const untranslated = { ...head, translation: 'pass-through', levels: 0, root: 0, steps: [step] } as const;
  if (entry.get(0, qw0.V) === 0) return { ...untranslated, rights: IOMMU_READ | IOMMU_WRITE };
  if (entry.get(0, qw0.TV) === 0 || rights === 0) {
    throw blocked(sourceId, `has an entry without TV, or without rights (0x${step.at.toString(16)})`);
  }
  const levels = entry.get(0, qw0.MODE);
  if (entry.get(0, qw0.GV) === 0 || entry.get(0, qw0.GIOV) === 0) {
    if (levels === 0) return untranslated;
    return { ...head, translation: 'second-stage', levels, root: entry.hostRoot, steps: [step] };
  }
  const guest = {
    translation: levels === 0 ? 'first-stage' : 'nested',
    levels: entry.get(2, qw2.GUEST_MODE) + 4,
  } as const;
  if (levels !== 0) return { ...head, ...guest, root: entry.gcr3, steps: [step] };
  const { root, steps } = guestRoot(dump, sourceId, entry.gcr3, entry.get(0, qw0.GLX) + 1);
  return { ...head, ...guest, root, steps: [step, ...steps] };
}

/** The guest table of PASID 0, by the GCR3 table. */
function guestRoot(
  dump: TableDump,
  sourceId: number,
  gcr3: number,
  levels: number,
): { root: number; steps: WalkStep[] } {
  const steps: WalkStep[] = [];
  let root = gcr3;
  for (let level = levels; level > 0; level--) {
    const words = dump.load(root, `the level ${level} GCR3 table of ${formatDevice(sourceId)}`);
    steps.push(walkStep({ table: 'gcr3', level, index: 0, at: root }, words, 0, [AmdGcr3Entry]));
    if (get(words[0], words[1], AmdGcr3Entry.V) === 0) {
      throw blocked(sourceId, 'has no guest table for requests without PASID');
    }
    root = getAddress(words[0], words[1], AmdGcr3Entry.ADDR);
  }
  return { root, steps };
}

/**
 * Source ids of all devices whose entry lets them translate, ascending: Linux keeps V set everywhere (spec H34). Pages of
 * the table that the dump lacks hold none, as long as it has one.
 * @throws {WalkError} `ERR_WALK_TABLE_ABSENT`
 */
export function listDevices(dump: TableDump, registers: AmdRegisters): number[] {
  const found: number[] = [];
  let pages = 0;
  for (let page = 0; page < registers.deviceTablePages; page++) {
    const at = registers.deviceTable + page * 4096;
    if (!dump.has(at)) continue;
    pages++;
    const words = dump.load(at, 'the device table');
    for (let index = 0; index < AMD_DEVICES_PER_PAGE; index++) {
      const [low, high] = words.subarray(index * ENTRY_WORDS, index * ENTRY_WORDS + 2);
      const translates = get(low, high, qw0.V) === 1 && get(low, high, qw0.TV) === 1;
      const hasRights = get(low, high, qw0.IR) === 1 || get(low, high, qw0.IW) === 1;
      if (translates && hasRights) found.push(page * AMD_DEVICES_PER_PAGE + index);
    }
  }
  if (pages === 0) dump.load(registers.deviceTable, 'the device table');
  return found;
}

function blocked(sourceId: number, why: string): WalkError {
  return new WalkError('ERR_WALK_NO_CONTEXT', `device ${formatDevice(sourceId)} ${why}: its requests are blocked`);
}
