import { type Field, get, getAddress, highMask, lowMask } from '../../spec/bits.ts';
import * as layout from '../../spec/vtd-invalidation.ts';

type Layout = { readonly qw0: Readonly<Record<string, Field>>; readonly qw1: Readonly<Record<string, Field>> };

const LAYOUTS: readonly (Layout | undefined)[] = [
  undefined,
  layout.ContextDescriptor,
  layout.IotlbDescriptor,
  layout.DeviceTlbDescriptor,
  layout.InterruptEntryDescriptor,
  layout.WaitDescriptor,
  layout.PasidIotlbDescriptor,
  layout.PasidCacheDescriptor,
  layout.PasidDeviceTlbDescriptor,
  layout.PageGroupResponseDescriptor,
];

/** Masks of the four words' reserved bits, four words a descriptor type. The high bits of the type must be zero too. */
const RESERVED = new Int32Array(16 * 4);
for (const [type, entry] of LAYOUTS.entries()) {
  RESERVED.set(entry === undefined ? [] : [...reserved(entry.qw0), ...reserved(entry.qw1)], type * 4);
}

function reserved(word: Readonly<Record<string, Field>>): [number, number] {
  let low = 0;
  let high = 0;
  for (const [name, field] of Object.entries(word)) {
    if (!name.startsWith('RSVD') && name !== 'TYPE_HIGH') continue;
    low |= lowMask(field);
    high |= highMask(field);
  }
  return [low, high];
}

/**
 * The first 128 bits of an invalidation descriptor, as fetched, in signed words: unsigned ones from 2^31 on would be boxed.
 * Reused, so that a queue allocates nothing.
 */
export class Descriptor {
  low0 = 0;
  high0 = 0;
  low1 = 0;
  high1 = 0;

  get type(): number {
    return this.low0 & 0xf;
  }

  /** Is every reserved bit of an existing type zero (spec H28)? */
  isWellFormed(): boolean {
    const at = this.type * 4;
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

  /** Address field of the second qword. */
  address1(field: Field): number {
    return getAddress(this.low1, this.high1, field);
  }
}
