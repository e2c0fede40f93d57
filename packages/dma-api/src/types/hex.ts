/** Lower-case hex of an address or mask. Values above 2^53 are the doubles that stand for 2^n - 1; -1 is all ones. */
export function hex(value: number): string {
  if (value < 0) return 'f'.repeat(16);
  if (value <= Number.MAX_SAFE_INTEGER) return value.toString(16);
  const bits = Math.min(64, Math.log2(value));
  return ((1 << (bits % 4)) - 1 || '') + 'f'.repeat(bits >> 2);
}

/** Sixteen digits, zero padded. */
export function hex16(value: number): string {
  return hex(value).padStart(16, '0');
}
