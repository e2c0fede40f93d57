import { PhysMemory, type RegisterBacking } from '@dmalab/phys-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { IotlbGather } from '../../core/iotlb-gather.ts';
import { IOMMU_MMIO, IOMMU_NOEXEC, IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { word64 } from '../../testing/words.ts';
import { RISCV_PRESETS } from '../capabilities.ts';
import { RiscvUnit } from '../hardware/riscv-unit.ts';
import { RiscvCommandTimeoutError, RiscvUnsupportedError } from './errors.ts';
import { RiscvIommu, type RiscvIommuOptions } from './riscv-iommu.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const DEVICE = 0x18;

let memory: PhysMemory;
let unit: RiscvUnit;
let iommu: RiscvIommu;
let log: string[];
let messages: [number, number][];

/** @param around puts something between driver and unit */
function setUp(
  capabilities: bigint = RISCV_PRESETS.qemuPci,
  around: (unit: RegisterBacking) => RegisterBacking = (backing) => backing,
  options: Partial<RiscvIommuOptions> = {},
): void {
  const pages = new TablePagePool();
  memory = new PhysMemory();
  log = [];
  messages = [];
  unit = new RiscvUnit({ memory, capabilities, interrupt: (address, data) => messages.push([address, data]) });
  iommu = new RiscvIommu({
    registers: around(unit),
    memory,
    log: (line) => log.push(line),
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
    ...options,
  });
  iommu.enable();
}

beforeEach(() => setUp());

/** The low two qwords of every command from that head on, as the queue holds them. */
function commandsFrom(head: number): [bigint, bigint][] {
  const ring = unit.readRegister(0x18) * 4;
  const base = ring - (ring % 4096);
  const found: [bigint, bigint][] = [];
  for (let at = head; at !== unit.readRegister(0x24); at = (at + 1) % 256) {
    found.push([word64(memory, base + at * 16), word64(memory, base + at * 16 + 8)]);
  }
  return found;
}

/** What the driver queues while it does something, the fence at the end left out. */
function commandsOf(act: () => void): string[] {
  const head = unit.readRegister(0x20);
  act();
  const all = commandsFrom(head);
  expect(all.at(-1)).toEqual([0x3002n, 0n]);
  return all.slice(0, -1).map(([low, high]) => `${low.toString(16)} ${high.toString(16)}`);
}

describe('enabling (spec H91)', () => {
  it('turns queues and directory on, and invalidates everything', () => {
    expect(unit.readRegister(0x48)).toBe(0x10001);
    expect(unit.readRegister(0x4c)).toBe(0x10001);
    expect(unit.readRegister(0x10) & 15).toBe(4);
    expect(commandsFrom(0)).toEqual([
      [0x3n, 0n],
      [0x1n, 0n],
      [0x81n, 0n],
      [0x3002n, 0n],
    ]);
  });

  it.each([2, 1])('takes a directory of %i levels from a unit that has no more', (levels) => {
    setUp(RISCV_PRESETS.qemuPci, (backing) => refusingModesAbove(backing, levels + 1));
    expect(unit.readRegister(0x10) & 15).toBe(levels + 1);
    const domain = iommu.createDomain();
    iommu.attachDevice(DEVICE, domain);
    domain.map(0x5000, 0x9000, 0x1000, RW);
    expect(unit.translate(DEVICE, 0x5123, 1)).toBe(0x9123);
    const beyond = levels === 2 ? 0x8000 : 0x40;
    expect(() => iommu.attachDevice(beyond, domain)).toThrow(`this unit has no device id 0x${beyond.toString(16)}`);
  });

  it('gives up on a unit that takes no directory', () => {
    expect(() => setUp(RISCV_PRESETS.qemuPci, (backing) => refusingModesAbove(backing, 1))).toThrow(
      'this unit has no device directory',
    );
  });

  it('routes faults to a message where one is given', () => {
    setUp(RISCV_PRESETS.qemuPci, undefined, { faultMessage: { address: 0x28000000, data: 9 } });
    unit.translate(DEVICE, 0x5000, 1);
    expect(messages).toEqual([[0x28000000, 9]]);
    expect(iommu.handleFaultEvent(0)).toHaveLength(1);
    expect(unit.readRegister(0x54)).toBe(0);
  });

  it('disabled, everything passes', () => {
    iommu.disable();
    expect(unit.translate(DEVICE, 0x5000, 1)).toBe(0x5000);
  });
});

describe('tables and contexts, as Linux writes them', () => {
  it('H93, H97 a device context with PSCID and root, leaves with A and D preset', () => {
    const domain = iommu.createDomain({ levels: 3 });
    iommu.attachDevice(DEVICE, domain);
    domain.map(0x5000, 0x9000, 0x1000, RW | IOMMU_NOEXEC);
    domain.map(0x6000, 0xa000, 0x1000, IOMMU_READ);
    domain.map(0x20000, 0x40000, 0x10000, RW);
    const table = (at: number) => Number((word64(memory, at) >> 10n) & 0xfffffffffffn) * 4096;
    const directory = (unit.readRegister(0x10) - 4) * 4;
    const context = table(table(directory)) + DEVICE * 64;
    const words = [0, 8, 16, 24].map((at) => word64(memory, context + at));
    expect(words).toEqual([1n, 0n, 0x1000n, (8n << 60n) | BigInt(domain.root / 4096)]);
    const leaves = table(table(domain.root));
    expect(word64(memory, domain.root) & 0x3ffn).toBe(1n);
    expect(word64(memory, leaves + 5 * 8)).toBe(0x24d7n);
    expect(word64(memory, leaves + 6 * 8)).toBe(0x285bn);
    for (const index of [0x20, 0x2f]) expect(word64(memory, leaves + index * 8)).toBe(0x80000000000120dfn);
  });

  it('device memory is I/O where the unit has memory types', () => {
    setUp(RISCV_PRESETS.full);
    const domain = iommu.createDomain({ levels: 3 });
    iommu.attachDevice(DEVICE, domain);
    domain.map(0x5000, 0x9000, 0x1000, RW | IOMMU_MMIO);
    expect(unit.translate(DEVICE, 0x5000, 1)).toBe(0x9000);
    expect([...pageEntries(domain.root)]).toEqual([0x40000000000024dfn]);
  });

  it.each([
    [3, 38],
    [4, 47],
    [5, 52],
  ])('%i levels: the aperture is the lower half of the span, up to 52 bits', (levels, bits) => {
    expect(iommu.createDomain({ levels }).apertureEnd).toBe(2 ** bits - 1);
  });
});

describe('invalidation, as the unit allows (spec H100)', () => {
  const unmap = (iova: number, lengthBytes: number, domain: ReturnType<RiscvIommu['createDomain']>) => () => {
    const gather = new IotlbGather();
    domain.unmap(iova, lengthBytes, gather);
    domain.iotlbSync(gather);
  };

  it('page by page under the PSCID', () => {
    const domain = iommu.createDomain();
    iommu.attachDevice(DEVICE, domain);
    domain.map(0x5000, 0x9000, 0x2000, RW);
    expect(commandsOf(unmap(0x5000, 0x2000, domain))).toEqual(['100001401 1400', '100001401 1800']);
  });

  it('all of the PSCID when a table went, or the pages are many', () => {
    const domain = iommu.createDomain();
    domain.map(0, 0x1000, 2 ** 21, RW);
    expect(commandsOf(unmap(0, 2 ** 21, domain))).toEqual(['100001001 0']);
    domain.map(0x1000, 0x3000, 2 ** 22, RW);
    expect(commandsOf(unmap(0x1000, 2 ** 22, domain))).toEqual(['100001001 0']);
  });

  it('as one range, tables included, where the unit has both', () => {
    setUp(RISCV_PRESETS.full);
    const domain = iommu.createDomain();
    domain.map(0x5000, 0x9000, 0x2000, RW);
    expect(commandsOf(unmap(0x5000, 0x2000, domain))).toEqual(['100001401 1600']); // pages 4 to 7
    domain.map(0, 0x1000, 2 ** 21, RW);
    expect(commandsOf(unmap(0, 2 ** 21, domain))).toEqual(['500001401 3fe00']); // 512 pages, with NL
  });

  it('I192 the TLB of an ATS device comes after a fence behind the unit itself', () => {
    const asked: [number, number][] = [];
    const domain = iommu.createDomain();
    iommu.attachDevice(DEVICE, domain, { ats: true });
    unit.attachDeviceTlb(DEVICE, {
      invalidate: (_, address, length) => {
        asked.push([address, length]);
        return true;
      },
    });
    domain.map(0x5000, 0x9000, 0x3000, RW);
    expect(commandsOf(unmap(0x5000, 0x3000, domain)).slice(-2)).toEqual(['3002 0', '180000000004 5800']);
    expect(asked).toEqual([[0x4000, 0x4000]]);
    iommu.detachDevice(DEVICE);
    expect(asked.at(-1)).toEqual([0, 2 ** 64]);
    domain.map(0x5000, 0x9000, 0x1000, RW);
    expect(commandsOf(unmap(0x5000, 0x1000, domain))).toEqual(['100001401 1400']);
  });

  it('a ring full of commands is worked off in between', () => {
    const domain = iommu.createDomain();
    iommu.attachDevice(DEVICE, domain);
    domain.map(0x1000, 0x3000, 400 * 4096, RW | IOMMU_NOEXEC);
    for (let page = 0; page < 400; page++) unit.translate(DEVICE, 0x1000 + page * 4096, 1);
    unmap(0x1000, 400 * 4096, domain)();
    for (let page = 0; page < 400; page++) expect(unit.translate(DEVICE, 0x1000 + page * 4096, 1)).toBeLessThan(0);
  });

  it('a command that the unit does not take gives way, and the rest is done', () => {
    setUp(RISCV_PRESETS.qemuPci, claimingRanges);
    const [domain, other] = [iommu.createDomain(), iommu.createDomain()];
    iommu.attachDevice(DEVICE, other);
    other.map(0x5000, 0x9000, 0x1000, RW);
    unit.translate(DEVICE, 0x5000, 1);
    domain.map(0x5000, 0x9000, 0x2000, RW);
    unmap(0x5000, 0x2000, domain)(); // a range, which this unit calls illegal
    unmap(0x5000, 0x1000, other)();
    expect(unit.translate(DEVICE, 0x5000, 1)).toBeLessThan(0);
    expect(unit.readRegister(0x48)).toBe(0x10001);
  });

  it('a queue that is never executed ends in an error', () => {
    setUp();
    const domain = iommu.createDomain();
    unit.writeRegister(0x48, 0);
    expect(() => domain.flushIotlbAll()).toThrow(RiscvCommandTimeoutError);
  });
});

describe('faults', () => {
  it('are logged with cause, device and address; past ten lines they are taken in silence', () => {
    unit.translate(DEVICE, 0xfffe0123, 1);
    expect(iommu.handleFaultEvent(0)).toEqual([
      {
        sourceId: DEVICE,
        address: 0xfffe0123n,
        isRead: false,
        cause: 258,
        transactionType: 3,
        processId: null,
        detail: 0n,
      },
    ]);
    expect(log).toEqual(['riscv,iommu 0000:00:01.0: Fault 258 devid: 0x18 iotval: fffe0123 iotval2: 0']);
    for (let i = 0; i < 20; i++) unit.translate(DEVICE, 0x5000, 0);
    expect(iommu.handleFaultEvent(1)).toHaveLength(20);
    expect(log).toHaveLength(10);
  });

  it('an overflow is cleared, and records come again', () => {
    for (let i = 0; i < 200; i++) unit.translate(DEVICE, 0x5000, 0);
    expect(unit.readRegister(0x4c)).toBe(0x10201);
    expect(iommu.handleFaultEvent(0)).toHaveLength(127);
    expect(unit.readRegister(0x4c)).toBe(0x10001);
    unit.translate(DEVICE, 0x5000, 0);
    expect(iommu.handleFaultEvent(0)).toHaveLength(1);
  });
});

it('refuses what the unit has not, by name', () => {
  setUp(0x78c2cf4310n & ~(1n << 25n)); // Sv39 alone, no ATS
  expect(() => iommu.createDomain({ levels: 5 })).toThrow('this unit has no first stage of 5 levels');
  const domain = iommu.createDomain();
  expect(domain.levels).toBe(3);
  expect(() => iommu.attachDevice(DEVICE, domain, { ats: true })).toThrow(RiscvUnsupportedError);
});

/** Every leaf below a table, in order. */
function* pageEntries(table: number, level = 3): Generator<bigint> {
  for (let at = table; at < table + 4096; at += 8) {
    const entry = word64(memory, at);
    if (entry === 0n) continue;
    if (level === 1) yield entry;
    else yield* pageEntries(Number((entry >> 10n) & 0xfffffffffffn) * 4096, level - 1);
  }
}

/** A unit whose ddtp keeps its mode when a deeper one is asked for. */
function refusingModesAbove(backing: RegisterBacking, most: number): RegisterBacking {
  return {
    readRegister: (offset) => backing.readRegister(offset),
    writeRegister: (offset, value) => {
      if (offset !== 0x10 || (value & 15) <= most) backing.writeRegister(offset, value);
    },
    advance: (nanos) => backing.advance(nanos),
  };
}

/** A unit that claims ranges, which it doesn't take. */
function claimingRanges(backing: RegisterBacking): RegisterBacking {
  return {
    readRegister: (offset) => (offset === 4 ? backing.readRegister(4) | 0x800 : backing.readRegister(offset)),
    writeRegister: (offset, value) => backing.writeRegister(offset, value),
    advance: (nanos) => backing.advance(nanos),
  };
}
