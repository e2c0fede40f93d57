import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { lowMask } from '../spec/bits.ts';
import { levelShift, SecondStageEntry } from '../spec/vtd-paging.ts';
import { PlainFormat } from './plain-format.ts';

const READ = lowMask(SecondStageEntry.R);
const WRITE = lowMask(SecondStageEntry.W);
const LARGE = lowMask(SecondStageEntry.PS);

/** VT-d second-stage tables as Linux writes them (spec H18): pointers end in 403, leaves in R, W and PS alone. */
export class SecondStageFormat extends PlainFormat {
  readonly name = 'vtd-second-stage';
  readonly apertureEnd: number;
  readonly presentMask = READ | WRITE;
  protected readonly largeMask = LARGE;
  protected readonly tableFlags = READ | WRITE | lowMask(SecondStageEntry.SW10);

  /**
   * @param pageSizes sum of leaf sizes: 4 KiB, and 2 MiB and 1 GiB where the unit has them (CAP.SSLPS)
   * @param addressBits what the unit takes as a request's address (CAP.MGAW + 1), at most 52 here
   */
  constructor(levels: number, pageSizes: number, addressBits: number) {
    super(levels, pageSizes);
    this.apertureEnd = 2 ** Math.min(levelShift(levels + 1), addressBits, 52) - 1;
  }

  isAligned(low: number, sizeBytes: number): boolean {
    return (low & (sizeBytes - 4096)) === 0;
  }

  rights(low: number): number {
    return ((low & READ) !== 0 ? IOMMU_READ : 0) | ((low & WRITE) !== 0 ? IOMMU_WRITE : 0);
  }

  protected leafFlags(prot: number, level: number): number {
    const rights = ((prot & IOMMU_READ) !== 0 ? READ : 0) | ((prot & IOMMU_WRITE) !== 0 ? WRITE : 0);
    return level > 1 ? rights | LARGE : rights;
  }
}
