import { PhysMemory, type RegisterBacking } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { IotlbGather } from '../../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagesExhaustedError } from '../../core/unit/table-pages-exhausted-error.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { put64, word64 } from '../../testing/words.ts';
import { AMD_PRESETS } from '../features.ts';
import { AmdUnit, type AmdUnitOptions } from '../hardware/amd-unit.ts';
import { AMD_BLOCKED } from '../hardware/translator.ts';
import { AmdIommu, type AmdIommuOptions } from './amd-iommu.ts';
import { AmdTimeoutError, AmdUnsupportedError } from './errors.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const SOURCE = 0x18;
const { capability } = AMD_PRESETS.full;
const NP_CACHE = 2 ** 26;

/** A machine with an enabled unit; commands that the driver submitted are kept. */
class Bench implements RegisterBacking {
  readonly memory = new PhysMemory();
  readonly pages = new TablePagePool();
  readonly unit: AmdUnit;
  readonly driver: AmdIommu;
  readonly log: string[] = [];
  readonly messages: [number, number][] = [];
  /** Both qwords of each command since the last look, in hex, waits aside. */
  commands: string[] = [];
  #tail = 0;

  constructor(driver: Partial<AmdIommuOptions> = {}, unit: Partial<AmdUnitOptions> = {}) {
    this.unit = new AmdUnit({
      memory: this.memory,
      ...AMD_PRESETS.full,
      capability: driver.capability ?? capability,
      interrupt: (address, data) => this.messages.push([address, data]),
      ...unit,
    });
    this.driver = new AmdIommu({
      registers: this,
      memory: this.memory,
      lastDeviceId: 0x3ff,
      capability,
      log: (line) => this.log.push(line),
      allocTablePage: () => this.pages.allocTablePage(),
      freeTablePage: (phys) => this.pages.freeTablePage(phys),
      ...driver,
    });
    this.driver.enable();
    this.commands = [];
  }

  /** The device table entry of a source. */
  entry(sourceId = SOURCE): bigint[] {
    const at = this.unit.readRegister(0) - (this.unit.readRegister(0) % 4096) + sourceId * 32;
    return [0, 8, 16, 24].map((offset) => word64(this.memory, at + offset));
  }

  unmap(domain: ReturnType<AmdIommu['createDomain']>, iova: number, length: number): void {
    const gather = new IotlbGather();
    domain.unmap(iova, length, gather);
    domain.iotlbSync(gather);
  }

  readRegister(offset: number): number {
    return this.unit.readRegister(offset);
  }

  writeRegister(offset: number, value: number): void {
    if (offset === 0x2008) this.#keep(value);
    this.unit.writeRegister(offset, value);
  }

  advance(nanos: number): void {
    this.unit.advance(nanos);
  }

  #keep(tail: number): void {
    const base = this.unit.readRegister(8) - (this.unit.readRegister(8) % 4096);
    if (tail === 0 && this.unit.readRegister(0x18) === 0) this.#tail = 0;
    for (; this.#tail !== tail; this.#tail = (this.#tail + 16) % 4096) {
      const words = [word64(this.memory, base + this.#tail), word64(this.memory, base + this.#tail + 8)];
      if (words[0] >> 60n !== 1n) this.commands.push(words.map((word) => word.toString(16)).join(' '));
    }
  }
}

describe('enabling (spec H33)', () => {
  it('programs tables and rings, turns everything on and drops what was cached', () => {
    const bench = new Bench();
    const { unit } = bench;
    expect(unit.readRegister(0x18)).toBe(0x11405);
    expect(unit.readRegister(0x2020)).toBe(0x18);
    expect(unit.readRegister(0) % 4096).toBe(7); // 8 pages: 1024 devices
    expect([unit.readRegister(0x0c) >>> 24, unit.readRegister(0x14) >>> 24]).toEqual([8, 8]);
  });

  it('blocks every device, and lets them pass again when it is turned off', () => {
    const { unit, driver } = new Bench();
    expect(unit.translate(SOURCE, 0x1234, 1)).toBeLessThan(0);
    driver.disable();
    expect(unit.translate(SOURCE, 0x1234, 1)).toBe(0x1234);
    driver.enable();
    expect(unit.translate(SOURCE, 0x1234, 1)).toBeLessThan(0);
  });

  it('without INVALIDATE_IOMMU_ALL invalidates each device and each domain', () => {
    const { unit, driver } = new Bench({ lastDeviceId: 0x7f }, { efr: AMD_PRESETS.full.efr & ~0x40n });
    const domain = driver.createDomain();
    driver.attachDevice(SOURCE, domain);
    domain.map(0x1000, 0x5000, 4096, RW);
    expect(unit.translate(SOURCE, 0x1234, 1)).toBe(0x5234);
  });

  it('gives up on a unit that does not start, or does not finish', () => {
    const dead = { readRegister: () => 0, writeRegister: () => {}, advance: () => {} };
    expect(() => new Bench({ registers: dead })).toThrow(AmdTimeoutError);
    const bench = new Bench();
    bench.unit.writeRegister(0x18, 0x405);
    expect(() => bench.driver.attachPassThrough(SOURCE)).toThrow('did not finish its command buffer: status 0x8');
  });

  it('needs a device table in a row', () => {
    const pool = new TablePagePool();
    const allocTablePage = () => {
      pool.allocTablePage();
      return pool.allocTablePage();
    };
    expect(() => new Bench({ allocTablePage })).toThrow(TablePagesExhaustedError);
    expect(() => new Bench({ allocTablePage: () => -1 })).toThrow(TablePagesExhaustedError);
  });
});

describe('device table entries (spec H34)', () => {
  it('host tables: V, TV, Mode, root, rights and domain', () => {
    const bench = new Bench();
    const domain = bench.driver.createDomain();
    bench.driver.attachDevice(SOURCE, domain, { ats: true });
    expect(bench.entry()).toEqual([0x6000000000000603n | BigInt(domain.root), 0x100000002n, 0n, 0n]);
    expect(bench.commands).toEqual(['2000000000000018 0']);
  });

  it('guest tables: GV, GIOV and a GCR3 table that leads to the domain’s', () => {
    const bench = new Bench();
    const domain = bench.driver.createDomain({ stage: 'guest', levels: 5 });
    bench.driver.attachDevice(SOURCE, domain);
    const [low, high, third] = bench.entry();
    expect(low & 0x60c0000000000e03n).toBe(0x60c0000000000003n);
    const gcr3 = ((low >> 58n) & 7n) * 0x1000n + ((high >> 16n) & 0xffffn) * 0x8000n + (high >> 43n) * 0x80000000n;
    expect(Number(gcr3)).toBe(domain.gcr3);
    expect(word64(bench.memory, domain.gcr3)).toBe(BigInt(domain.root) | 1n);
    expect(third).toBe(1n << 54n);
    expect(bench.entry(0x20)[0]).toBe(1n);
  });

  it('pass-through has all rights and no table; a detached device has V alone', () => {
    const bench = new Bench();
    bench.driver.attachPassThrough(SOURCE);
    expect(bench.entry()).toEqual([0x6000000000000003n, 1n, 0n, 0n]);
    bench.driver.detachDevice(SOURCE);
    expect(bench.entry()).toEqual([1n, 0n, 0n, 0n]);
  });

  it('a root that grows is in the entry of every device of the domain before the mapping is used', () => {
    const bench = new Bench();
    const domain = bench.driver.createDomain();
    for (const source of [SOURCE, 0x20]) bench.driver.attachDevice(source, domain);
    domain.map(0x1000, 0x5000, 4096, RW);
    expect(bench.unit.translate(SOURCE, 0x1000, 1)).toBe(0x5000);
    bench.commands = [];
    expect(domain.pageOperations.mapPage(2 ** 45 / 4096, 9, RW)).toBe(0);
    expect(bench.commands).toEqual(['2000000000000018 0', '2000000000000020 0', '3000000200000000 7ffffffffffff003']);
    for (const source of [SOURCE, 0x20]) {
      expect(bench.entry(source)[0]).toBe(0x6000000000000003n | (4n << 9n) | BigInt(domain.root));
      expect(bench.unit.translate(source, 2 ** 45, 1)).toBe(0x9000);
      expect(bench.unit.translate(source, 0x1000, 1)).toBe(0x5000);
    }
  });

  it('refuses what the unit has not', () => {
    const { driver } = new Bench({ capability: 0 }, { efr: 0x9c1n });
    expect(() => driver.createDomain({ stage: 'guest' })).toThrow(AmdUnsupportedError);
    expect(() => driver.createDomain({ levels: 7 })).toThrow('this AMD-Vi unit has no host tables of 7 levels');
    const domain = driver.createDomain();
    expect(() => driver.attachDevice(SOURCE, domain, { ats: true })).toThrow('device TLBs (ATS)');
    expect(() => driver.attachDevice(0x400, domain)).toThrow('device table entry for id 1024');
  });
});

describe('invalidations (spec H7, H41, I163, I192)', () => {
  it.each<[string, number, number, string]>([
    ['one page', 0x5000, 0x1000, '3000000200000000 5000'],
    ['an aligned block of two', 0x4000, 0x2000, '3000000200000000 4001'],
    ['three pages: the block of four that covers them', 0x5000, 0x3000, '3000000200000000 5001'],
    ['a range across a large boundary', 0xfffff000, 0x2000, '3000000200000000 fffff001'],
  ])('%s', (_, iova, length, command) => {
    const bench = new Bench();
    const domain = bench.driver.createDomain({ superpages: false });
    bench.driver.attachDevice(SOURCE, domain);
    domain.map(iova, 0x40000000, length, RW);
    bench.commands = [];
    bench.unmap(domain, iova, length);
    expect(bench.commands).toEqual([command]);
  });

  it('a block of more than 2^32 bytes has ones in the high half too', () => {
    const bench = new Bench();
    const domain = bench.driver.createDomain();
    bench.driver.attachDevice(SOURCE, domain);
    domain.map(2 ** 36, 2 ** 36, 2 ** 35, RW);
    bench.commands = [];
    bench.unmap(domain, 2 ** 36, 2 ** 35);
    expect(bench.commands).toEqual(['3000000200000000 13fffff001']);
  });

  it('a table that goes takes the directories along', () => {
    const bench = new Bench();
    const domain = bench.driver.createDomain({ superpages: false });
    bench.driver.attachDevice(SOURCE, domain);
    domain.map(0, 0x40000000, 2 ** 21, RW);
    bench.commands = [];
    bench.unmap(domain, 0, 2 ** 21);
    expect(bench.commands).toEqual(['3000000200000000 ff003']);
  });

  it('with NpCache ranges are split into aligned pieces, and mapping invalidates too', () => {
    const bench = new Bench({ capability: capability + NP_CACHE });
    const domain = bench.driver.createDomain({ superpages: false });
    bench.driver.attachDevice(SOURCE, domain);
    expect(domain.syncsMaps).toBe(true);
    domain.map(0x5000, 0x40000000, 0x3000, RW);
    bench.commands = [];
    domain.iotlbSyncMap(0x5000, 0x3000);
    const pieces = ['3000000200000000 5000', '3000000200000000 6001'];
    expect(bench.commands).toEqual(pieces);
    bench.commands = [];
    bench.unmap(domain, 0x5000, 0x3000);
    expect(bench.commands).toEqual(pieces);
  });

  it('with NpCache an unmap that does not touch what was gathered is preceded by a sync', () => {
    const bench = new Bench({ capability: capability + NP_CACHE });
    const domain = bench.driver.createDomain();
    bench.driver.attachDevice(SOURCE, domain);
    for (const page of [1, 2, 8]) domain.map(page * 4096, 0x40000000, 4096, RW);
    bench.commands = [];
    const gather = new IotlbGather();
    for (const page of [1, 2, 8]) domain.unmap(page * 4096, 4096, gather);
    expect(bench.commands).toEqual(['3000000200000000 1000', '3000000200000000 2000']);
    domain.iotlbSync(gather);
    expect(bench.commands.slice(2)).toEqual(['3000000200000000 8000']);
  });

  it('an ATS device is asked after the unit, in the same batch; a guest domain names PASID 0', () => {
    const bench = new Bench();
    const host = bench.driver.createDomain();
    bench.driver.attachDevice(SOURCE, host, { ats: true });
    const guest = bench.driver.createDomain({ stage: 'guest' });
    bench.driver.attachDevice(0x20, guest, { ats: true });
    for (const domain of [host, guest]) {
      domain.map(0x4000, 0x40000000, 0x2000, RW);
      bench.commands = [];
      bench.unmap(domain, 0x4000, 0x2000);
      const [id, flags, device] = domain === host ? [2, '1', '18'] : [3, '5', '20'];
      expect(bench.commands).toEqual([
        `3000000${id}00000000 400${flags}`,
        `400000${device}200000${device} 400${flags}`,
      ]);
    }
    bench.commands = [];
    bench.driver.detachDevice(SOURCE);
    expect(bench.commands.at(-1)).toBe('4000001820000018 7ffffffffffff001');
  });

  it('a batch longer than the ring is worked off in parts', () => {
    const bench = new Bench({ capability: capability + NP_CACHE });
    const domain = bench.driver.createDomain();
    for (let source = 0; source < 300; source++) bench.driver.attachDevice(source, domain, { ats: true });
    domain.map(0x1000, 0x5000, 4096, RW);
    bench.commands = [];
    bench.unmap(domain, 0x1000, 4096);
    domain.flushIotlbAll();
    expect(bench.commands).toHaveLength(602);
  });
});

it('H10 an interrupt message is never translated, even where its table is cached and maps it', () => {
  const { unit, driver } = new Bench();
  const domain = driver.createDomain();
  driver.attachDevice(SOURCE, domain);
  for (const iova of [0xfee00000, 0xfef00000]) domain.map(iova, iova + 0x40000000, 4096, RW);
  expect(unit.translate(SOURCE, 0xfef00010, 1)).toBe(0x13ef00010);
  expect(unit.translate(SOURCE, 0xfee00010, 1)).toBe(0xfee00010);
  expect(unit.translate(SOURCE, 0xfee00010, 0)).toBe(AMD_BLOCKED);
});

describe('events (spec I176, I177)', () => {
  it('a page fault of a device that the kernel knows is printed with its name', () => {
    const bench = new Bench({ deviceName: (sourceId) => (sourceId === SOURCE ? 'nvme 0000:00:03.0' : null) });
    const domain = bench.driver.createDomain();
    for (const source of [SOURCE, 0x20]) bench.driver.attachDevice(source, domain);
    bench.unit.translate(SOURCE, 0xfffe0000, 1);
    bench.unit.translate(0x20, 0xfffe0000, 0);
    const faults = bench.driver.handleFaultEvent(0);
    expect(faults.map(({ code, sourceId, isRead }) => [code, sourceId, isRead])).toEqual([
      [2, SOURCE, false],
      [2, 0x20, true],
    ]);
    expect(bench.log).toEqual([
      'nvme 0000:00:03.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0002 address=0xfffe0000 flags=0x0020]',
      'AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:00:04.0 domain=0x0002 address=0xfffe0000 flags=0x0000]',
    ]);
  });

  it('page faults are limited by device: ten in five seconds', () => {
    const bench = new Bench();
    const domain = bench.driver.createDomain();
    for (const source of [SOURCE, 0x20]) bench.driver.attachDevice(source, domain);
    for (let i = 0; i < 15; i++) bench.unit.translate(SOURCE, 0x1000, 1);
    bench.unit.translate(0x20, 0x1000, 1);
    expect(bench.driver.handleFaultEvent(0)).toHaveLength(16);
    expect(bench.log).toHaveLength(11);
  });

  it('an illegal entry is printed with the control register and the entry', () => {
    const bench = new Bench();
    const at = (bench.unit.readRegister(0) & ~0xfff) + SOURCE * 32;
    put64(bench.memory, at, 0x7n);
    bench.unit.translate(SOURCE, 0x1000, 0);
    bench.driver.handleFaultEvent(0);
    expect(bench.log).toEqual([
      'pci 0000:00:00.2: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:00:03.0 pasid=0x00000 address=0x1000 flags=0x0080]',
      'AMD-Vi: Control Reg : 0x11405',
      'AMD-Vi: DTE[0]: 0000000000000007',
      'AMD-Vi: DTE[1]: 0000000000000000',
      'AMD-Vi: DTE[2]: 0000000000000000',
      'AMD-Vi: DTE[3]: 0000000000000000',
    ]);
  });

  it.each<[number, string]>([
    [3, 'DEV_TAB_HARDWARE_ERROR device=0000:00:03.0 pasid=0x00005 address=0x1234 flags=0x0020'],
    [4, 'PAGE_TAB_HARDWARE_ERROR device=0000:00:03.0 pasid=0x0005 address=0x1234 flags=0x0020'],
    [5, 'ILLEGAL_COMMAND_ERROR address=0x1234'],
    [6, 'COMMAND_HARDWARE_ERROR address=0x1234 flags=0x0020'],
    [7, 'IOTLB_INV_TIMEOUT device=0000:00:03.0 address=0x1234'],
    [8, 'INVALID_DEVICE_REQUEST device=0000:00:03.0 pasid=0x00005 address=0x1234 flags=0x0020'],
  ])('event %i is printed for the unit', (code, text) => {
    const bench = new Bench({ iommuName: 'pci 0000:40:00.2' });
    const ring = bench.unit.readRegister(0x10);
    put64(bench.memory, ring, (BigInt(code) << 60n) | 0x0020000500000018n);
    put64(bench.memory, ring + 8, 0x1234n);
    bench.unit.writeRegister(0x2018, 0x10);
    bench.driver.handleFaultEvent(0);
    expect(bench.log).toEqual([`pci 0000:40:00.2: AMD-Vi: Event logged [${text}]`]);
  });

  it('a fault message is programmed where the unit has registers for it', () => {
    const bench = new Bench({ faultMessage: { address: 0xfee00000, data: 0x31 } });
    const domain = bench.driver.createDomain();
    bench.driver.attachDevice(SOURCE, domain);
    bench.unit.translate(SOURCE, 0x1000, 1);
    expect(bench.messages).toEqual([[0xfee00000, 0x31]]);
    bench.driver.handleFaultEvent(0);
    expect(bench.unit.readRegister(0x2020)).toBe(0x18);
  });
});
