import { IOMMU_CACHE, IOMMU_MMIO, IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { Stage2Descriptor } from '../spec/smmuv3-paging.ts';
import { ArmFormat, armStage2Levels, shareability } from './arm-format.ts';

const READ = 1 << Stage2Descriptor.S2AP.lo;
const WRITE = READ << 1;
const PAGE_TYPE = 3;

/** Values of MEMATTR: device, not cached, cached (spec H64). */
const MemoryType = { DEVICE: 1, NONCACHED: 5, CACHED: 15 } as const;

/** Stage 2 (spec H64, H65): read and write are rights of their own. Entries that point at tables carry none. */
export class ArmStage2Format extends ArmFormat {
  readonly name = 'arm-stage2';

  /** @param levels default: what Linux chooses */
  constructor(
    granuleShift: number,
    inputBits: number,
    superpages = true,
    levels = armStage2Levels(granuleShift, inputBits),
  ) {
    super(granuleShift, inputBits, levels, superpages);
  }

  rights(low: number, _high: number, level: number): number {
    if (this.isTable(low, level)) return IOMMU_READ | IOMMU_WRITE;
    if (level === 1 && (low & PAGE_TYPE) !== PAGE_TYPE) return 0;
    return ((low & READ) !== 0 ? IOMMU_READ : 0) | ((low & WRITE) !== 0 ? IOMMU_WRITE : 0);
  }

  protected attributes(prot: number): number {
    const isCached = (prot & IOMMU_CACHE) !== 0;
    const type = (prot & IOMMU_MMIO) !== 0 ? MemoryType.DEVICE : isCached ? MemoryType.CACHED : MemoryType.NONCACHED;
    const access = ((prot & IOMMU_READ) !== 0 ? READ : 0) | ((prot & IOMMU_WRITE) !== 0 ? WRITE : 0);
    return (type << Stage2Descriptor.MEMATTR.lo) | access | shareability(isCached);
  }
}
