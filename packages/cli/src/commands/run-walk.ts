import {
  checkMappings,
  type DumpMemory,
  formatDevice,
  type IovaWalk,
  isWalkKind,
  listDevices,
  listMappings,
  type MappingCheck,
  type MappingRange,
  parseDevice,
  parseExpectedMappings,
  parseWalkUnit,
  WALK_KINDS,
  type WalkUnit,
  walkIova,
} from '@dmalab/iommu';
import { readText } from '../input-file.ts';
import { hex, printJson } from '../output.ts';
import { UserError } from '../user-error.ts';
import { readDump } from './dump-file.ts';
import type { WalkFlags } from './walk.ts';

/** Runs `dmalab walk`; a failed check sets exit code 1. */
export async function runWalk(file: string, flags: WalkFlags): Promise<void> {
  const kind = flags.iommu;
  if (!isWalkKind(kind)) throw new UserError('--iommu', `"${kind}" is not read`, `write ${WALK_KINDS.join(' or ')}`);
  if ((flags.iova !== undefined || flags.dump) && flags.device === undefined) {
    throw new UserError(flags.dump ? '--dump' : '--iova', 'needs a device', 'add --device, as in --device 00:02.0');
  }
  const unit = parseWalkUnit(kind, await readJson(flags.registers));
  const memory = await readDump(file);
  if (!unit.translationEnabled && flags.json === undefined) console.error(`note: ${unit.disabledNote}`);
  if (flags.expected !== undefined) await check(memory, unit, flags.expected, flags);
  else if (flags.iova !== undefined) showWalk(walkIova(memory, unit, sourceOf(flags), parseIova(flags.iova)), flags);
  else if (flags.dump) dump(memory, unit, flags);
  else devices(memory, unit, flags);
}

async function check(memory: DumpMemory, unit: WalkUnit, file: string, flags: WalkFlags): Promise<void> {
  const all = parseExpectedMappings(await readJson(file));
  const wanted = flags.device === undefined ? all : all.filter(({ sourceId }) => sourceId === sourceOf(flags));
  const result = checkMappings(memory, unit, wanted);
  if (flags.json) printJson({ ...result, mismatches: result.mismatches.map(asHex) });
  else showCheck(result);
  if (result.agree < result.checked) process.exitCode = 1;
}

function showCheck({ checked, agree, mismatches }: MappingCheck): void {
  console.log(`${agree} of ${checked} pages agree`);
  for (const { device, iova, expected, found, blocked } of mismatches) {
    const goes = found === undefined ? `is blocked: ${blocked}` : `goes to ${hex(found)}`;
    console.log(`${device}  ${hex(iova)} ${goes}, expected ${hex(expected)}`);
  }
}

function showWalk(walk: IovaWalk, flags: WalkFlags): void {
  if (flags.json) {
    printJson(asHex({ ...walk, device: formatDevice(walk.sourceId), steps: walk.steps.map(asHex) }));
    return;
  }
  console.log(`${formatDevice(walk.sourceId)}, domain ${walk.domainId}, ${walk.translation}`);
  for (const { table, level, index, at, entry, fields } of walk.steps) {
    const name = level === 0 ? table : `${table} level ${level}`;
    const decoded = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
    console.log(`  ${name.padEnd(21)} [${index}] at ${hex(at)}: ${entry.join(' ')}  ${decoded.join(' ')}`);
  }
  if (walk.page === undefined) console.log(`${hex(walk.iova)} is blocked: ${walk.blocked}`);
  else console.log(`${hex(walk.iova)} -> ${hex(walk.page.phys)}  ${rightsOf(walk.page)}`);
}

function dump(memory: DumpMemory, unit: WalkUnit, flags: WalkFlags): void {
  const { tables, ranges, absent, truncated } = listMappings(memory, unit, sourceOf(flags));
  if (flags.json) {
    const list = [...ranges].map((range) => asHex({ ...range, rights: rangeRights(range) }));
    const { translation, domainId } = tables;
    printJson({ translation, domainId, leaves: ranges.leaves, ranges: list, absent: absent.map(asHex), truncated });
    return;
  }
  console.log(`domain ${tables.domainId}, ${tables.translation}: ${ranges.leaves} leaves in ${ranges.count} ranges`);
  for (const range of ranges) {
    const last = range.iova + range.lengthBytes - 1;
    console.log(`${hex(range.iova)}-${hex(last)} -> ${hex(range.phys)}  ${rangeRights(range)}`);
  }
  for (const { phys, iova, level } of absent) {
    console.log(`${hex(iova)}: the level ${level} table at ${hex(phys)} is not in the dump`);
  }
  if (truncated) console.log('the tables do not end: the list does');
}

function devices(memory: DumpMemory, unit: WalkUnit, flags: WalkFlags): void {
  const found = listDevices(memory, unit).map(formatDevice);
  if (flags.json) printJson({ devices: found });
  else for (const device of found) console.log(device);
}

function sourceOf(flags: WalkFlags): number {
  return parseDevice(flags.device ?? '');
}

function parseIova(text: string): number {
  const value = /^(0x)?[0-9a-f]+$/i.test(text) ? Number.parseInt(text, 16) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new UserError('--iova', `"${text}" is no address below 2^53`, 'write it in hex, as in 0xfff73000');
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(path, `is no JSON (${(error as Error).message})`, 'check the file');
  }
}

function rightsOf({ readable, writable }: { readable: boolean; writable: boolean }): string {
  return `${readable ? 'r' : '-'}${writable ? 'w' : '-'}`;
}

function rangeRights({ rights }: MappingRange): string {
  return rightsOf({ readable: (rights & 1) !== 0, writable: (rights & 2) !== 0 });
}

const ADDRESSES = new Set(['iova', 'phys', 'at', 'expected', 'found']);

/** The same, addresses as hex strings. */
function asHex<T extends object>(value: T): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (name === 'page' && member !== undefined) return [name, asHex(member)];
      return [name, ADDRESSES.has(name) && typeof member === 'number' ? hex(member) : member];
    }),
  );
}
