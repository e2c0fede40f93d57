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

/** Masks of the four words' reserved bits, by descriptor type. The high bits of the type must be zero as well. */
const RESERVED = LAYOUTS.map((entry) => (entry === undefined ? [] : [...reserved(entry.qw0), ...reserved(entry.qw1)]));

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

/** The first 128 bits of an invalidation descriptor, as fetched. Reused, so that a queue allocates nothing. */
export class Descriptor {
  low0 = 0;
  high0 = 0;
  low1 = 0;
  high1 = 0;

  get type(): number {
    return this.low0 & 0xf;
  }

  /** A type that exists, with every reserved bit zero (spec H28). */
  isWellFormed(): boolean {
    const masks = RESERVED[this.type];
    if (masks === undefined || masks.length === 0) return false;
    return ((this.low0 & masks[0]) | (this.high0 & masks[1]) | (this.low1 & masks[2]) | (this.high1 & masks[3])) === 0;
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
