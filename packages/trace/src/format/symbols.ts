/** Directions as the kernel prints them, indexed by value (spec D3, D96). */
export const DIRECTION_NAMES: readonly string[] = ['BIDIRECTIONAL', 'TO_DEVICE', 'FROM_DEVICE', 'NONE'];

/** Attribute names as traces print them, indexed by bit; bits 0 and 3 have none (spec D4, D96). */
export const ATTRIBUTE_NAMES: readonly (string | undefined)[] = [
  undefined,
  'WEAK_ORDERING',
  'WRITE_COMBINE',
  undefined,
  'NO_KERNEL_MAPPING',
  'SKIP_CPU_SYNC',
  'FORCE_CONTIGUOUS',
  'ALLOC_SINGLE_PAGES',
  'NO_WARN',
  'PRIVILEGED',
  'MMIO',
  'CACHELINES_OVERLAP',
  'REQUIRE_COHERENT',
  'CC_SHARED',
  'ALLOC_CC_SHARED',
];

/** Attribute names in ascending bit order joined by `|`, unknown bits last as hex, nothing for 0 (spec D96). */
export function attributesText(attrs: number): string {
  const words: string[] = [];
  let unknown = attrs >>> 0;
  for (const [bit, name] of ATTRIBUTE_NAMES.entries()) {
    if (name === undefined || (attrs & (1 << bit)) === 0) continue;
    words.push(name);
    unknown = (unknown & ~(1 << bit)) >>> 0;
  }
  if (unknown !== 0) words.push(`0x${unknown.toString(16)}`);
  return words.join('|');
}

/** The attribute word that `text` names, or NaN when a word in it is neither a name nor hex. */
export function parseAttributes(text: string): number {
  let attrs = 0;
  if (text === '') return attrs;
  for (const word of text.split('|')) {
    const bit = ATTRIBUTE_NAMES.indexOf(word);
    const bits = bit >= 0 ? 2 ** bit : hexWord(word);
    // Addition, not |: the kernel's word has 64 bits, and those past 32 must not wrap into the others.
    attrs += bits;
  }
  return attrs;
}

function hexWord(word: string): number {
  return /^0x[0-9a-f]{1,16}$/.test(word) ? Number(word) : Number.NaN;
}

/** Direction by name, or 0xN for a value that has none (spec D96). */
export function directionText(dir: number): string {
  return DIRECTION_NAMES[dir] ?? `0x${dir.toString(16)}`;
}

/** A DMA mask in hex. Past 2^53 the number is 2^n and stands for the mask 2^n - 1. */
export function maskText(mask: number): string {
  return mask <= Number.MAX_SAFE_INTEGER ? mask.toString(16) : (BigInt(mask) - 1n).toString(16);
}
