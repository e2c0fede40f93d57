/**
 * How a request fails, in one number: an event code and the flags that its record carries (spec H40). Walks return it
 * negated, where an address would be positive.
 */
export function faultWord(code: number, flags: number): number {
  return code + flags * 16;
}

export function faultCode(word: number): number {
  return word & 15;
}

export function faultFlags(word: number): number {
  return word >>> 4;
}
