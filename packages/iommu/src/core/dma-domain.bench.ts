import { benchmarks, type Kernel, pairKernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { TablePagePool } from '../testing/table-page-pool.ts';
import { VTD_PRESETS } from '../vtd/capabilities.ts';
import { IntelIommu } from '../vtd/driver/intel-iommu.ts';
import { VtdUnit } from '../vtd/hardware/vtd-unit.ts';
import { DmaDomain } from './dma-domain.ts';
import type { IommuDevice } from './iommu-device.ts';
import { NO_TRACE } from './iommu-trace.ts';
import { KernelContext } from './kernel-context.ts';
import { IOMMU_READ, IOMMU_WRITE } from './paging-domain.ts';

const OPERATIONS = 2_000;
const RW = IOMMU_READ | IOMMU_WRITE;
const MASK = 2 ** 64;
const FIRST_PHYS = 0x1_0000_0000;
const FIRST_PFN = FIRST_PHYS / 4096;
/** A cold dependent read: each index comes from the one before, over more memory than any cache holds. */
const CHASE_WORDS = 2 ** 25;

const device: IommuDevice = { name: '0000:00:03.0', busDmaLimit: 0, pci32bitWorkaround: true, minAlignMask: 0xfff };

/** A domain on VT-d tables in simulated memory, invalidated through the unit's queue. */
function vtdDomain(lazy: boolean): DmaDomain {
  const memory = new PhysMemory();
  const pages = new TablePagePool(0x1000000, 16384);
  const iommu = new IntelIommu({
    registers: new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy }),
    memory,
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
  });
  iommu.enable();
  const paging = iommu.createDomain();
  iommu.attachDevice(0x18, paging);
  return new DmaDomain(new KernelContext(), paging, { lazy });
}

function mapPage(domain: DmaDomain, i: number): number {
  return domain.mapRange(device, FIRST_PHYS + i * 4096, 4096, RW, MASK);
}

/** Maps one page and unmaps it again, as the DMA API does: by a lane, and the long way where the lane says so. */
function mapAndUnmap(lazy: boolean): () => Kernel {
  return () => {
    const domain = vtdDomain(lazy);
    const lane = domain.pageLane(device, MASK, NO_TRACE);
    if (lane === null) throw new Error('the domain has no lane');
    return () => {
      let check = 0;
      for (let i = 0; i < OPERATIONS; i++) {
        let pfn = lane.mapPage(FIRST_PFN + i, RW);
        if (pfn === 0) pfn = Math.floor(mapPage(domain, i) / 4096);
        check += pfn;
        if (lane.unmapPage(pfn) < 1) domain.unmapRange(pfn * 4096, 4096);
      }
      if (domain.unmapMismatches > 0 || check < OPERATIONS) throw new Error('a page was not mapped');
      return check;
    };
  };
}

/** Replaces one of `live` mappings a step: the oldest, or a random one. */
function replaceOne(live: number, random: boolean): () => Kernel {
  return () => {
    const domain = vtdDomain(true);
    const handles = Float64Array.from({ length: live }, (_, i) => mapPage(domain, i));
    let at = 0;
    return () => {
      for (let i = 0; i < OPERATIONS; i++) {
        at = random ? ((Math.imul(at, 1103515245) + 12345) >>> 0) % live : (at + 1) % live;
        domain.unmapRange(handles[at], 4096);
        handles[at] = mapPage(domain, at);
      }
      if (domain.unmapMismatches > 0 || handles[at] < 4096) throw new Error('a page was not mapped');
      return handles[at];
    };
  };
}

function coldReads(): Kernel {
  const next = Int32Array.from(
    { length: CHASE_WORDS },
    (_, i) => (Math.imul(i, 1103515245) + 12345) & (CHASE_WORDS - 1),
  );
  let at = 0;
  return () => {
    for (let i = 0; i < OPERATIONS; i++) at = next[at];
    return at;
  };
}

export default benchmarks([
  {
    name: 'map + unmap, lazy',
    operations: OPERATIONS,
    tested: mapAndUnmap(true),
    limitName: 'L_pair',
    limit: () => pairKernel(OPERATIONS),
    atMost: 18,
    goal: 2,
  },
  {
    name: 'map + unmap, strict',
    operations: OPERATIONS,
    tested: mapAndUnmap(false),
    limitName: 'the same, lazy',
    limit: mapAndUnmap(true),
    atMost: 2,
    goal: 4,
  },
  {
    name: '1 M live, in order',
    operations: OPERATIONS,
    tested: replaceOne(1_000_000, false),
    limitName: '1 k live',
    limit: replaceOne(1_000, false),
    atMost: 1.5,
    goal: 19,
  },
  {
    name: '1 M live, random victim',
    operations: OPERATIONS,
    tested: replaceOne(1_000_000, true),
    limitName: 'cold dependent read',
    limit: coldReads,
    atMost: 3.2,
    goal: 19,
  },
]);
