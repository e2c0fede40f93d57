/**
 * What memory encryption makes of bytes for those without the key: other bytes, the same ones every time. Applying it
 * twice gives the original back, as a cipher and its inverse would.
 */
export function scramble(at: number, bytes: Uint8Array, offset: number, lengthBytes: number): void {
  let key = 0;
  for (let i = 0; i < lengthBytes; i++) {
    const lane = (at + i) & 3;
    if (i === 0 || lane === 0) key = keyWord(at + i - lane);
    bytes[offset + i] ^= (key >>> (8 * lane)) & 0xff;
  }
}

/** Four bytes that depend on the address, so that equal plaintexts in two places look different. None is zero: no byte stays itself. */
function keyWord(at: number): number {
  let hash = Math.imul(at | 0, 0x9e3779b1) ^ Math.imul(Math.floor(at / 2 ** 32), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return hash | 0x01010101;
}
