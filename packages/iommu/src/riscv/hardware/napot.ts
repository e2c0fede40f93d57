/** Pages of a range: its page number ends in a zero bit and ones, which name the size (spec H100, H13). */
export function napotPages(page: number): number {
  let pages = 2;
  for (let rest = page; rest % 2 === 1; rest = (rest - 1) / 2) pages *= 2;
  return pages;
}
