/** Flush-all: an order that no unit's page-selective limit reaches (spec I165). */
export const ORDER_ALL = 52;

/** log2 of the pages of the smallest aligned power-of-two block that covers both bytes (spec I164, H7). */
export function blockOrder(start: number, end: number): number {
  if (end - start < 4096 && (start & 0xfff) === 0) return 0; // what nearly every strict unmap asks
  const startHigh = Math.floor(start / 2 ** 32);
  const endHigh = Math.floor(end / 2 ** 32);
  const significant = startHigh === endHigh ? 32 - Math.clz32(start ^ end) : 64 - Math.clz32(startHigh ^ endHigh);
  return significant > 12 ? significant - 12 : 0;
}

/** First byte of the block of that order around an address (spec I164). */
export function blockStart(address: number, order: number): number {
  // A remainder of doubles and a power are calls, 30 of the 600 ns of a two-step transfer of 32 pages.
  if (order < 19) return address - (address & ((4096 << order) - 1));
  return address - (address % (4096 * 2 ** order));
}
