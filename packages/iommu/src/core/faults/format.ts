/** Lower-case digits, at least `width` of them, without prefix. */
export function hexDigits(value: number | bigint, width = 1): string {
  return value.toString(16).padStart(width, '0');
}

/** `0x` and at least `width` digits, as the kernel's `0x%0*x`. */
export function hex(value: number | bigint, width = 1): string {
  return `0x${hexDigits(value, width)}`;
}

/** As the kernel's `%#x`: zero has no prefix (spec I178). */
export function altHex(value: number | bigint): string {
  return Number(value) === 0 ? '0' : hex(value);
}

/** `bus:device.function` of a requester id. */
export function requester(sourceId: number): string {
  return `${hexDigits(sourceId >> 8, 2)}:${hexDigits((sourceId >> 3) & 31, 2)}.${sourceId & 7}`;
}
