/** Bytes of a protection information tuple: guard 2, application tag 2, reference tag 4, big endian (spec N162). */
export const PROTECTION_BYTES = 8;
/** An application tag that switches the checks of its block off (spec N162). */
export const APP_TAG_ESCAPE = 0xffff;
export const REF_TAG_ESCAPE = 0xffffffff;
const CRC_POLYNOMIAL = 0x8bb7;

const CRC_TABLE = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 8;
  for (let i = 0; i < 8; i++) crc = (crc << 1) ^ (crc & 0x8000 ? CRC_POLYNOMIAL : 0);
  CRC_TABLE[byte] = crc;
}

/** CRC-16 T10 DIF over a run of bytes, continued from `crc`. */
export function crcT10Dif(bytes: Uint8Array, offset: number, lengthBytes: number, crc = 0): number {
  for (let i = 0; i < lengthBytes; i++)
    crc = ((crc << 8) ^ CRC_TABLE[((crc >>> 8) ^ bytes[offset + i]) & 0xff]) & 0xffff;
  return crc;
}
