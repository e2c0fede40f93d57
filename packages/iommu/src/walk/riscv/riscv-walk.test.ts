import { PhysMemory } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { RISCV_PRESETS } from '../../riscv/capabilities.ts';
import { RiscvIommu } from '../../riscv/driver/riscv-iommu.ts';
import { RiscvUnit } from '../../riscv/hardware/riscv-unit.ts';
import { RISCV_EXAMPLE_DEVICE as DEVICE, RiscvExample } from '../../testing/riscv-example.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { formatDevice } from '../device-address.ts';
import { listDevices } from '../list-devices.ts';
import { listMappings } from '../list-mappings.ts';
import type { DumpMemory } from '../table-dump.ts';
import { walkIova } from '../walk-iova.ts';
import { parseWalkUnit } from '../walk-kinds.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const hex = (value: bigint) => `0x${value.toString(16)}`;
const dumpOf = (memory: PhysMemory): DumpMemory => ({ has: () => true, read: (at, into) => memory.read(at, into) });

/** What this package's driver leaves in memory. */
function driven(capabilities: bigint) {
  const memory = new PhysMemory();
  const pages = new TablePagePool();
  const unit = new RiscvUnit({ memory, capabilities });
  const driver = new RiscvIommu({
    registers: unit,
    memory,
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
  });
  driver.enable();
  const domain = driver.createDomain();
  driver.attachDevice(DEVICE, domain);
  const walked = parseWalkUnit('riscv', {
    registers: { ddtp: unit.readRegister(0x10), capabilities: hex(capabilities) },
  });
  return { dump: dumpOf(memory), walked, domain, driver };
}

it('ids beyond 16 bits are written with their segment', () => {
  expect([0x10, 0x10010].map(formatDevice)).toEqual(['00:02.0', '0001:00:02.0']);
});

describe('tables that the driver wrote', () => {
  it.each([
    ['extended', RISCV_PRESETS.qemuPci],
    ['base', RISCV_PRESETS.qemuBase],
  ])('%s contexts: lists what was mapped, and walks to each page', (_, capabilities) => {
    const { dump, walked, domain } = driven(capabilities);
    domain.map(0xfff00000, 0x40000000, 0x14000, RW);
    domain.map(0xfff20000, 0x50001000, 0x1000, IOMMU_READ);
    domain.map(2 ** 40, 2 ** 32, 2 ** 30, RW);
    const { ranges } = listMappings(dump, walked, DEVICE);
    expect([...ranges]).toEqual([
      { iova: 0xfff00000, phys: 0x40000000, lengthBytes: 0x14000, rights: RW },
      { iova: 0xfff20000, phys: 0x50001000, lengthBytes: 0x1000, rights: IOMMU_READ },
      { iova: 2 ** 40, phys: 2 ** 32, lengthBytes: 2 ** 30, rights: RW },
    ]);
    const { page, domainId } = walkIova(dump, walked, DEVICE, 0xfff0a345);
    expect(page).toEqual({ phys: 0x4000a345, pageBytes: 0x10000, readable: true, writable: true });
    expect(domainId).toBe(domain.pscid);
    expect(walkIova(dump, walked, DEVICE, 0xfff14000).blocked).toBe('the level 1 entry is not present');
  });

  it('knows attached devices and no others, pass-through among them', () => {
    const { dump, walked, driver } = driven(RISCV_PRESETS.qemuPci);
    driver.attachPassThrough(0x300);
    expect(listDevices(dump, walked)).toEqual([DEVICE, 0x300]);
    expect(walkIova(dump, walked, 0x300, 0x1234).page?.phys).toBe(0x1234);
    expect(() => walkIova(dump, walked, 0x20, 0)).toThrow('device 00:04.0 has no valid device context');
    expect(() => walkIova(dump, walked, 0x8000, 0)).toThrow('device 80:00.0 has no valid device directory entry');
  });
});

describe('tables of the worked example (spec H107)', () => {
  const { memory } = new RiscvExample();
  const unit = parseWalkUnit('riscv', { ddtp: '0x20400002', caps: hex(RISCV_PRESETS.qemuPci) });
  const walk = (iova: number) => walkIova(dumpOf(memory), unit, DEVICE, iova);

  it('shows the entries on the way', () => {
    const { steps, page, translation } = walk(0x80604567);
    expect(translation).toBe('first-stage');
    expect(page).toEqual({ phys: 0x81400567, pageBytes: 4096, readable: true, writable: true });
    expect(steps.map(({ table, level, at }) => [table, level, at])).toEqual([
      ['device-context', 0, 0x81000600],
      ['first-stage', 3, 0x81100010],
      ['first-stage', 2, 0x81101018],
      ['first-stage', 1, 0x81102020],
    ]);
  });

  it.each([
    [0x80615678, { phys: 0x81415678, pageBytes: 65536, readable: true, writable: true }],
    [0x80801234, { phys: 0x81601234, pageBytes: 2 ** 21, readable: true, writable: true }],
    [0x80605123, { phys: 0x81401123, pageBytes: 4096, readable: true, writable: false }],
    [0x80606000, undefined],
  ])('walks %x', (iova, page) => expect(walk(iova).page).toEqual(page));

  it.each([
    [0x1n, 0x205000d7n, 'rw'],
    [0x1n, 0x20500057n, 'r-'],
    [0x1n, 0x20500017n, '--'],
    [0x101n, 0x20500017n, 'rw'],
    [0x1n, 0x205000c7n, '--'],
  ])('H97 with tc %x a leaf %x lets %s through', (tc, leaf, rights) => {
    const example = new RiscvExample();
    example.put(0x81000600, tc);
    example.put(0x81102020, leaf);
    const { page } = walkIova(dumpOf(example.memory), unit, DEVICE, 0x80604567);
    expect(`${page?.readable ? 'r' : '-'}${page?.writable ? 'w' : '-'}`).toBe(rights);
  });

  it.each([
    ['N in a 2 MiB entry', 0x80000000205800d7n, 'the level 2 entry claims a page of a size that the unit has not'],
    [
      'a misaligned 2 MiB entry',
      0x205810d7n,
      'the level 2 entry has address bits below its page size: they are reserved',
    ],
  ])('H96 %s blocks', (_, leaf, blocked) => {
    const example = new RiscvExample();
    example.put(0x81101020, leaf);
    expect(example.unit.translate(DEVICE, 0x80801234, 0)).toBe(-13);
    expect(walkIova(dumpOf(example.memory), unit, DEVICE, 0x80801234).blocked).toBe(blocked);
  });

  it('follows process 0 where the device says that it is the one to use', () => {
    const example = new RiscvExample();
    example.put(0x81000600, 0x221n, 0n, 0n, (1n << 60n) | 0x83000n);
    const walkIt = () => walkIova(dumpOf(example.memory), unit, DEVICE, 0x80604567);
    expect(walkIt).toThrow('device 00:03.0 has no valid context for process 0 (0x83000000)');
    example.put(0x83000000, 0x9001n, 0x8000000000081100n);
    expect(walkIt()).toMatchObject({ domainId: 9, page: { phys: 0x81400567 } });
    example.put(0x81000608, 0x8000000000082000n);
    expect(walkIt).toThrow('nested translation');
  });

  it('a second stage alone has 11 bits of index at its root', () => {
    const example = new RiscvExample();
    example.put(0x81000600, 1n, 0x8000700000082000n, 0n, 0n);
    example.put(0x82000000 + 8 * 2047, 0x200000dfn);
    const walked = walkIova(dumpOf(example.memory), unit, DEVICE, 2047 * 2 ** 30 + 5);
    expect(walked).toMatchObject({ translation: 'second-stage', domainId: 7, page: { phys: 0x80000005 } });
  });

  it('an address of the upper half has no place in the tables', () => {
    expect(walk(2 ** 38).blocked).toBe('address 0x4000000000 is past what 3 levels translate');
  });
});

it.each([
  [{ caps: '0x0' }, 'the register file lacks "ddtp": it needs ddtp (or 0x10) and capabilities (or caps, 0x0)'],
  [{ ddtp: '0x20400002' }, 'the register file lacks "capabilities"'],
])('%j is refused: %s', (file, message) => {
  expect(() => parseWalkUnit('riscv', file)).toThrow(message);
});

it.each([
  [0, 'ddtp is OFF: every request is blocked, whatever the tables hold'],
  [1, 'ddtp is BARE: devices reach memory untranslated, whatever the tables hold'],
])('ddtp %i has no tables', (ddtp, note) => {
  const unit = parseWalkUnit('riscv', { ddtp, capabilities: '0x0' });
  expect(unit.translationEnabled).toBe(false);
  expect(unit.disabledNote).toBe(note);
  expect(() => walkIova(dumpOf(new PhysMemory()), unit, DEVICE, 0)).toThrow(note);
});
