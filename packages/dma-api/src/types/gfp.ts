import { GFP_COMP, GFP_DMA, GFP_DMA32, GFP_HIGHMEM, GFP_ZERO } from '@dmalab/phys-memory';

/**
 * Allocation flags that the DMA API looks at, by their kernel names. Those that choose pages are the page allocator's own;
 * the bit values of the others are this model's.
 */
export const __GFP_DMA: number = GFP_DMA;
export const __GFP_HIGHMEM: number = GFP_HIGHMEM;
export const __GFP_DMA32: number = GFP_DMA32;
export const __GFP_ZERO: number = GFP_ZERO;
export const __GFP_COMP: number = GFP_COMP;
export const __GFP_NOWARN = 0x10;
export const __GFP_NORETRY = 0x40;
/** May block: wait for memory to be freed. */
export const __GFP_DIRECT_RECLAIM = 0x80;
export const __GFP_KSWAPD_RECLAIM = 0x100;
export const __GFP_IO = 0x200;
export const __GFP_FS = 0x400;
export const __GFP_HIGH = 0x800;

export const GFP_NOWAIT: number = __GFP_KSWAPD_RECLAIM | __GFP_NOWARN;
export const GFP_ATOMIC: number = __GFP_HIGH | __GFP_KSWAPD_RECLAIM;
export const GFP_NOIO: number = __GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM;
export const GFP_NOFS: number = GFP_NOIO | __GFP_IO;
export const GFP_KERNEL: number = GFP_NOFS | __GFP_FS;

/** Zone bits (spec D42, D63). */
export const GFP_ZONE_MASK: number = __GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM;

/** Composite names first, as the trace prints flags (spec D96). */
const NAMES: readonly (readonly [bits: number, name: string])[] = [
  [GFP_KERNEL, 'GFP_KERNEL'],
  [GFP_NOFS, 'GFP_NOFS'],
  [GFP_ATOMIC, 'GFP_ATOMIC'],
  [GFP_NOIO, 'GFP_NOIO'],
  [GFP_NOWAIT, 'GFP_NOWAIT'],
  [__GFP_DMA, 'GFP_DMA'],
  [__GFP_HIGHMEM, '__GFP_HIGHMEM'],
  [__GFP_DMA32, 'GFP_DMA32'],
  [__GFP_HIGH, '__GFP_HIGH'],
  [__GFP_IO, '__GFP_IO'],
  [__GFP_FS, '__GFP_FS'],
  [__GFP_ZERO, '__GFP_ZERO'],
  [__GFP_NOWARN, '__GFP_NOWARN'],
  [__GFP_NORETRY, '__GFP_NORETRY'],
  [__GFP_COMP, '__GFP_COMP'],
  [__GFP_DIRECT_RECLAIM, '__GFP_DIRECT_RECLAIM'],
  [__GFP_KSWAPD_RECLAIM, '__GFP_KSWAPD_RECLAIM'],
];

/** The flags as traces print them: `GFP_KERNEL|__GFP_ZERO`, `none` for 0. */
export function gfpText(gfp: number): string {
  const words: string[] = [];
  for (const [bits, name] of NAMES) {
    if ((gfp & bits) !== bits) continue;
    words.push(name);
    gfp &= ~bits;
  }
  return words.length === 0 ? 'none' : words.join('|');
}

/** `gfpflags_allow_blocking`. */
export function allowsBlocking(gfp: number): boolean {
  return (gfp & __GFP_DIRECT_RECLAIM) !== 0;
}
