/** A run of bits in a 32-bit word, as specifications draw it: highest bit first, both ends inclusive. */
export interface BitField {
  readonly hi: number;
  readonly lo: number;
  /** Largest value that the field holds. */
  readonly mask: number;
}

/** @throws {RangeError} when the bits are not inside a 32-bit word */
export function bits(hi: number, lo: number): BitField {
  if (!(Number.isInteger(hi) && Number.isInteger(lo) && hi <= 31 && lo >= 0 && hi >= lo)) {
    throw new RangeError(`bits(${hi}, ${lo}) is not inside a 32-bit word`);
  }
  return { hi, lo, mask: 2 ** (hi - lo + 1) - 1 };
}

export function bit(n: number): BitField {
  return bits(n, n);
}

/** Bits of the upper half of a 64-bit register, under the numbers that the register's drawing gives them (63 to 32). */
export function highBits(hi: number, lo: number): BitField {
  return bits(hi - 32, lo - 32);
}

/** The field's value, unsigned. */
export function get(word: number, field: BitField): number {
  return ((word >>> field.lo) & field.mask) >>> 0;
}

/** `value` placed in the field, all other bits 0; what does not fit is cut off as a register would. */
export function put(field: BitField, value: number): number {
  return ((value & field.mask) << field.lo) >>> 0;
}

/** `word` with the field replaced. */
export function set(word: number, field: BitField, value: number): number {
  return ((word & ~(field.mask << field.lo)) | ((value & field.mask) << field.lo)) >>> 0;
}

/** A 64-bit quantity from its halves. Exact up to 2^53; addresses above the model's 52 bits stay recognisably large. */
export function join64(low: number, high: number): number {
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}

export function low32(value: number): number {
  return value >>> 0;
}

export function high32(value: number): number {
  return Math.floor(value / 2 ** 32) >>> 0;
}
