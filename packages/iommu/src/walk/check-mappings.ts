import { formatDevice, parseDevice } from './device-address.ts';
import type { DumpMemory } from './table-dump.ts';
import { WalkError } from './walk-error.ts';
import { walkIova } from './walk-iova.ts';
import type { WalkUnit } from './walk-unit.ts';

const PAGE_BYTES = 4096;

/** A mapping that is said to be live: bytes, not pages. */
export interface ExpectedMapping {
  readonly sourceId: number;
  readonly iova: number;
  readonly phys: number;
  readonly lengthBytes: number;
}

/** A page that the tables don't translate as expected. */
export interface MappingMismatch {
  readonly device: string;
  /** First byte of the page. */
  readonly iova: number;
  readonly expected: number;
  /** Where the tables send it; absent when they block it. */
  readonly found?: number;
  /** Why they block it. */
  readonly blocked?: string;
}

/** What a check came to: `agree` of `checked` 4 KiB pages. */
export interface MappingCheck {
  readonly checked: number;
  readonly agree: number;
  readonly mismatches: readonly MappingMismatch[];
}

/**
 * Reads `{ "mappings": [{ "device": "0000:00:02.0", "iova": "0x...", "phys": "0x...", "size": bytes }] }`.
 * @throws {WalkError} `ERR_WALK_EXPECTED` or `ERR_WALK_DEVICE`, names the entry
 */
export function parseExpectedMappings(file: unknown): ExpectedMapping[] {
  const list = (file as { mappings?: unknown } | null)?.mappings;
  if (!Array.isArray(list)) {
    throw new WalkError(
      'ERR_WALK_EXPECTED',
      'the expected list lacks "mappings": an array of device, iova, phys, size',
    );
  }
  return list.map((entry: Record<string, unknown>, index) => {
    if (typeof entry?.['device'] !== 'string') throw missing(index, 'device', 'a string like "0000:00:02.0"');
    return {
      sourceId: parseDevice(entry['device']),
      iova: addressOf(entry, index, 'iova'),
      phys: addressOf(entry, index, 'phys'),
      lengthBytes: addressOf(entry, index, 'size'),
    };
  });
}

/**
 * Walks every 4 KiB page of every mapping and compares where it goes.
 * @throws {WalkError} when the image or the tables lack what a walk needs
 */
export function checkMappings(memory: DumpMemory, unit: WalkUnit, expected: readonly ExpectedMapping[]): MappingCheck {
  const mismatches: MappingMismatch[] = [];
  let checked = 0;
  for (const { sourceId, iova, phys, lengthBytes } of expected) {
    const first = iova - (iova % PAGE_BYTES);
    const firstPhys = phys - (iova % PAGE_BYTES);
    for (let page = first; page < iova + lengthBytes; page += PAGE_BYTES) {
      checked++;
      const mismatch = checkPage(memory, unit, sourceId, page, firstPhys + page - first);
      if (mismatch !== undefined) mismatches.push(mismatch);
    }
  }
  return { checked, agree: checked - mismatches.length, mismatches };
}

function checkPage(
  memory: DumpMemory,
  unit: WalkUnit,
  sourceId: number,
  iova: number,
  expected: number,
): MappingMismatch | undefined {
  const { page, blocked } = walkIova(memory, unit, sourceId, iova);
  if (page?.phys === expected) return undefined;
  const head = { device: formatDevice(sourceId), iova, expected };
  return page === undefined ? { ...head, blocked: blocked ?? 'blocked' } : { ...head, found: page.phys };
}

function addressOf(entry: Record<string, unknown>, index: number, name: string): number {
  const value = entry[name];
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw missing(index, name, 'a whole number, or one in hex as a string');
}

function missing(index: number, name: string, shape: string): WalkError {
  return new WalkError(
    'ERR_WALK_EXPECTED',
    `mapping ${index} of the expected list lacks "${name}": it must be ${shape}`,
  );
}
