import { WalkError } from './walk-error.ts';

const DEVICE = /^(?:([0-9a-f]{4}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/i;

/**
 * Source id (bus, device, function in 16 bits) of a device written as `00:02.0` or `0000:00:02.0`. The segment is not
 * part of it: each segment has units of its own.
 * @throws {WalkError} `ERR_WALK_DEVICE`
 */
export function parseDevice(text: string): number {
  const match = DEVICE.exec(text.trim());
  const slot = match === null ? 32 : Number.parseInt(match[3], 16);
  if (match === null || slot > 31) {
    throw new WalkError('ERR_WALK_DEVICE', `"${text}" is no device: write bus:device.function, as in 00:02.0`);
  }
  return Number.parseInt(match[2], 16) * 256 + slot * 8 + Number(match[4]);
}

/** `00:02.0` for source id 0x10; ids of more than 16 bits begin with the segment, as in `0001:00:02.0`. */
export function formatDevice(sourceId: number): string {
  const two = (value: number) => value.toString(16).padStart(2, '0');
  const segment =
    sourceId < 0x10000
      ? ''
      : `${Math.floor(sourceId / 0x10000)
          .toString(16)
          .padStart(4, '0')}:`;
  return `${segment}${two((sourceId >> 8) & 0xff)}:${two((sourceId >> 3) & 31)}.${sourceId & 7}`;
}
