/**
 * What memory encryption makes of bytes for those without the key: other bytes, the same ones every time. Applying it
 * twice gives the original back, as a cipher and its inverse would.
 */
export function scramble(at: number, bytes: Uint8Array, offset: number, lengthBytes: number): void {
  for (let i = 0; i < lengthBytes; i++) bytes[offset + i] ^= keyByte(at + i);
}

/** Depends on the address, so that equal plaintexts in two places look different. Never zero: no byte stays itself. */
function keyByte(at: number): number {
  let hash = Math.imul(at | 0, 0x9e3779b1) ^ Math.imul(Math.floor(at / 2 ** 32), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return (hash & 0xff) === 0 ? 0xa5 : hash & 0xff;
}
