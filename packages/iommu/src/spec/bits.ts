/** A run of bits in a word of up to 64 bits, bit numbers as the specification draws them, both ends inclusive. */
export interface Field {
  readonly hi: number;
  readonly lo: number;
}

/** @throws {RangeError} when the run is not inside a 64-bit word */
export function bits(hi: number, lo: number = hi): Field {
  if (!(Number.isInteger(hi) && Number.isInteger(lo) && lo >= 0 && hi >= lo && hi < 64)) {
    throw new RangeError(`bits(${hi}, ${lo}) is not inside a 64-bit word`);
  }
  return { hi, lo };
}

/** Value of a field in a word given as two u32 halves; at most 53 bits wide, unsigned. */
export function get(low: number, high: number, { hi, lo }: Field): number {
  if (lo >= 32) return (high >>> (lo - 32)) % 2 ** (hi - lo + 1);
  const below = low >>> lo;
  if (hi < 32) return below % 2 ** (hi - lo + 1);
  return ((high >>> 0) % 2 ** (hi - 31)) * 2 ** (32 - lo) + below;
}

/** Address held in place: the field's bits where they stand, everything else zero (`[63:12] table`). */
export function getAddress(low: number, high: number, field: Field): number {
  return get(low, high, field) * 2 ** field.lo;
}

/** Low u32 half of the word that holds `value` in the field and zeros elsewhere. */
export function lowHalf({ lo }: Field, value: number): number {
  return lo >= 32 ? 0 : ((value % 2 ** (32 - lo)) * 2 ** lo) >>> 0;
}

/** High u32 half of the word that holds `value` in the field and zeros elsewhere. */
export function highHalf({ lo }: Field, value: number): number {
  return lo >= 32 ? (value * 2 ** (lo - 32)) >>> 0 : Math.floor((value * 2 ** lo) / 2 ** 32) >>> 0;
}

/** Mask of the field in the low half: what a hot path tests instead of calling {@link get}. */
export function lowMask({ hi, lo }: Field): number {
  if (lo >= 32) return 0;
  return span(lo, Math.min(hi, 31));
}

/** Mask of the field in the high half. */
export function highMask({ hi, lo }: Field): number {
  if (hi < 32) return 0;
  return span(Math.max(lo - 32, 0), hi - 32);
}

function span(from: number, to: number): number {
  return (2 ** (to + 1) - 2 ** from) >>> 0;
}

/** The two halves of a 64-bit value given as one safe integer or bigint. */
export function halves(value: number | bigint): { low: number; high: number } {
  const word = BigInt(value);
  return { low: Number(word & 0xffff_ffffn), high: Number((word >> 32n) & 0xffff_ffffn) };
}
