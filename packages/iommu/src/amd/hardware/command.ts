import type { MemoryPage } from '../../page-table/memory-page.ts';
import * as layout from '../../spec/amd-commands.ts';
import { type Field, get, highMask, lowMask } from '../../spec/bits.ts';

type Layout = { readonly qw0: Readonly<Record<string, Field>>; readonly qw1: Readonly<Record<string, Field>> };
const ANYTHING: Layout = { qw0: {}, qw1: {} };

/** By code; no other exists. What a prefetch and a page response carry is theirs (spec H41). */
const LAYOUTS: readonly (Layout | undefined)[] = [
  undefined,
  layout.AmdCompletionWait,
  layout.AmdInvalidateDevtabEntry,
  layout.AmdInvalidateIommuPages,
  layout.AmdInvalidateIotlbPages,
  layout.AmdInvalidateDevtabEntry,
  ANYTHING,
  ANYTHING,
  layout.AmdInvalidateIommuAll,
];

/** Reserved bits of the four words, by code. */
const RESERVED = new Uint32Array(LAYOUTS.length * 4);
for (const [code, entry] of LAYOUTS.entries()) {
  if (entry !== undefined) RESERVED.set([...reserved(entry.qw0), ...reserved(entry.qw1)], code * 4);
}

function reserved(word: Readonly<Record<string, Field>>): [number, number] {
  let low = 0;
  let high = 0;
  for (const [name, field] of Object.entries(word)) {
    if (!name.startsWith('RSVD')) continue;
    low |= lowMask(field);
    high |= highMask(field);
  }
  return [low, high];
}

/** A command as fetched (spec H41). Reused, so that the buffer allocates nothing. */
export class Command {
  low0 = 0;
  high0 = 0;
  low1 = 0;
  high1 = 0;

  /** @param offset of the command in its page */
  fetch(page: MemoryPage, offset: number): void {
    this.low0 = page.load32(offset);
    this.high0 = page.load32(offset + 4);
    this.low1 = page.load32(offset + 8);
    this.high1 = page.load32(offset + 12);
  }

  get code(): number {
    return this.high0 >>> 28;
  }

  /** Of the commands that are about a device. */
  get deviceId(): number {
    return this.code === layout.AmdCommandCode.INVALIDATE_IOTLB_PAGES ? this.low0 & 0xffff : 0;
  }

  /** Does the code exist, and is every reserved bit zero? */
  isWellFormed(): boolean {
    if (LAYOUTS[this.code] === undefined) return false;
    const at = this.code * 4;
    const first = (this.low0 & RESERVED[at]) | (this.high0 & RESERVED[at + 1]);
    return (first | (this.low1 & RESERVED[at + 2]) | (this.high1 & RESERVED[at + 3])) === 0;
  }

  /** Field of the first qword. */
  get0(field: Field): number {
    return get(this.low0, this.high0, field);
  }

  /** Field of the second qword. */
  get1(field: Field): number {
    return get(this.low1, this.high1, field);
  }
}
