import { PhysMemory } from '@dmalab/phys-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { IotlbGather } from '../../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { VTD_PRESETS } from '../capabilities.ts';
import { VTD_BLOCKED } from '../hardware/translator.ts';
import { VtdUnit } from '../hardware/vtd-unit.ts';
import { VtdUnsupportedError } from './errors.ts';
import { IntelIommu } from './intel-iommu.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const SOURCE = 0x18;

let memory: PhysMemory;
let pages: TablePagePool;
let unit: VtdUnit;
let iommu: IntelIommu;

let log: string[];

function setUp(preset: { cap: bigint; ecap: bigint } = VTD_PRESETS.qemuLegacy): void {
  log = [];
  memory = new PhysMemory();
  pages = new TablePagePool();
  unit = new VtdUnit({ memory, ...preset });
  iommu = new IntelIommu({
    registers: unit,
    memory,
    log: (line) => log.push(line),
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
  });
}

beforeEach(() => setUp());

const modes = [
  ['legacy, second stage', VTD_PRESETS.qemuLegacy, -5],
  ['scalable, second stage', VTD_PRESETS.qemuScalable, -0x79],
  ['scalable, first stage', VTD_PRESETS.qemuFirstStage, -0x71],
  ['five levels', VTD_PRESETS.full, -0x71],
] as const;

describe('the driver against the unit model, through registers and memory', () => {
  it('H15 enables translation: without an entry a device is blocked', () => {
    expect(unit.translate(SOURCE, 0x1000, 0)).toBe(0x1000);
    iommu.enable();
    expect(unit.readRegister(0x1c)).toBe(0xc4000000);
    expect(unit.translate(SOURCE, 0x1000, 0)).toBe(-1);
  });

  it.each(modes)('%s: what is mapped translates, what is unmapped and synced faults', (_, preset, fault) => {
    setUp(preset);
    iommu.enable();
    const domain = iommu.createDomain();
    iommu.attachDevice(SOURCE, domain);
    expect(domain.map(0xfffff000, 0x2bb9000, 0x1000, RW)).toBe(0);
    expect(unit.translate(SOURCE, 0xfffff123, 1)).toBe(0x2bb9123);
    const gather = new IotlbGather();
    expect(domain.unmap(0xfffff000, 0x1000, gather)).toBe(0x1000);
    expect(unit.translate(SOURCE, 0xfffff123, 1)).toBe(0x2bb9123);
    domain.iotlbSync(gather);
    expect(unit.translate(SOURCE, 0xfffff123, 1)).toBe(fault);
  });

  it.each(modes)(
    '%s: H10 an interrupt message is never translated, though its table is cached and maps it',
    (_, preset) => {
      setUp(preset);
      iommu.enable();
      const domain = iommu.createDomain();
      iommu.attachDevice(SOURCE, domain);
      for (const iova of [0xfee00000, 0xfef00000]) domain.map(iova, iova + 0x40000000, 0x1000, RW);
      expect(unit.translate(SOURCE, 0xfef00010, 1)).toBe(0x13ef00010);
      expect(unit.translate(SOURCE, 0xfee00010, 1)).toBe(0xfee00010);
      expect(unit.translate(SOURCE, 0xfee00010, 0)).toBe(VTD_BLOCKED);
    },
  );

  it('H28 a detached device is blocked at once', () => {
    iommu.enable();
    const domain = iommu.createDomain();
    iommu.attachDevice(SOURCE, domain);
    domain.map(0x5000, 0x9000, 0x1000, RW);
    expect(unit.translate(SOURCE, 0x5000, 0)).toBe(0x9000);
    iommu.detachDevice(SOURCE);
    expect(unit.translate(SOURCE, 0x5000, 0)).toBe(-2);
  });

  it.each(modes)('%s: passes a pass-through device through, and takes all table pages back', (_, preset) => {
    setUp(preset);
    iommu.enable();
    iommu.attachPassThrough(SOURCE);
    expect(unit.translate(SOURCE, 0x123456789, 1)).toBe(0x123456789);
    const before = pages.inUse;
    const domain = iommu.createDomain();
    domain.map(0x200000, 0x400000, 0x201000, RW);
    iommu.attachDevice(SOURCE, domain);
    expect(unit.translate(SOURCE, 0x2fffff, 1)).toBe(0x4fffff);
    expect(unit.translate(SOURCE, 0x400fff, 0)).toBe(0x600fff);
    iommu.attachPassThrough(SOURCE);
    domain.destroy();
    expect(pages.inUse).toBe(before);
  });

  it('I169 hands out domain ids from 2 on, lowest free first', () => {
    iommu.enable();
    const [a, b, c] = [iommu.createDomain(), iommu.createDomain(), iommu.createDomain()];
    const domainIdOf = (source: number) => (memory.load32(contextOf(source) + 8) >>> 8) & 0xffff;
    iommu.attachDevice(1, a);
    iommu.attachDevice(2, b);
    expect([domainIdOf(1), domainIdOf(2)]).toEqual([2, 3]);
    iommu.detachDevice(1);
    iommu.attachDevice(3, c);
    expect(domainIdOf(3)).toBe(2);
  });

  it('I172 a fault event: every record is taken, cleared and logged', () => {
    setUp(VTD_PRESETS.full);
    iommu.enable();
    unit.translate(0x18, 0xfffe0123, 1);
    unit.translate(0x20, 0x5000, 0);
    const faults = iommu.handleFaultEvent(0);
    expect(faults.map(({ sourceId, reason, address, isRead }) => [sourceId, reason, address, isRead])).toEqual([
      [0x18, 0x39, 0xfffe0000n, false],
      [0x20, 0x39, 0x5000n, true],
    ]);
    expect(log).toEqual([
      'DMAR: DRHD: handling fault status reg 2',
      'DMAR: [DMA Write NO_PASID] Request device [0000:00:03.0] fault addr 0xfffe0000 [fault reason 0x39] Unknown',
      'DMAR: [DMA Read NO_PASID] Request device [0000:00:04.0] fault addr 0x5000 [fault reason 0x39] Unknown',
    ]);
    expect(unit.readRegister(0x34)).toBe(0);
    expect(iommu.handleFaultEvent(0)).toEqual([]);
  });

  it('I172 past ten lines in five seconds, records are taken in silence', () => {
    iommu.enable();
    for (let i = 0; i < 20; i++) {
      unit.translate(0x18, 0x5000, 1);
      expect(iommu.handleFaultEvent(i * 1e6)).toHaveLength(1);
    }
    expect(log).toHaveLength(10);
    unit.translate(0x18, 0x5000, 1);
    iommu.handleFaultEvent(6e9);
    expect(log).toHaveLength(12);
  });

  it('I194, I192 a device TLB is visited after the IOTLB; one that does not answer at first is asked again', () => {
    setUp(VTD_PRESETS.full);
    iommu.enable();
    const domain = iommu.createDomain();
    iommu.attachDevice(SOURCE, domain, { ats: true });
    domain.map(0x5000, 0x9000, 0x3000, RW);
    let answers = false;
    const asked: [number, number][] = [];
    unit.attachDeviceTlb(SOURCE, {
      invalidate: (_, address, length) => {
        asked.push([address, length]);
        const now = answers;
        answers = true;
        return now;
      },
    });
    const gather = new IotlbGather();
    domain.unmap(0x5000, 0x3000, gather);
    domain.iotlbSync(gather);
    expect(asked).toEqual([
      [0x4000, 0x4000],
      [0x4000, 0x4000],
    ]);
    expect(unit.readRegister(0x34)).toBe(0);
  });

  it.each([
    ['caching mode', 0x80n, -1],
    ['none', 0n, 0],
  ])('I167, H28 with %s, mapping and attaching invalidate or not', (_, bit, queued) => {
    const { cap, ecap } = VTD_PRESETS.qemuLegacy;
    setUp({ cap: cap | bit, ecap });
    iommu.enable();
    const domain = iommu.createDomain();
    const before = unit.readRegister(0x80);
    iommu.attachDevice(SOURCE, domain);
    domain.map(0x5000, 0x9000, 0x1000, RW);
    domain.iotlbSyncMap(0x5000, 0x1000);
    expect(unit.readRegister(0x80) - before === 0).toBe(queued === 0);
    expect(unit.translate(SOURCE, 0x5000, 1)).toBe(0x9000);
  });

  it('refuses what the unit has not, by name', () => {
    expect(() => iommu.createDomain({ levels: 5 })).toThrow('this unit has no second stage of 5 levels');
    expect(() => iommu.createDomain({ stage: 'first' })).toThrow(VtdUnsupportedError);
    expect(() => iommu.attachDevice(1, iommu.createDomain(), { ats: true })).toThrow('no device TLBs');
  });
});

/** Address of a legacy context entry, from the registers. */
function contextOf(source: number): number {
  const table = memory.load32(unit.readRegister(0x20) + (source >> 8) * 16) & ~0xfff;
  return table + (source & 0xff) * 16;
}
