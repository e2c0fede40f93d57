import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { highMask, lowMask } from '../spec/bits.ts';
import { levelShift, SecondStageEntry } from '../spec/vtd-paging.ts';
import type { PageTableFormat } from './page-table-format.ts';

const READ = lowMask(SecondStageEntry.R);
const WRITE = lowMask(SecondStageEntry.W);
const LARGE = lowMask(SecondStageEntry.PS);
const ADDRESS_LOW = lowMask(SecondStageEntry.ADDR);
const ADDRESS_HIGH = highMask(SecondStageEntry.ADDR);

/** VT-d second-stage tables as Linux writes them (spec H18): pointers end in 403, leaves in R, W and PS alone. */
export class SecondStageFormat implements PageTableFormat {
  readonly name = 'vtd-second-stage';
  readonly levels: number;
  readonly pageSizes: number;
  readonly apertureEnd: number;
  readonly presentMask = READ | WRITE;
  readonly tableFlags = READ | WRITE | lowMask(SecondStageEntry.SW10);

  /**
   * @param pageSizes sum of leaf sizes: 4 KiB, and 2 MiB and 1 GiB where the unit has them (CAP.SSLPS)
   * @param addressBits what the unit takes as a request's address (CAP.MGAW + 1), at most 52 here
   */
  constructor(levels: number, pageSizes: number, addressBits: number) {
    this.levels = levels;
    this.pageSizes = pageSizes;
    this.apertureEnd = 2 ** Math.min(levelShift(levels + 1), addressBits, 52) - 1;
  }

  isLargeLeaf(low: number): boolean {
    return (low & LARGE) !== 0;
  }

  isAligned(low: number, sizeBytes: number): boolean {
    return (low & (sizeBytes - 4096)) === 0;
  }

  address(low: number, high: number, sizeBytes: number): number {
    return (high & ADDRESS_HIGH) * 2 ** 32 + ((low & ADDRESS_LOW & -sizeBytes) >>> 0);
  }

  rights(low: number): number {
    return ((low & READ) !== 0 ? IOMMU_READ : 0) | ((low & WRITE) !== 0 ? IOMMU_WRITE : 0);
  }

  leafFlags(prot: number, level: number): number {
    const rights = ((prot & IOMMU_READ) !== 0 ? READ : 0) | ((prot & IOMMU_WRITE) !== 0 ? WRITE : 0);
    return level > 1 ? rights | LARGE : rights;
  }
}
