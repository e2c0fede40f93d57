import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { lowMask } from '../spec/bits.ts';
import { FIRST_STAGE_LARGE_PAT, FirstStageEntry, levelShift } from '../spec/vtd-paging.ts';
import { PlainFormat } from './plain-format.ts';

const PRESENT = lowMask(FirstStageEntry.P);
const WRITABLE = lowMask(FirstStageEntry.RW);
const USER = lowMask(FirstStageEntry.US);
const ACCESSED = lowMask(FirstStageEntry.A);
const DIRTY = lowMask(FirstStageEntry.D);
const LARGE = lowMask(FirstStageEntry.PS);
const LARGE_PAT = lowMask(FIRST_STAGE_LARGE_PAT);

/**
 * x86 first-stage tables as Linux writes them, accessed and dirty preset (spec H22): pointers end in 27, writable leaves
 * in 67, read-only ones in 25. There is no write-only page: a writable one is readable.
 */
export class FirstStageFormat extends PlainFormat {
  readonly name = 'vtd-first-stage';
  readonly apertureEnd: number;
  readonly presentMask = PRESENT;
  protected readonly largeMask = LARGE;
  protected readonly tableFlags = PRESENT | WRITABLE | USER | ACCESSED;

  /**
   * @param pageSizes sum of leaf sizes: 4 KiB and 2 MiB always, 1 GiB where the unit has it (CAP.FS1GP)
   * @param addressBits what the unit takes as a request's address (CAP.MGAW + 1), at most 52 here
   */
  constructor(levels: number, pageSizes: number, addressBits: number) {
    super(levels, pageSizes);
    // Addresses must be canonical (spec H22), so the upper half of the span would need ones above it.
    this.apertureEnd = 2 ** Math.min(levelShift(levels + 1) - 1, addressBits, 52) - 1;
  }

  isAligned(low: number, sizeBytes: number): boolean {
    return (low & (sizeBytes - 4096) & ~LARGE_PAT) === 0;
  }

  /** None without US: the requests that a device sends are user requests (spec H22). */
  rights(low: number): number {
    if ((low & USER) === 0) return 0;
    return (low & WRITABLE) !== 0 ? IOMMU_READ | IOMMU_WRITE : IOMMU_READ;
  }

  protected leafFlags(prot: number, level: number): number {
    const rights = PRESENT | USER | ACCESSED | ((prot & IOMMU_WRITE) !== 0 ? WRITABLE | DIRTY : 0);
    return level > 1 ? rights | LARGE : rights;
  }
}
