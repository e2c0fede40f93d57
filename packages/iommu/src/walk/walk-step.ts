import { type Field, get, getAddress } from '../spec/bits.ts';

/** One table entry on the way from a device to a page. */
export interface WalkStep {
  /** `first-stage` or `second-stage`; before them what leads there: `root`, `context`, `pasid`, `stream` ... */
  readonly table: string;
  /** Level of a paging table, 0 elsewhere. */
  readonly level: number;
  /** Index of the entry in its table. */
  readonly index: number;
  /** Physical address of the entry. */
  readonly at: number;
  /** The entry's qwords, 16 hex digits each. */
  readonly entry: readonly string[];
  /** Fields that are not zero, by the specification's names; addresses in hex. */
  readonly fields: Readonly<Record<string, number | string>>;
}

type Layout = Readonly<Record<string, Field>>;

/** Decodes an entry of one or more qwords. `words` holds u32 halves, low first, from `offset` on. */
export function walkStep(
  place: { table: string; level: number; index: number; at: number },
  words: Uint32Array,
  offset: number,
  layouts: readonly Layout[],
): WalkStep {
  const entry: string[] = [];
  const fields: Record<string, number | string> = {};
  for (const [qword, layout] of layouts.entries()) {
    const low = words[offset + qword * 2];
    const high = words[offset + qword * 2 + 1];
    entry.push(hex32(high) + hex32(low));
    for (const [name, field] of Object.entries(layout)) {
      if (get(low, high, field) !== 0) fields[name] = fieldValue(low, high, field);
    }
  }
  return { ...place, entry, fields };
}

/** Fields that run from bit 12 (of stream tables, 4 or 6) to the top of the word are addresses. */
function fieldValue(low: number, high: number, field: Field): number | string {
  const isAddress = field.hi >= 47 && (field.lo === 12 || field.lo === 6 || field.lo === 4);
  if (field.hi - field.lo === 63) return `0x${hex32(high)}${hex32(low)}`; // more than a number can tell
  return isAddress ? `0x${getAddress(low, high, field).toString(16)}` : get(low, high, field);
}

function hex32(word: number): string {
  return word.toString(16).padStart(8, '0');
}
