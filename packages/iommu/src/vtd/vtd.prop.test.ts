import { PhysMemory } from '@dmalab/phys-memory';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { IotlbGather } from '../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { FewPages } from '../testing/few-pages.ts';
import { TablePagePool } from '../testing/table-page-pool.ts';
import { listMappings } from '../walk/list-mappings.ts';
import { WalkError } from '../walk/walk-error.ts';
import { walkIova } from '../walk/walk-iova.ts';
import { parseWalkUnit } from '../walk/walk-kinds.ts';
import type { WalkUnit } from '../walk/walk-unit.ts';
import { VTD_PRESETS } from './capabilities.ts';
import { IntelIommu } from './driver/intel-iommu.ts';
import type { VtdDomain } from './driver/vtd-domain.ts';
import { VtdUnit } from './hardware/vtd-unit.ts';

const SOURCE = 0x18;
const PAGE = 4096;
const RW = IOMMU_READ | IOMMU_WRITE;
/** Pages that the properties play on: three spans of 2 MiB, so that large pages come and go. */
const PAGES = 3 * 512;
/** The first pages of each span one by one, then some: runs begin and end among the first. */
const samples = Array.from({ length: PAGES }, (_, page) => page).filter((page) => page % 512 < 48 || page % 31 === 0);

type Preset = keyof typeof VTD_PRESETS;
const presets: Preset[] = ['qemuLegacy', 'qemuScalable', 'qemuFirstStage', 'full'];

function setUp(preset: Preset): { unit: VtdUnit; domain: VtdDomain; pages: TablePagePool } {
  const memory = new PhysMemory();
  const pages = new TablePagePool();
  const unit = new VtdUnit({ memory, ...VTD_PRESETS[preset] });
  const iommu = new IntelIommu({
    registers: unit,
    memory,
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
  });
  iommu.enable();
  const domain = iommu.createDomain();
  iommu.attachDevice(SOURCE, domain);
  return { unit, domain, pages };
}

/** A mapping or unmapping of a run of pages; most runs start where a large page may. */
const step = fc.record({
  maps: fc.boolean(),
  first: fc.oneof(fc.nat({ max: PAGES - 1 }), fc.constantFrom(0, 512, 1024)),
  count: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(512, 513, 1024)),
  phys: fc.constantFrom(0x40000, 0x80200, 0x80201, 0x123457),
  writes: fc.boolean(),
});

describe('driver and unit agree', () => {
  test.prop([fc.constantFrom(...presets), fc.array(step, { minLength: 1, maxLength: 12 })], { numRuns: 40 })(
    'what is mapped translates to the byte, what is not mapped faults, at every mix of page sizes',
    (preset, steps) => {
      const { unit, domain } = setUp(preset);
      const model = new Map<number, { phys: number; writes: boolean }>();
      for (const { maps, first, count, phys, writes } of steps) {
        if (maps) mapBoth(domain, model, first, Math.min(count, PAGES - first), phys, writes);
        else unmapBoth(domain, model, first, Math.min(count, PAGES - first));
        const disagreements = samples.map((page) => disagreement(unit, domain, model, page));
        expect(disagreements.filter((text) => text !== '')).toEqual([]);
      }
    },
  );

  function mapBoth(
    domain: VtdDomain,
    model: Map<number, { phys: number; writes: boolean }>,
    first: number,
    count: number,
    phys: number,
    writes: boolean,
  ): void {
    const prot = writes ? RW : IOMMU_READ;
    const result = domain.map(first * PAGE, phys * PAGE, count * PAGE, prot);
    const free = Array.from({ length: count }, (_, i) => first + i).findIndex((page) => model.has(page));
    expect(result === 0).toBe(free === -1);
    for (let i = 0; i < domain.mappedBytes / PAGE; i++) model.set(first + i, { phys: phys + i, writes });
  }

  /** The unit's answer counts: a large page goes whole, and a hole ends it (spec I156). */
  function unmapBoth(domain: VtdDomain, model: Map<number, unknown>, first: number, count: number): void {
    const gather = new IotlbGather();
    const cleared = domain.unmap(first * PAGE, count * PAGE, gather) / PAGE;
    const gone = Array.from({ length: cleared }, (_, i) => model.delete(first + i));
    expect(gone).not.toContain(false);
    domain.iotlbSync(gather);
  }

  /** What driver and unit say of a page, beside what they should say; empty when they agree. */
  function disagreement(
    unit: VtdUnit,
    domain: VtdDomain,
    model: Map<number, { phys: number; writes: boolean }>,
    page: number,
  ): string {
    const expected = model.get(page);
    const iova = page * PAGE + 0x123;
    const phys = expected === undefined ? 0 : expected.phys * PAGE + 0x123;
    const wanted = [phys, phys, expected?.writes === true ? phys : 0];
    const [read, write] = [unit.translate(SOURCE, iova, 0), unit.translate(SOURCE, iova, 1)];
    const found = [domain.iovaToPhys(iova), Math.max(read, 0), Math.max(write, 0)];
    return wanted.every((value, i) => value === found[i]) ? '' : `page ${page}: ${found}, not ${wanted}`;
  }

  test.prop([fc.constantFrom(...presets), fc.uniqueArray(fc.nat({ max: 400 }), { minLength: 1, maxLength: 20 })], {
    numRuns: 25,
  })('H4 lazily unmapped pages stay reachable exactly until the flush', (preset, touched) => {
    const { unit, domain } = setUp(preset);
    const gather = new IotlbGather();
    gather.reset(true);
    for (const page of touched) {
      domain.map(page * PAGE, page * PAGE + 0x40000000, PAGE, RW);
      unit.translate(SOURCE, page * PAGE, 1);
    }
    for (const page of touched) expect(domain.unmap(page * PAGE, PAGE, gather)).toBe(PAGE);
    for (const page of touched) expect(unit.translate(SOURCE, page * PAGE, 1)).toBe(page * PAGE + 0x40000000);
    domain.flushIotlbAll();
    for (const page of touched) expect(unit.translate(SOURCE, page * PAGE, 1)).toBeLessThan(0);
  });

  it.each(presets)('%s: a table page comes back only after its range was invalidated (spec I108)', (preset) => {
    const { unit, domain, pages } = setUp(preset);
    domain.map(0, 0x40001000, 512 * PAGE, RW);
    expect(unit.translate(SOURCE, 0x5000, 1)).toBe(0x40006000);
    const before = pages.inUse;
    const gather = new IotlbGather();
    domain.unmap(0, 512 * PAGE, gather);
    expect(pages.inUse).toBe(before);
    expect(unit.translate(SOURCE, 0x5000, 1)).toBe(0x40006000);
    domain.iotlbSync(gather);
    expect(pages.inUse).toBe(before - 1);
    expect(unit.translate(SOURCE, 0x5000, 1)).toBeLessThan(0);
  });
});

describe('tables of random bytes', () => {
  const TABLES = 8;
  /** Memory of eight pages, whose entries point at each other often enough to lead somewhere. */
  const bytes = fc.array(
    fc.tuple(fc.nat({ max: TABLES * 512 - 1 }), fc.nat({ max: 15 }), fc.bigInt(0n, 2n ** 64n - 1n), fc.boolean()),
    { minLength: 10, maxLength: 400 },
  );
  const request = fc.record({
    sourceId: fc.constantFrom(0, 1, 0x18, 0xffff),
    address: fc.oneof(
      fc.nat({ max: 2 ** 31 - 1 }),
      fc.maxSafeNat().map((value) => value % 2 ** 52),
    ),
    isWrite: fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>,
  });

  function fill(memory: FewPages, entries: [number, number, bigint, boolean][]): void {
    for (const [index, target, random, points] of entries) {
      const value = points ? BigInt(target * PAGE) | (random & 0xfffn) : random;
      memory.store32(index * 8, Number(value & 0xffffffffn));
      memory.store32(index * 8 + 4, Number(value >> 32n));
    }
  }

  function walkUnitOf(preset: Preset, mode: number): WalkUnit {
    const hex = (value: number | bigint) => `0x${value.toString(16)}`;
    const { cap, ecap } = VTD_PRESETS[preset];
    return parseWalkUnit('vtd', { rtaddr: mode << 10, cap: hex(cap), ecap: hex(ecap), gsts: '0xc0000000' });
  }

  test.prop([fc.constantFrom(...presets), fc.nat({ max: 3 }), bytes, fc.array(request, { maxLength: 20 })], {
    numRuns: 150,
  })(
    'never hang the unit, never lead it outside memory, and end in a translation or a fault',
    (preset, mode, entries, requests) => {
      const memory = new FewPages(TABLES);
      fill(memory, entries);
      const unit = new VtdUnit({ memory, ...VTD_PRESETS[preset], answers: (phys) => memory.has(phys, 8) });
      unit.writeRegister(0x20, mode << 10);
      unit.writeRegister(0x18, 0xc0000000);
      for (const { sourceId, address, isWrite } of requests) {
        const before = memory.loads;
        const result = unit.translate(sourceId, address, isWrite);
        expect(Number.isSafeInteger(result)).toBe(true);
        expect(result < 2 ** 52 && result >= -0x1000).toBe(true);
        expect(memory.loads - before).toBeLessThan(2000);
      }
    },
  );

  test.prop([fc.constantFrom(...presets), fc.nat({ max: 3 }), bytes, request], { numRuns: 150 })(
    'never lead a walk of a dump outside it: a page, a reason, or an error that names what is missing',
    (preset, mode, entries, { sourceId, address }) => {
      const memory = new FewPages(TABLES);
      fill(memory, entries);
      const unit = walkUnitOf(preset, mode);
      const named = <T>(act: () => T): T | undefined => {
        try {
          return act();
        } catch (error) {
          expect(error).toBeInstanceOf(WalkError);
          return undefined;
        }
      };
      const walk = named(() => walkIova(memory, unit, sourceId, address));
      if (walk !== undefined) expect(walk.page === undefined).toBe(walk.blocked !== undefined);
    },
  );

  test.prop([fc.constantFrom(...presets), fc.nat({ max: 1 }), bytes], { numRuns: 15 })(
    'end a listing too',
    (preset, mode, entries) => {
      const memory = new FewPages(TABLES);
      fill(memory, entries);
      const unit = walkUnitOf(preset, mode);
      try {
        const { ranges } = listMappings(memory, unit, 0);
        expect(ranges.leaves).toBeGreaterThanOrEqual(ranges.count);
      } catch (error) {
        expect(error).toBeInstanceOf(WalkError);
      }
    },
  );
});
