/**
 * Values of fio job files (fio 3.x HOWTO, "Parameter types"). Each parser answers null for text that is no such value,
 * and leaves the message to the caller, who knows file and line.
 */

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
  t: 1024 ** 4,
  tb: 1024 ** 4,
  tib: 1024 ** 4,
};

/** Bytes: a number, decimal or 0x, with a unit to base 1024 (fio's default `kb_base`). */
export function parseBytes(text: string): number | null {
  const match = /^(0x[0-9a-f]+|\d+)([a-z]*)$/.exec(text.toLowerCase());
  if (match === null) return null;
  const [, digits, unit] = match;
  const bytes = Number(digits) * (UNITS[unit] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** A size of which part of the disk: bytes, or a percentage of the whole. */
export interface DiskSize {
  readonly bytes: number;
  readonly percent: number;
}

export function parseDiskSize(text: string): DiskSize | null {
  const percentage = /^(\d+)%$/.exec(text);
  if (percentage !== null) {
    const percent = Number(percentage[1]);
    return percent >= 1 && percent <= 100 ? { bytes: 0, percent } : null;
  }
  const bytes = parseBytes(text);
  return bytes === null ? null : { bytes, percent: 0 };
}

const NANOS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
};

/** Nanoseconds of a time. @param unit of a number that has none: fio has one for each key */
export function parseTime(text: string, unit: keyof typeof NANOS): number | null {
  const match = /^(\d+)(ns|us|ms|s|m|h|d)?$/.exec(text.toLowerCase());
  return match === null ? null : Number(match[1]) * NANOS[match[2] ?? unit];
}

/** A key that stands alone, or 1, is on; 0 is off. */
export function parseFlag(text: string): boolean | null {
  return text === '' || text === '1' ? true : text === '0' ? false : null;
}

/** Decimal number in a range, ends included. */
export function parseCount(text: string, least: number, most: number): number | null {
  if (!/^\d+$/.test(text)) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}

/** One block size of a mix and how often it is drawn, in percent. */
export interface BlockShare {
  readonly bytes: number;
  readonly percent: number;
}

/** `bssplit` for one direction: `4k/60:64k/40`; shares that are left out split what remains equally. */
export function parseShares(text: string): readonly BlockShare[] | null {
  const parts = text.split(':').map((part) => part.split('/'));
  const named = parts.map(([size, percent]) => ({
    bytes: parseBytes(size),
    percent: percent === undefined || percent === '' ? null : parseCount(percent, 0, 100),
    open: percent === undefined || percent === '',
  }));
  if (parts.some((part) => part.length > 2) || named.some((share) => share.bytes === null)) return null;
  if (named.some((share) => !share.open && share.percent === null)) return null;
  const taken = named.reduce((sum, share) => sum + (share.percent ?? 0), 0);
  const open = named.filter((share) => share.open).length;
  if (taken > 100 || (open === 0 && taken !== 100)) return null;
  return named.map((share) => ({ bytes: share.bytes ?? 0, percent: share.percent ?? (100 - taken) / open }));
}
