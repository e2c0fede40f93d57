import { IO_TLB_DEFAULT_SLOTS, IO_TLB_SEGSIZE, IO_TLB_SIZE } from '../constants.ts';

/** What the boot code has settled about the default pool so far. */
export interface PoolSize {
  slots: number;
  /** 0 until `swiotlb=` names a number of areas. */
  areas: number;
}

/** Everything that `swiotlb=` can say (spec S11), and the log lines that reading it prints. */
export interface SwiotlbParameter extends PoolSize {
  force: boolean;
  noforce: boolean;
  trackHiwater: boolean;
  readonly lines: string[];
}

/**
 * Reads every `swiotlb=` of a kernel command line, left to right (spec S11).
 *
 * @param defaultSlots what the kernel was built with (spec S2)
 */
export function parseSwiotlbParameter(
  commandLine: string,
  defaultSlots: number = IO_TLB_DEFAULT_SLOTS,
): SwiotlbParameter {
  const parameter: SwiotlbParameter = {
    slots: defaultSlots,
    areas: 0,
    force: false,
    noforce: false,
    trackHiwater: false,
    lines: [],
  };
  for (const word of commandLine.split(/\s+/)) {
    if (word.startsWith('swiotlb=')) applyValue(parameter, word.slice('swiotlb='.length));
  }
  return parameter;
}

const NUMBER = /^(?:0[xX][0-9a-fA-F]+|\d+)/;

function applyValue(parameter: SwiotlbParameter, text: string): void {
  const skip = (pattern: RegExp): string => {
    const found = pattern.exec(text)?.[0] ?? '';
    text = text.slice(found.length);
    return found;
  };
  const slots = skip(NUMBER);
  if (slots !== '') parameter.slots = Math.ceil(kernelNumber(slots) / IO_TLB_SEGSIZE) * IO_TLB_SEGSIZE;
  skip(/^,/);
  const areas = skip(NUMBER);
  if (areas !== '') setAreas(parameter, kernelNumber(areas), parameter.lines);
  skip(/^,/);
  const mode = skip(/^(?:force|noforce)/);
  if (mode === 'force') parameter.force = true;
  if (mode === 'noforce') parameter.noforce = true;
  skip(/^,/);
  if (text.startsWith('track_hiwater')) parameter.trackHiwater = true;
}

/** A number as the kernel reads it: 0x for hexadecimal, a leading 0 for octal. */
function kernelNumber(digits: string): number {
  if (/^0[xX]/.test(digits)) return Number.parseInt(digits, 16);
  return digits.startsWith('0') && digits.length > 1 ? Number.parseInt(digits, 8) || 0 : Number(digits);
}

/** Settles the number of areas and rounds the slots up for it (spec S12). Prints to `lines`. */
export function setAreas(size: PoolSize, wanted: number, lines: string[]): void {
  size.areas = roundUpToPowerOfTwo(wanted);
  lines.push(`software IO TLB: area num ${size.areas}.`);
  const slots = roundUpToPowerOfTwo(Math.max(size.slots, IO_TLB_SEGSIZE * size.areas));
  if (slots === size.slots) return;
  size.slots = slots;
  const megabytes = Math.floor((slots * IO_TLB_SIZE) / 2 ** 20);
  lines.push(`software IO TLB: SWIOTLB bounce buffer size roundup to ${megabytes}MB`);
}

/** Areas that a pool of so many slots can really have (spec S14). */
export function areasFor(slots: number, wanted: number): number {
  return slots < IO_TLB_SEGSIZE * wanted ? Math.floor(slots / IO_TLB_SEGSIZE) : wanted;
}

/** 1 for 0. */
export function roundUpToPowerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}
