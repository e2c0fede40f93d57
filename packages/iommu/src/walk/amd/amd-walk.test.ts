import { PhysMemory } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { AmdIommu } from '../../amd/driver/amd-iommu.ts';
import { AMD_PRESETS } from '../../amd/features.ts';
import { AmdUnit } from '../../amd/hardware/amd-unit.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { AMD_EXAMPLE_SOURCE, AmdExample } from '../../testing/amd-example.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { put64 } from '../../testing/words.ts';
import { listDevices } from '../list-devices.ts';
import { listMappings } from '../list-mappings.ts';
import type { DumpMemory } from '../table-dump.ts';
import { walkIova } from '../walk-iova.ts';
import { parseWalkUnit } from '../walk-kinds.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const SOURCE = 0x20;

const dumpOf = (memory: PhysMemory): DumpMemory => ({
  has: () => true,
  read: (at, into) => memory.read(at, into),
});

/** What this package's driver leaves in memory. */
function driven(stage: 'host' | 'guest') {
  const memory = new PhysMemory();
  const pages = new TablePagePool();
  const unit = new AmdUnit({ memory, ...AMD_PRESETS.full });
  const driver = new AmdIommu({
    registers: unit,
    memory,
    lastDeviceId: 0xff,
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
  });
  driver.enable();
  const domain = driver.createDomain({ stage });
  driver.attachDevice(SOURCE, domain);
  const register = (offset: number) => unit.readRegister(offset + 4) * 2 ** 32 + unit.readRegister(offset);
  const walked = parseWalkUnit('amd', { registers: { devtab: register(0), control: register(0x18) } });
  return { dump: dumpOf(memory), walked, domain, driver };
}

describe('tables that the driver wrote', () => {
  it.each(['host', 'guest'] as const)('%s: lists what was mapped, and walks to each page', (stage) => {
    const { dump, walked, domain } = driven(stage);
    domain.map(0xfff00000, 0x40000000, 0x4000, RW);
    domain.map(0xfff08000, 0x50001000, 0x1000, IOMMU_READ);
    domain.map(2 ** 40, 2 ** 32, 2 ** 30, RW);
    const { ranges } = listMappings(dump, walked, SOURCE);
    expect([...ranges]).toEqual([
      { iova: 0xfff00000, phys: 0x40000000, lengthBytes: 0x4000, rights: RW },
      { iova: 0xfff08000, phys: 0x50001000, lengthBytes: 0x1000, rights: IOMMU_READ },
      { iova: 2 ** 40, phys: 2 ** 32, lengthBytes: 2 ** 30, rights: RW },
    ]);
    const { page, domainId } = walkIova(dump, walked, SOURCE, 0xfff02345);
    expect(page).toEqual({
      phys: 0x40002345,
      pageBytes: stage === 'host' ? 0x4000 : 0x1000,
      readable: true,
      writable: true,
    });
    expect(domainId).toBe(domain.domainId);
    expect(walkIova(dump, walked, SOURCE, 0xfff04000).blocked).toBe('the level 1 entry is not present');
  });

  it('knows attached devices and no others, pass-through among them', () => {
    const { dump, walked, driver } = driven('host');
    driver.attachPassThrough(0x28);
    expect(listDevices(dump, walked)).toEqual([SOURCE, 0x28]);
    expect(walkIova(dump, walked, 0x28, 0x1234).page?.phys).toBe(0x1234);
    expect(() => walkIova(dump, walked, 0x30, 0)).toThrow('device 00:06.0 has an entry without TV');
    expect(() => walkIova(dump, walked, 0x100, 0)).toThrow('past the end of the device table of 2 pages');
  });
});

describe('tables of the worked example (spec H56)', () => {
  const example = new AmdExample();
  const dump = dumpOf(example.memory);
  const unit = parseWalkUnit('amd', { '0x0000': '0x010001ff' });
  const walk = (iova: number) => walkIova(dump, unit, AMD_EXAMPLE_SOURCE, iova);

  it('shows the entries on the way', () => {
    const { steps, page } = walk(0x808060a345);
    expect(page).toEqual({ phys: 0x0140a345, pageBytes: 0x4000, readable: true, writable: true });
    expect(steps.map(({ table, level, at }) => [table, level, at])).toEqual([
      ['device-table', 0, 0x01000300],
      ['second-stage', 4, 0x01303008],
      ['second-stage', 3, 0x01302010],
      ['second-stage', 2, 0x01301018],
      ['second-stage', 1, 0x01300050],
    ]);
    expect(steps[0].fields).toMatchObject({ V: 1, TV: 1, MODE: 4, ROOT: '0x1303000', IR: 1, IW: 1, DOMAIN_ID: 7 });
  });

  it('H34 TV = 0 blocks a device whatever its rights, V = 0 lets it pass', () => {
    put64(example.memory, 0x01000300, 0x6000000001303801n);
    expect(() => walk(0x8080604000)).toThrow('has an entry without TV');
    expect(listDevices(dump, unit)).toEqual([]);
    put64(example.memory, 0x01000300, 0n);
    expect(walk(0x8080604000).page?.phys).toBe(0x8080604000);
  });

  it.each<[string, bigint, bigint, string]>([
    ['Mode 7', 0x6000000001303e03n, 0n, 'asks for 7 levels: 1 to 6 exist'],
    ['guest paging mode 2', 0x60c0000000000003n, 2n << 54n, 'asks for 6 levels: 4 and 5 exist'],
    ['both kinds of table', 0x60c0000001303803n, 0n, 'has nested translation'],
  ])('refuses %s', (_, qw0, qw2, message) => {
    put64(example.memory, 0x01000300, qw0);
    put64(example.memory, 0x01000308, 7n | (0x1320000n << 1n));
    put64(example.memory, 0x01000310, qw2);
    put64(example.memory, 0x01320000, 0x01321001n);
    expect(() => walk(0x8080604000)).toThrow(message);
    put64(example.memory, 0x01000310, 0n);
  });

  it('H36 follows an entry that skips levels, where the skipped bits are zero', () => {
    put64(example.memory, 0x01000300, 0x2000000001310803n);
    expect(walk(0x8000a00777).page).toEqual({ phys: 0x01600777, pageBytes: 2 ** 21, readable: true, writable: false });
    expect(walk(0x8040a00777).blocked).toBe('the level 4 entry skips levels whose address bits are not zero');
    expect(walk(2 ** 48).blocked).toBe('address 0x1000000000000 is past what 4 levels translate');
  });
});

it.each([
  [
    { control: '0x1' },
    'the register file lacks "devtab": it needs devtab (or device_table, 0x0000), and takes control (or 0x0018)',
  ],
  [{ devtab: 'here' }, '"devtab" is "here": write 64 bits in hex'],
])('%j is refused: %s', (file, message) => {
  expect(() => parseWalkUnit('amd', file)).toThrow(message);
});

it.each([
  [{}, true],
  [{ control: '0x3f48e' }, false],
  [{ '0x0018': 0x3f48f }, true],
])('the control register in %j says whether translation is on: %s', (control, on) => {
  expect(parseWalkUnit('amd', { devtab: '0x11c8001', ...control }).translationEnabled).toBe(on);
});

it.each(['devtab', 'DEV_TAB_BASE', 'deviceTableBase', 'device-table', '0x0000'])('takes the register as %s', (name) => {
  expect(parseWalkUnit('amd', { registers: { [name]: '0x11c8001' } }).translationEnabled).toBe(true);
});
