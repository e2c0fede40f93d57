import type { Rule } from '../rule.ts';
import { AMD_RULES } from './amd.ts';
import { BOOT_RULES } from './boot.ts';
import { DMA_API_RULES } from './dma-api.ts';
import { DMA_DEBUG_RULES } from './dma-debug.ts';
import { NVME_RULES } from './nvme.ts';
import { P2P_RULES } from './p2p.ts';
import { SMMU_RULES } from './smmu.ts';
import { SUPPRESSED_RULES } from './suppressed.ts';
import { SWIOTLB_RULES } from './swiotlb.ts';
import { VTD_RULES } from './vtd.ts';

/** Every rule. The first whose pattern matches explains a line, so the boot lines, which are the widest, come last. */
export const RULES: readonly Rule[] = [
  ...VTD_RULES,
  ...AMD_RULES,
  ...SMMU_RULES,
  ...SWIOTLB_RULES,
  ...DMA_API_RULES,
  ...DMA_DEBUG_RULES,
  ...P2P_RULES,
  ...NVME_RULES,
  ...SUPPRESSED_RULES,
  ...BOOT_RULES,
];
