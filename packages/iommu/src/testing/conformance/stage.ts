import { IotlbGather } from '../../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import type { UnitDomain } from '../../core/unit/iommu-unit-driver.ts';
import type { ConformanceRig } from './conformance-rig.ts';
import { Prober } from './reach.ts';

export const RW = IOMMU_READ | IOMMU_WRITE;
/** Where the tests map: above what any bus window or message page of a real machine takes. */
export const IOVA = 2 ** 36;

/** A rig with its first device behind a domain: what most tests start from. */
export class Stage {
  readonly rig: ConformanceRig;
  readonly probe: Prober;
  readonly domain: UnitDomain;
  readonly source: number;
  /** Physical address of the scratch memory. */
  readonly phys: number;
  /** Bytes of the smallest page. */
  readonly page: number;

  constructor(rig: ConformanceRig) {
    this.rig = rig;
    this.probe = new Prober(rig);
    this.source = rig.sources[0];
    this.phys = rig.scratch.base;
    this.domain = rig.driver.createDomain();
    this.page = smallestPage(this.domain);
    rig.driver.attachDevice(this.source, this.domain);
  }

  map(iova: number, phys: number, lengthBytes: number, prot: number = RW, domain: UnitDomain = this.domain): void {
    const result = domain.map(iova, phys, lengthBytes, prot);
    if (result !== 0) throw new Error(`map 0x${iova.toString(16)} + 0x${lengthBytes.toString(16)} gave ${result}`);
    domain.iotlbSyncMap(iova, lengthBytes);
  }

  /** Strict: the range is gone from every cache when this returns. */
  unmap(iova: number, lengthBytes: number, domain: UnitDomain = this.domain): number {
    const gather = new IotlbGather();
    const cleared = domain.unmap(iova, lengthBytes, gather);
    domain.iotlbSync(gather);
    return cleared;
  }

  /** Lazy: cleared in the tables, not yet invalidated. */
  unmapLazily(iova: number, lengthBytes: number): IotlbGather {
    const gather = new IotlbGather();
    gather.reset(true);
    this.domain.unmap(iova, lengthBytes, gather);
    return gather;
  }

  /** Read and write at that address, as seen by the first device. */
  both(iova: number, phys: number): string {
    return this.probe.both(this.source, iova, phys);
  }
}

export function smallestPage(domain: UnitDomain): number {
  let size = 4096;
  while (Math.floor(domain.pageSizes / size) % 2 === 0) size *= 2;
  return size;
}

/** The page sizes of a domain, smallest first. */
export function pageSizes(domain: UnitDomain): number[] {
  const sizes: number[] = [];
  for (let size = 4096; size <= domain.pageSizes; size *= 2) {
    if (Math.floor(domain.pageSizes / size) % 2 === 1) sizes.push(size);
  }
  return sizes;
}
