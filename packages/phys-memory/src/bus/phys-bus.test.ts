import { beforeEach, describe, expect, it } from 'vitest';
import { AddressMapError } from '../map/address-map-error.ts';
import { q35AddressMap } from '../map/q35-map.ts';
import { PhysMemory } from '../memory/phys-memory.ts';
import { BUS_ABORT, PhysBus } from './phys-bus.ts';

const BAR = 0xfebd4000;
const HOLE = 0x1_0000_0000;
let memory: PhysMemory;
let bus: PhysBus;
let log: string[];

const recorder = {
  readMmio(offset: number, sizeBytes: number): number {
    log.push(`r${sizeBytes} ${offset.toString(16)}`);
    return 0xa1b2c3d4 % 2 ** (8 * sizeBytes);
  },
  writeMmio(offset: number, sizeBytes: number, value: number): void {
    log.push(`w${sizeBytes} ${offset.toString(16)} ${value.toString(16)}`);
  },
};

beforeEach(() => {
  memory = new PhysMemory();
  bus = new PhysBus(q35AddressMap(2 ** 30), memory);
  log = [];
});

describe('P8 an access goes', () => {
  it('to the bytes of RAM', () => {
    bus.store32(0x5000, 0x12345678);
    bus.write(0x5004, Uint8Array.of(1, 2));
    expect([memory.load32(0x5000), bus.load16(0x5004), bus.load8(0x5003)]).toEqual([0x12345678, 0x0201, 0x12]);
    expect(bus.errors.count).toBe(0);
  });

  it('to the owner of a BAR, at most four aligned bytes at a time', () => {
    bus.claim(BAR, BAR + 0x3fff, 'nvme', recorder);
    bus.store32(BAR + 0x14, 0x460001);
    expect(bus.load32(BAR + 0x1c)).toBe(0xa1b2c3d4);
    const into = new Uint8Array(8);
    expect(bus.read(BAR + 3, into)).toBe(0);
    expect([...into]).toEqual([0xd4, 0xd4, 0xc3, 0xb2, 0xa1, 0xd4, 0xc3, 0xd4]);
    bus.write(BAR + 0x1006, Uint8Array.of(1, 2, 3, 4, 5, 6));
    expect(log).toEqual(['w4 14 460001', 'r4 1c', 'r1 3', 'r4 4', 'r2 8', 'r1 a', 'w2 1006 201', 'w4 1008 6050403']);
  });

  it('byte by byte where it is misaligned for a handler', () => {
    bus.claim(BAR, BAR + 0xfff, 'nvme', recorder);
    expect(bus.load32(BAR + 2)).toBe(0xd4d4d4d4);
    bus.store16(BAR + 1, 0x0201);
    expect(log).toEqual(['r1 5', 'r1 4', 'r1 3', 'r1 2', 'w1 1 1', 'w1 2 2']);
  });

  it('nowhere in a hole: all ones, dropped, recorded', () => {
    expect([bus.load8(HOLE), bus.load16(HOLE), bus.load32(HOLE)]).toEqual([0xff, 0xffff, 0xffffffff]);
    bus.store32(HOLE + 4, 7);
    const into = new Uint8Array(3);
    expect(bus.read(HOLE, into)).toBe(BUS_ABORT);
    expect([...into]).toEqual([0xff, 0xff, 0xff]);
    expect(bus.write(HOLE, into)).toBe(BUS_ABORT);
    expect(memory.touched()).toEqual([]);
    expect(bus.errors.count).toBe(6);
    expect(bus.errors.latest()[3]).toEqual({ at: HOLE + 4, lengthBytes: 4, isWrite: true });
  });

  it('nowhere in a window without a BAR', () => {
    expect(bus.load32(BAR)).toBe(0xffffffff);
    expect(bus.errors.latest()).toEqual([{ at: BAR, lengthBytes: 4, isWrite: false }]);
  });

  it('to each of two neighbours for its own part', () => {
    memory.store8(0xbffff, 0x99); // not RAM: must not be seen
    memory.store8(0x9ffff, 0x42);
    const into = new Uint8Array(4);
    expect(bus.read(0x9ffff, into)).toBe(BUS_ABORT); // the last byte below the VGA window, then the window
    expect([...into]).toEqual([0x42, 0xff, 0xff, 0xff]);
    expect(bus.load32(0x9fffe)).toBe(0xffff4200);
  });
});

describe('claims', () => {
  it('back device memory with bytes', () => {
    bus.claim(0xf8000000, 0xfbffffff, 'controller memory buffer', 'bytes');
    bus.store32(0xf8000010, 5);
    expect(memory.load32(0xf8000010)).toBe(5);
  });

  it('may lie in a range that the firmware reserves, and give it back', () => {
    bus.claim(0xfed1c100, 0xfed1c1ff, 'registers', recorder);
    expect(bus.load32(0xfed1c104)).toBe(0xa1b2c3d4);
    bus.store32(0xfed1c200, 1);
    expect(log).toEqual(['r4 4']);
    bus.release(0xfed1c100, 0xfed1c1ff);
    expect(bus.load32(0xfed1c104)).toBe(0);
  });

  it.each([
    ['RAM', 0x3ffd6000, 0x3ffd7fff, 'ERR_RANGE_OVERLAP', '0x3ffd6000 is RAM'],
    ['another claim', BAR + 0x3000, BAR + 0x4fff, 'ERR_RANGE_OVERLAP', 'febd7000-febd8fff : test: 0xfebd7000'],
    ['nothing', BAR, BAR - 1, 'ERR_RANGE_INVALID', 'must run upwards'],
  ])('on %s are refused', (_, start, end, code, message) => {
    bus.claim(BAR, BAR + 0x3fff, 'nvme', recorder);
    const claim = () => bus.claim(start, end, 'test', recorder);
    expect(claim).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  it('that were never made cannot be released', () => {
    expect(() => bus.release(BAR, BAR + 1)).toThrow(AddressMapError);
  });
});
