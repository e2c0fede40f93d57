import { PhysMemory } from '@dmalab/phys-memory';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { TablePagePool } from '../testing/table-page-pool.ts';
import { VTD_PRESETS } from '../vtd/capabilities.ts';
import { IntelIommu } from '../vtd/driver/intel-iommu.ts';
import { VtdUnit } from '../vtd/hardware/vtd-unit.ts';
import { DmaDomain } from './dma-domain.ts';
import type { IommuDevice } from './iommu-device.ts';
import { NO_TRACE } from './iommu-trace.ts';
import { KernelContext } from './kernel-context.ts';
import { IOMMU_READ, IOMMU_WRITE } from './paging-domain.ts';

const PAGE = 4096;
const MASK = 2 ** 64;
const RW = IOMMU_READ | IOMMU_WRITE;

interface Machine {
  readonly domain: DmaDomain;
  readonly device: IommuDevice;
  readonly kernel: KernelContext;
  readonly unit: VtdUnit;
}

function machine(lazy: boolean, capabilities: { cap: bigint; ecap: bigint } = VTD_PRESETS.qemuLegacy): Machine {
  const memory = new PhysMemory();
  const pages = new TablePagePool(0x1000000, 256);
  const unit = new VtdUnit({ memory, ...capabilities });
  const iommu = new IntelIommu({
    registers: unit,
    memory,
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
  });
  iommu.enable();
  const paging = iommu.createDomain();
  iommu.attachDevice(0x18, paging);
  const kernel = new KernelContext({ possibleCpus: 2 });
  const device = { name: '0000:00:03.0', busDmaLimit: 0, pci32bitWorkaround: true, minAlignMask: 0xfff };
  return { domain: new DmaDomain(kernel, paging, { lazy }), device, kernel, unit };
}

/** Maps and unmaps pages as the DMA API does: by the lane, and the long way where the lane says so. */
class LaneUser {
  readonly machine: Machine;
  readonly #usesLane: boolean;

  constructor(machine: Machine, usesLane: boolean) {
    this.machine = machine;
    this.#usesLane = usesLane;
  }

  map(physPfn: number): number {
    const { domain, device } = this.machine;
    const lane = this.#usesLane ? domain.pageLane(device, MASK, NO_TRACE) : null;
    const pfn = lane === null ? 0 : lane.mapPage(physPfn, RW);
    return pfn !== 0 ? pfn * PAGE : domain.mapRange(device, physPfn * PAGE, PAGE, RW, MASK);
  }

  unmap(handle: number): void {
    const { domain, device } = this.machine;
    const lane = this.#usesLane ? domain.pageLane(device, MASK, NO_TRACE) : null;
    const physPfn = lane === null ? -1 : lane.unmapPage(handle / PAGE);
    if (physPfn < 1) domain.unmapRange(handle, PAGE);
  }
}

/** Positive: map that page. Else: unmap one of the live mappings, on the other CPU when it is odd. */
const steps = fc.array(fc.integer({ min: -40, max: 2 ** 20 }), { minLength: 1, maxLength: 300 });

describe('a lane for single pages', () => {
  test.prop([fc.boolean(), steps], { numRuns: 20 })(
    'hands out the addresses of the long way, and leaves allocator, queue and tables as the long way does',
    (lazy, script) => {
      const [short, long] = [true, false].map((usesLane) => new LaneUser(machine(lazy), usesLane));
      const live: number[] = [];
      for (const step of script) {
        for (const { kernel } of [short.machine, long.machine]) kernel.cpu = step & 1;
        if (step > 0 || live.length === 0) {
          const physPfn = Math.abs(step) + 1;
          const handle = short.map(physPfn);
          expect(handle).toBe(long.map(physPfn));
          expect(short.machine.domain.iovaToPhys(handle)).toBe(physPfn * PAGE);
          live.push(handle);
        } else {
          const [handle] = live.splice(-step % live.length, 1);
          short.unmap(handle);
          long.unmap(handle);
          expect(short.machine.domain.iovaToPhys(handle)).toBe(0);
        }
      }
      expect(short.machine.domain.sameAllocator(long.machine.domain)).toBe(true);
      expect(short.machine.domain.unmapMismatches).toBe(0);
    },
  );

  it('I163 invalidates in a strict domain before the number is reusable', () => {
    const { domain, device, unit } = machine(false);
    const handle = domain.mapRange(device, 0x5000, PAGE, RW, MASK);
    expect(unit.translate(0x18, handle, 0)).toBe(0x5000);
    expect(domain.pageLane(device, MASK, NO_TRACE)?.unmapPage(handle / PAGE)).toBe(5);
    expect(unit.translate(0x18, handle, 0)).toBeLessThan(0);
  });

  it('I38 leaves a page that the device must not take to the long way', () => {
    const { domain, device } = machine(false);
    domain.unmapRange(domain.mapRange(device, 0x5000, PAGE, RW, MASK), PAGE); // cached, just below 4 GiB
    expect(domain.pageLane(device, 2 ** 30 - 1, NO_TRACE)?.mapPage(5, RW)).toBe(0);
    expect(domain.pageLane(device, MASK, NO_TRACE)?.mapPage(5, RW)).toBe(2 ** 20 - 1);
  });

  it.each([
    ['the device needs more alignment than a page has', { minAlignMask: 0xffff }, NO_TRACE],
    ['somebody else traces the domain', {}, { ...NO_TRACE }],
  ])('is not there when %s', (_, change, trace) => {
    const { domain, device, kernel } = machine(false);
    const traced = new DmaDomain(kernel, domain.paging, { trace });
    expect(traced.pageLane({ ...device, ...change }, MASK, NO_TRACE)).toBeNull();
  });

  it('I167 maps nothing where absent entries may be cached, nor where nothing may be mapped', () => {
    const plain = machine(false);
    plain.domain.unmapRange(plain.domain.mapRange(plain.device, 0x5000, PAGE, RW, MASK), PAGE);
    expect(plain.domain.pageLane(plain.device, MASK, NO_TRACE)?.mapPage(5, 0)).toBe(0);
    expect(plain.domain.pageLane(plain.device, MASK, NO_TRACE)?.mapPage(2 ** 40, RW)).toBe(0);
    const { qemuLegacy } = VTD_PRESETS;
    const caching = machine(false, { ...qemuLegacy, cap: qemuLegacy.cap | 0x80n }); // CAP.CM
    caching.domain.unmapRange(caching.domain.mapRange(caching.device, 0x5000, PAGE, RW, MASK), PAGE);
    expect(caching.domain.pageLane(caching.device, MASK, NO_TRACE)?.mapPage(5, RW)).toBe(0);
  });

  it('T16 unmaps neither a hole nor physical page 0', () => {
    const { domain, device } = machine(false);
    const handle = domain.mapRange(device, 0, PAGE, RW, MASK);
    const lane = domain.pageLane(device, MASK, NO_TRACE);
    expect(lane?.unmapPage(handle / PAGE)).toBeLessThan(1);
    expect(lane?.unmapPage(handle / PAGE - 1)).toBeLessThan(1);
    expect(lane?.unmapPage(2 ** 33)).toBeLessThan(1);
  });
});
