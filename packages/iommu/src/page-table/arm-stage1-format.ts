import { IOMMU_CACHE, IOMMU_MMIO, IOMMU_PRIV, IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { highMask, lowMask } from '../spec/bits.ts';
import { Stage1Descriptor, TableDescriptor } from '../spec/smmuv3-paging.ts';
import { ArmFormat, armStage1Levels, shareability } from './arm-format.ts';

const USER = 1 << Stage1Descriptor.AP.lo;
const READ_ONLY = USER << 1;
const NOT_GLOBAL = lowMask(Stage1Descriptor.NG);
const PAGE_TYPE = 3;
/** Upper bit of APTABLE: nothing below may be written. */
const TABLE_READ_ONLY_HIGH = (highMask(TableDescriptor.APTABLE) & (highMask(TableDescriptor.APTABLE) << 1)) >>> 0;

/** Indices into the memory types of Linux's MAIR (spec H62): not cached, cached, device. */
const MemoryType = { NONCACHED: 0, CACHED: 1, DEVICE: 2 } as const;

/** Stage 1 (spec H64): writable pages are readable, so there is no write-only one. */
export class ArmStage1Format extends ArmFormat {
  readonly name = 'arm-stage1';

  constructor(granuleShift: number, inputBits: number, superpages = true) {
    super(granuleShift, inputBits, armStage1Levels(granuleShift, inputBits), superpages);
  }

  rights(low: number, high: number, level: number): number {
    if (this.isTable(low, level)) return (high & TABLE_READ_ONLY_HIGH) !== 0 ? IOMMU_READ : IOMMU_READ | IOMMU_WRITE;
    if (level === 1 && (low & PAGE_TYPE) !== PAGE_TYPE) return 0;
    return (low & READ_ONLY) !== 0 ? IOMMU_READ : IOMMU_READ | IOMMU_WRITE;
  }

  protected attributes(prot: number): number {
    const isCached = (prot & IOMMU_CACHE) !== 0;
    const type = (prot & IOMMU_MMIO) !== 0 ? MemoryType.DEVICE : isCached ? MemoryType.CACHED : MemoryType.NONCACHED;
    const access = ((prot & IOMMU_PRIV) !== 0 ? 0 : USER) | ((prot & IOMMU_WRITE) !== 0 ? 0 : READ_ONLY);
    return (type << Stage1Descriptor.ATTRINDX.lo) | access | shareability(isCached) | NOT_GLOBAL;
  }
}
