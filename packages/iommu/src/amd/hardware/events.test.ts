import { beforeEach, describe, expect, it } from 'vitest';
import { AmdExample, AMD_EXAMPLE_SOURCE as SOURCE } from '../../testing/amd-example.ts';
import { put64, word64 } from '../../testing/words.ts';
import { AMD_BLOCKED } from './translator.ts';

const DEVICE = 0x01000300;
const DEVTAB = 0x2000000000000018n;
const LEAF = 0x01300020;
const IOVA = 0x8080604567;
const [CONTROL, STATUS, EVENT_HEAD] = [0x18, 0x2020, 0x2010];

let example: AmdExample;
beforeEach(() => {
  example = new AmdExample();
});

const write = (iova = IOVA) => example.unit.translate(SOURCE, iova, 1);
const read = (iova = IOVA) => example.unit.translate(SOURCE, iova, 0);
/** Writes the entry of the device, and lets the unit know. */
const setDevice = (qw0: bigint, qw1 = 7n, qw2 = 0n): void => {
  for (const [i, word] of [qw0, qw1, qw2].entries()) put64(example.memory, DEVICE + i * 8, word);
  example.submit(DEVTAB, 0n);
};

describe('what a walk meets (spec H39 steps 10 to 12)', () => {
  it.each<[string, number, bigint, string]>([
    ['an absent entry', LEAF, 0n, '2020000700000018'],
    ['a reserved bit', LEAF, 0x6010000001400001n, '20b0000700000018'],
    ['a next level that is no lower', 0x01301018, 0x6000000001300401n, '20b0000700000018'],
    ['a leaf without IW', LEAF, 0x2000000001400001n, '2070000700000018'],
    ['a directory without IW', 0x01302010, 0x2000000001301401n, '2070000700000018'],
  ])('%s', (_, at, entry, event) => {
    put64(example.memory, at, entry);
    expect(write()).toBe(-2);
    expect(example.event()).toEqual([event, '0000008080604567']);
  });

  it('a table that no memory answers for names the entry that could not be read', () => {
    example = new AmdExample({ answers: (phys) => phys !== 0x01301018 });
    expect(write()).toBe(-4);
    expect(example.event()).toEqual(['4020000700000018', '0000000001301018']);
  });

  it('so does a device table', () => {
    example = new AmdExample({ answers: (phys) => phys !== DEVICE });
    expect(write()).toBe(-3);
    expect(example.event()).toEqual(['3020000000000018', '0000000001000300']);
  });

  it('a device past the end of the table is an illegal entry', () => {
    example.write64(0x00, 0x01000000n);
    expect(example.unit.translate(0x80, 0, 0)).toBe(-1);
    expect(example.event()).toEqual(['1000000000000080', '0000000000000000']);
  });

  it('SA keeps every fault out of the log, SE all but the first', () => {
    setDevice(0x6000000001303803n, 7n | (1n << 34n));
    write(0x8080605000);
    expect(example.pending).toBe(0);
    setDevice(0x6000000001303803n, 7n | (1n << 33n));
    write(0x8080605000);
    write(0x8080606000);
    expect(example.pending).toBe(1);
  });
});

describe('the event log (spec H40)', () => {
  it('overflows when it is full, and logs again once software cleared that and turned it off and on', () => {
    example.write64(0x10, 0x0800000001202000n);
    for (let i = 0; i < 300; i++) write(0x8080605000 + i * 4096 * 1024);
    expect([example.pending, example.unit.readRegister(STATUS)]).toEqual([255, 0x13]);
    example.unit.writeRegister(EVENT_HEAD, example.unit.readRegister(0x2018));
    example.write64(CONTROL, 0x1001n);
    example.write64(CONTROL, 0x1005n);
    write(0x8080605000);
    expect(example.pending).toBe(0);
    example.unit.writeRegister(STATUS, 3);
    write(0x8080605000);
    expect(example.pending).toBe(0);
    example.write64(CONTROL, 0x1001n);
    example.write64(CONTROL, 0x1005n);
    write(0x8080605000);
    expect([example.pending, example.unit.readRegister(STATUS)]).toEqual([-255, 0x1a]);
  });

  it('EventIntEn sends a message for each event', () => {
    example.unit.writeRegister(0x15c, 0xfee01000);
    example.unit.writeRegister(0x164, 0x51);
    example.write64(CONTROL, 0x100dn);
    write(0x8080605000);
    expect(example.messages).toEqual([[0xfee01000, 0x51]]);
    expect(example.unit.readRegister(STATUS)).toBe(0x1a);
  });
});

describe('what no table decides', () => {
  it.each<[string, bigint, number]>([
    ['IV = 0 passes an interrupt', 0n, 0xfee01234],
    ['IntCtl 0 aborts it', 1n, AMD_BLOCKED],
    ['IntCtl 1 passes it', 1n | (1n << 60n), 0xfee01234],
    ['IntCtl 2 remaps it', 1n | (2n << 60n), 0xfee01234],
  ])('H39 %s', (_, qw2, answer) => {
    setDevice(0x6000000001303803n, 7n, qw2);
    expect(write(0xfee01234)).toBe(answer);
    expect(read(0xfee01234)).toBe(AMD_BLOCKED);
    expect(example.pending).toBe(0);
  });

  it('the exclusion range passes for all, or for devices with EX', () => {
    example.write64(0x28, 0x8080606000n);
    example.write64(0x20, 0x8080606001n);
    expect(write(0x8080606123)).toBe(-2);
    example.write64(0x20, 0x8080606003n);
    expect(write(0x8080606123)).toBe(0x8080606123);
    expect(write(0x8080607123)).toBe(-2);
    example.write64(0x20, 0x8080606001n);
    setDevice(0x6000000001303803n, 7n | (1n << 39n));
    expect(write(0x8080606123)).toBe(0x8080606123);
  });

  it('a unit that is off passes everything, and what was cached counts again when it is on', () => {
    write();
    example.write64(CONTROL, 0n);
    expect(write()).toBe(IOVA);
    example.write64(CONTROL, 0x1005n);
    expect(write()).toBe(0x01400567);
  });
});

describe('accessed and dirty bits (spec H13b, H34 HAD)', () => {
  it.each<[string, bigint, bigint, bigint]>([
    ['off', 0n, 0x6000000001400001n, 0x6000000001400001n],
    ['accessed', 1n, 0x6000000001400021n, 0x6000000001400021n],
    ['accessed and dirty', 3n, 0x6000000001400021n, 0x6000000001400061n],
  ])('%s', (_, had, afterRead, afterWrite) => {
    setDevice(0x6000000001303803n | (had << 7n));
    read();
    expect(word64(example.memory, LEAF)).toBe(afterRead);
    write();
    expect(word64(example.memory, LEAF)).toBe(afterWrite);
    expect(word64(example.memory, 0x01301018) & 0x20n).toBe(had === 0n ? 0n : 0x20n);
  });

  it('is set again in a directory whose table is cached', () => {
    setDevice(0x6000000001303803n | (1n << 7n));
    read();
    put64(example.memory, 0x01301018, 0x6000000001300201n);
    example.submit(0x3000000700000000n, 0x8080604000n);
    read();
    expect(word64(example.memory, 0x01301018)).toBe(0x6000000001300221n);
  });

  it('HAD = 2 is illegal', () => {
    setDevice(0x6000000001303803n | (2n << 7n));
    expect(write()).toBe(-1);
  });
});

describe('ATS (spec H11, H12)', () => {
  const ask = (address: number, noWrite = false) =>
    example.unit.requestTranslation({ sourceId: SOURCE, address, noWrite });

  it('answers a device that may use it, and records nothing for what is not mapped', () => {
    setDevice(0x6000000001303803n, 7n | (1n << 32n));
    expect(ask(IOVA)).toMatchObject({ status: 'success', readable: true, writable: true, address: 0x01400000 });
    expect(ask(IOVA, true)).toMatchObject({ readable: true, writable: false });
    expect(ask(0x8080605000)).toMatchObject({ readable: true, writable: false, address: 0x01401000 });
    expect(ask(0x8080607000)).toMatchObject({ status: 'success', readable: false, writable: false });
    expect(example.unit.translateRequest({ sourceId: SOURCE, address: 0x123, access: 'read', translated: true })).toBe(
      0x123,
    );
    expect(example.pending).toBe(0);
  });

  it('refuses one that may not, with a record', () => {
    expect(ask(IOVA).status).toBe('unsupported');
    expect(example.event()).toEqual(['8100000000000018', '0000008080604000']);
    expect(example.unit.translateRequest({ sourceId: SOURCE, address: 0x123, access: 'read', translated: true })).toBe(
      -8,
    );
  });

  it('there is none while the unit is off', () => {
    example.write64(CONTROL, 0n);
    expect(ask(IOVA).status).toBe('unsupported');
  });
});

describe('NpCache (spec H41)', () => {
  it('remembers that an entry was absent until it is invalidated', () => {
    example = new AmdExample({ capability: 0x0f03000f });
    expect(write(0x8080606000)).toBe(-2);
    put64(example.memory, 0x01300030, 0x6000000001405001n);
    expect(write(0x8080606000)).toBe(-2);
    example.submit(0x3000000700000000n, 0x8080606000n);
    expect(write(0x8080606000)).toBe(0x01405000);
  });
});
