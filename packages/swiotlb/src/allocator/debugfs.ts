import type { Swiotlb } from './swiotlb.ts';

/** The files of `/sys/kernel/debug/swiotlb` by name, as they read; none without a pool (spec S95). */
export function swiotlbDebugfs(swiotlb: Swiotlb): Readonly<Record<string, string>> {
  if (!swiotlb.active) return {};
  const { nslabs, used, usedHiwater, transientNslabs } = swiotlb;
  return {
    io_tlb_nslabs: `${nslabs}\n`,
    io_tlb_used: `${used}\n`,
    io_tlb_used_hiwater: `${usedHiwater}\n`,
    ...(transientNslabs !== null && { io_tlb_transient_nslabs: `${transientNslabs}\n` }),
  };
}
