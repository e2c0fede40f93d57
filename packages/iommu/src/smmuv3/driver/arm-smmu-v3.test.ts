import { PhysMemory } from '@dmalab/phys-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { IotlbGather } from '../../core/iotlb-gather.ts';
import { IOMMU_CACHE, IOMMU_MMIO, IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { word64 } from '../../testing/words.ts';
import { SMMU_PRESETS, type SmmuIdRegisters } from '../capabilities.ts';
import { SmmuV3Unit } from '../hardware/smmuv3-unit.ts';
import { ArmSmmuV3, type ArmSmmuV3Options, type SmmuDomainOptions } from './arm-smmu-v3.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const RW_CACHED = RW | IOMMU_CACHE;
const STREAM = 0x18;
const IOVA = 0x8080604000;
const { qemu, full } = SMMU_PRESETS;
let memory: PhysMemory;
let pool: TablePagePool;
let unit: SmmuV3Unit;
let smmu: ArmSmmuV3;
let writes: [offset: number, value: number][];
let log: string[];

/** A driver on a unit whose register writes are noted down. */
function setUp(ids: SmmuIdRegisters, options: Partial<ArmSmmuV3Options> = {}): void {
  memory = new PhysMemory();
  pool = new TablePagePool(0x41000000);
  unit = new SmmuV3Unit({ memory, ...ids });
  writes = [];
  log = [];
  smmu = new ArmSmmuV3({
    registers: {
      readRegister: (offset) => unit.readRegister(offset),
      writeRegister: (offset, value) => {
        writes.push([offset, value]);
        unit.writeRegister(offset, value);
      },
      advance: (nanos) => unit.advance(nanos),
    },
    memory,
    log: (line) => log.push(line),
    allocTablePage: () => pool.allocTablePage(),
    freeTablePage: (phys) => pool.freeTablePage(phys),
    allocTable: (lengthBytes) => pool.allocTable(lengthBytes),
    freeTable: (phys, lengthBytes) => pool.freeTable(phys, lengthBytes),
    ...options,
  });
}

function attached(options: SmmuDomainOptions = {}, ats = false) {
  smmu.enable();
  const domain = smmu.createDomain(options);
  smmu.attachDevice(STREAM, domain, { ats });
  return domain;
}

/** Physical address of a stream's entry, by the way that hardware finds it. */
function entryAt(streamId: number): number {
  const descriptor = word64(memory, unit.readRegister(0x80) + (streamId >> 8) * 8);
  return Number(descriptor & 0xfffffffffffc0n) + (streamId & 0xff) * 64;
}

/** Commands that came after `from`, four words as the specification prints them: two qwords. */
function commandsSince(from: number): string[] {
  const ring = unit.readRegister(0x90) & ~0x1f;
  const commands: string[] = [];
  for (let at = from; at !== unit.readRegister(0x98); at = (at + 1) & 0x1ff) {
    const [low, high] = [0, 8].map((offset) => word64(memory, ring + (at & 0xff) * 16 + offset).toString(16));
    commands.push(`${low} ${high}`);
  }
  return commands;
}

beforeEach(() => setUp(qemu));

describe('bring-up (spec H59)', () => {
  it('goes through the registers in the order of Linux', () => {
    smmu.enable();
    const order = writes.map(([offset, value]) => `${offset.toString(16)}=${value.toString(16)}`);
    expect(order).toEqual([
      '20=0',
      '28=d75',
      '2c=6',
      '80=41002000',
      '84=40000000',
      '88=10210',
      '90=41000008',
      '94=40000000',
      '98=0',
      '9c=0',
      '20=8',
      '98=3',
      'a0=41001007',
      'a4=40000000',
      '100a8=0',
      '100ac=0',
      '20=c',
      '50=0',
      '50=5',
      '20=d',
    ]);
    expect(commandsSince(0)).toEqual(['4 1f', '30 0', '46 0']);
  });

  it('a unit that sends messages gets one for its events and errors, or none and stays quiet', () => {
    setUp(full, { faultMessage: { address: 0x8090040, data: 0x21 } });
    smmu.enable();
    expect(writes.filter(([offset]) => [0xb0, 0xb8, 0x68, 0x70, 0x50].includes(offset))).toEqual([
      [0x50, 0],
      [0xb0, 0x8090040],
      [0xb8, 0x21],
      [0x68, 0x8090040],
      [0x70, 0x21],
      [0x50, 5],
    ]);
    setUp(full);
    smmu.enable();
    expect(unit.readRegister(0x50)).toBe(0);
  });

  it.each([
    ['waits for a register', qemu],
    ['waits for a message', full],
  ])('goes on with its devices after it was off; it %s', (_, ids) => {
    setUp(ids);
    const domain = attached();
    domain.map(IOVA, 0x41400000, 0x1000, RW);
    smmu.disable();
    expect(unit.translate(STREAM, IOVA, 1)).toBe(IOVA);
    smmu.enable();
    expect(unit.readRegister(0x9c)).toBe(ids === full ? 4 : 3); // what bring-up queues, and nothing from before
    expect(unit.translate(STREAM, IOVA, 1)).toBe(0x41400000);
    smmu.detachDevice(STREAM);
    expect(unit.translate(STREAM, IOVA, 1)).toBe(-0x1000);
    expect(unit.readRegister(0x60)).toBe(0);
  });

  it.each([
    ['no 64-bit tables', { ...qemu, idr0: qemu.idr0 & ~8 }, 'the 64-bit format'],
    ['no stage', { ...qemu, idr0: qemu.idr0 & ~3 }, 'stage of translation'],
  ])('refuses a unit with %s', (_, ids, message) => {
    const registers = {
      readRegister: (at: number) => ({ 0: ids.idr0, 4: ids.idr1, 12: ids.idr3, 20: ids.idr5 })[at] ?? 0,
      writeRegister: () => {},
      advance: () => {},
    };
    expect(() => setUp(qemu, { registers })).toThrow(message);
  });

  it('says which memory it needs when it has none', () => {
    expect(() => setUp(qemu, { allocTablePage: () => -1 })).toThrow('no table memory left for the command queue');
    setUp(qemu, { allocTable: () => -1 });
    expect(() => attached()).toThrow('a level 2 stream table: 16384 bytes in a row');
  });

  it('gives up on a unit that does not answer', () => {
    const silent = { readRegister: (at: number) => unit.readRegister(at), writeRegister: () => {}, advance: () => {} };
    setUp(qemu, { registers: { ...silent, readRegister: (at) => (at === 0x24 ? 1 : unit.readRegister(at)) } });
    expect(() => smmu.enable()).toThrow('CR0ACK is still 0x1');
  });
});

describe('what hardware finds in memory (spec H60 to H64, H82)', () => {
  it('the stream entry, context descriptor and tables of the worked example, but for their places', () => {
    const domain = attached();
    domain.map(IOVA, 0x41400000, 0x1000, RW_CACHED);
    const entry = entryAt(STREAM);
    expect([0, 8, 16, 24].map((at) => word64(memory, entry + at) & ~0xffffff000n)).toEqual([0xbn, 0xd4n, 0n, 0n]);
    const context = Number(word64(memory, entry) & 0xffffff000n);
    const words = [0, 8, 16, 24].map((at) => word64(memory, context + at));
    expect(words).toEqual([0x0001e204c0003510n, BigInt(domain.root), 0n, 0xf404ff44n]);
    expect(word64(memory, domain.root + 8) & 0xfffn).toBe(3n);
    expect(unit.translate(STREAM, IOVA + 0x567, 1)).toBe(0x41400567);
  });

  it("streams of a bus that aren't attached abort", () => {
    attached();
    expect(word64(memory, entryAt(STREAM + 1))).toBe(1n);
    smmu.detachDevice(STREAM);
    expect([0, 8, 16, 24].map((at) => word64(memory, entryAt(STREAM) + at))).toEqual([1n, 0n, 0n, 0n]);
  });

  it('the entry of a stage 2 domain, as in the example of H82', () => {
    const domain = attached({ stage: 2 });
    const words = [0, 8, 16, 24].map((at) => word64(memory, entryAt(STREAM) + at));
    expect(words).toEqual([0xdn, 1n << 44n, 0x044c359400000001n, BigInt(domain.root)]);
  });

  it('a bypassing entry takes the shareability that comes along', () => {
    smmu.enable();
    smmu.attachPassThrough(STREAM);
    expect([0, 8].map((at) => word64(memory, entryAt(STREAM) + at))).toEqual([9n, 1n << 44n]);
  });

  it.each<[string, 1 | 2, number, bigint]>([
    ['writable and snooped, as in H64', 1, RW_CACHED, 0xf47n],
    ['writable', 1, RW, 0xe43n],
    ['read-only', 1, IOMMU_READ | IOMMU_CACHE, 0xfc7n],
    ['device memory', 1, RW | IOMMU_MMIO, 0xe4bn],
    ['stage 2, as in H82', 2, RW_CACHED, 0x7ffn],
    ['stage 2, read-only', 2, IOMMU_READ | IOMMU_CACHE, 0x77fn],
    ['stage 2, write-only', 2, IOMMU_WRITE | IOMMU_CACHE, 0x7bfn],
    ['stage 2, device memory', 2, RW | IOMMU_MMIO, 0x6c7n],
  ])('a leaf that is %s', (_, stage, prot, low) => {
    const domain = attached({ stage });
    domain.map(0, 0x41400000, 0x1000, prot);
    let table = domain.root;
    for (let level = domain.levels; level > 1; level--) table = Number(word64(memory, table) & 0xfffffffff000n);
    expect(word64(memory, table)).toBe(0x41400000n | low);
  });
});

describe('invalidation (spec H72)', () => {
  const unmap = (domain: ReturnType<typeof attached>, iova: number, lengthBytes: number): string[] => {
    domain.map(iova, 0x40001000, lengthBytes, RW); // one page off: no blocks
    const from = unit.readRegister(0x98);
    const gather = new IotlbGather();
    domain.unmap(iova, lengthBytes, gather);
    domain.iotlbSync(gather);
    return commandsSince(from);
  };

  it('one page by its address, as in H82', () => {
    expect(unmap(attached(), IOVA, 0x1000)).toEqual(['1000000000012 8080604001', '46 0']);
  });

  it.each([
    ['two pages', 2, [[0, 1, 1]]],
    ['three pages: one run of three', 3, [[2, 0, 1]]],
    ['33 pages: never a single one by itself', 33, [[16, 1, 1]]],
    ['100 pages', 100, [[24, 2, 1]]],
    ['512 pages, their table with them', 512, [[0, 9, 0]]],
    [
      '1025 pages',
      1025,
      [
        [0, 1, 0],
        [0, 10, 0],
      ],
    ],
  ])('%s as runs, where the unit takes them: NUM, SCALE, leaf hint', (_, pages, runs) => {
    const seen = unmap(attached(), 0x8080600000, pages * 0x1000).slice(0, -1);
    expect(seen.map(rangeOf)).toEqual(runs);
  });

  it('page by page without them, and by ASID when that is shorter', () => {
    setUp({ ...qemu, idr3: 0 });
    const domain = attached();
    expect(unmap(domain, IOVA, 0x3000)).toEqual([
      '1000000000012 8080604001',
      '1000000000012 8080605001',
      '1000000000012 8080606001',
      '46 0',
    ]);
    expect(unmap(domain, 0x8080600000, 0x400000)).toEqual(['1000000000011 0', '46 0']);
  });

  it('stage 2 by its VMID', () => {
    const domain = attached({ stage: 2 });
    expect(unmap(domain, IOVA, 0x1000)).toEqual(['10000002a 8080604001', '46 0']);
    const from = unit.readRegister(0x98);
    domain.flushIotlbAll();
    expect(commandsSince(from)).toEqual(['100000028 0', '46 0']);
  });

  it('I192 a device TLB after a SYNC of the others', () => {
    setUp(full);
    const domain = attached({}, true);
    const commands = unmap(domain, IOVA, 0x1000).map((command) => command.split(' '));
    // SYNCs of this unit write over themselves when they are done.
    expect(commands.map(([low]) => low.slice(-2))).toEqual(['12', '0', '40', '0']);
    expect(commands[2]).toEqual(['1800000040', '8080604000']);
  });

  it('a batch longer than the ring goes in parts', () => {
    setUp({ ...qemu, idr1: 0x00820010, idr3: 0 });
    const domain = attached();
    unmap(domain, 0x8080600000, 0x40000);
    expect(unit.translate(STREAM, 0x8080610000, 1)).toBe(-0x10);
  });

  it('replaces a command that the unit does not take, and goes on', () => {
    const domain = attached();
    domain.map(IOVA, 0x41400000, 0x1000, RW);
    expect(unit.translate(STREAM, IOVA, 1)).toBe(0x41400000);
    // The unit is told of a command that the driver never wrote.
    const producer = unit.readRegister(0x98);
    memory.store32(0x41000000 + producer * 16, 0x77);
    unit.writeRegister(0x98, producer + 1);
    unit.step();
    expect(unit.readRegister(0x60)).toBe(1);
    smmu.handleFaultEvent(0);
    unit.step();
    expect([unit.readRegister(0x64), unit.readRegister(0x9c) & 0xfffff]).toEqual([1, producer + 1]);
  });
});

describe('faults (spec I178)', () => {
  it('logs the record and what it says, and returns it', () => {
    attached();
    unit.translate(STREAM, 0xfffff000, 0);
    const [fault] = smmu.handleFaultEvent(0);
    expect(fault).toMatchObject({ id: 0x10, sourceId: STREAM, address: 0xfffff000n, isRead: true, eventClass: 2 });
    expect(log).toEqual([
      'arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:',
      'arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000001800000010',
      'arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000020800000000',
      'arm-smmu-v3 arm-smmu-v3.0.auto: \t0x00000000fffff000',
      'arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000000000000000',
      'arm-smmu-v3 arm-smmu-v3.0.auto: event: F_TRANSLATION client: 0000:00:03.0 sid: 0x18 ssid: 0 iova: 0xfffff000 ipa: 0',
      'arm-smmu-v3 arm-smmu-v3.0.auto: unpriv data read s1 "Input address caused fault" stag: 0',
    ]);
  });

  it('acknowledges an overflow with the records that it takes', () => {
    attached();
    for (let i = 0; i < 130; i++) unit.translate(STREAM, 0xfffff000, 0);
    expect(smmu.handleFaultEvent(0)).toHaveLength(128);
    expect(unit.readRegister(0x100ac)).toBe(unit.readRegister(0x100a8));
    expect(log).toHaveLength(10 * 7);
  });
});

it.each<[string, SmmuIdRegisters, () => unknown, string]>([
  ['ATS', qemu, () => attached({}, true), 'device TLBs (ATS)'],
  ['a granule', { ...qemu, idr5: 0x14 }, () => attached({ granule: 65536 }), 'granule of 65536 bytes'],
  ['stage 2', { ...qemu, idr0: qemu.idr0 & ~1 }, () => attached({ stage: 2 }), 'stage 2'],
  ['a stream id', qemu, () => smmu.attachPassThrough(0x10000), 'stream id 65536: it has 16 bits'],
])('says that the unit has no such thing: %s', (_, ids, act, message) => {
  setUp(ids);
  smmu.enable();
  expect(act).toThrow(message);
});

/** NUM, SCALE and leaf hint of a range command, from its two qwords in hex; it is for ASID 1 and granules of 4 KiB. */
function rangeOf(command: string): number[] {
  const [low, high] = command.split(' ').map((word) => BigInt(`0x${word}`));
  expect([low & 0xffn, low >> 48n, (high >> 10n) & 3n]).toEqual([0x12n, 1n, 1n]);
  return [(low >> 12n) & 0x1fn, (low >> 20n) & 0x3fn, high & 1n].map(Number);
}
