import { type Field, highMask, lowMask } from '../../spec/bits.ts';

/** The reserved bits of a word, as masks of its halves: worked out once, for commands are checked on every unmap. */
export interface ReservedBits {
  readonly low: number;
  readonly high: number;
}

/** The fields of a layout that it calls reserved. */
export function reservedBits(fields: Readonly<Record<string, Field>>): ReservedBits {
  const reserved = Object.entries(fields).filter(([name]) => name.startsWith('RSVD'));
  const masks = reserved.map(([, field]) => [lowMask(field), highMask(field)] as const);
  const [low, high] = masks.reduce(([a, b], [c, d]) => [a | c, b | d], [0, 0] as const);
  return { low, high };
}

export function hasReserved(low: number, high: number, reserved: ReservedBits): boolean {
  return ((low & reserved.low) | (high & reserved.high)) !== 0;
}
