import { describe, expect, it } from 'vitest';
import { GRANULE_SIZE } from './granule.ts';
import { MemoryRangeError } from './memory-range-error.ts';
import { PhysMemory } from './phys-memory.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const BORDER = GRANULE_SIZE;

describe('loads and stores', () => {
  it('reads zeros from memory that nobody wrote, without committing any of it', () => {
    const memory = new PhysMemory();
    const into = new Uint8Array(8).fill(0xff);
    memory.read(2 ** 51 - 4, into);
    expect([...into]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(memory.load8(5) + memory.load16(6) + memory.load32(8)).toBe(0);
    memory.copy(3 * GIB, GIB, 100);
    memory.fill(0, 4 * GIB, 0);
    expect(memory.touched()).toEqual([]);
  });

  it('is little endian and unsigned in every width', () => {
    const memory = new PhysMemory();
    memory.store32(0x1000, 0xfedcba98);
    expect(memory.load8(0x1000)).toBe(0x98);
    expect(memory.load16(0x1002)).toBe(0xfedc);
    expect(memory.load32(0x1000)).toBe(0xfedcba98);
    memory.store8(0x1003, 0x1ff);
    memory.store16(0x1000, 0x1_0001);
    expect(memory.load32(0x1000)).toBe(0xffdc0001);
    memory.store64(0x1008, -1, 7);
    expect([memory.load32(0x1008), memory.load32(0x100c)]).toEqual([0xffffffff, 7]);
  });

  it.each([
    ['the border of two granules', BORDER],
    ['the 2 GiB sign bit', 2 * GIB],
    ['4 GiB', 4 * GIB],
    ['4 TiB, where the table of granules ends', 2 ** 42],
  ])('stores misaligned words across %s', (_, border) => {
    for (const spans of [[], [{ start: border - GIB, end: border + GIB - 1 }]]) {
      const memory = new PhysMemory(border >= 2 ** 42 ? {} : { spans });
      memory.store32(border - 1, 0x11223344);
      expect(memory.load32(border - 1)).toBe(0x11223344);
      expect(memory.load8(border)).toBe(0x33);
      memory.store64(border - 4, 0xaaaaaaaa, 0xbbbbbbbb);
      expect(memory.load32(border)).toBe(0xbbbbbbbb);
      expect(memory.touched()).toHaveLength(2);
    }
  });

  it('lends the words of a page out, which then are memory itself', () => {
    for (const spans of [[], [{ start: 0, end: 8 * GIB - 1 }]]) {
      const memory = new PhysMemory({ spans });
      const at = 5 * GIB + 0x3000;
      memory.store32(at, 1);
      const words = memory.wordsOf(at)!;
      const index = memory.wordIndexOf(at + 8);
      words[index] = -2;
      expect(memory.load32(at + 8)).toBe(0xfffffffe);
      memory.store32(at + 8, 7);
      expect(words[index]).toBe(7);
      expect(memory.wordsOf(at + 0xffc)).toBe(words);
      expect(memory.wordIndexOf(at + 0xffc)).toBe(index + 1021);
    }
  });

  it('lends no words of a block that nobody wrote, or a store there would be missing from what was touched', () => {
    const memory = new PhysMemory();
    expect(memory.wordsOf(0x1000)).toBe(undefined);
    memory.store8(0x1000, 1);
    expect(memory.wordsOf(4 * MIB)).toBe(undefined);
    expect(memory.wordsOf(4 * MIB - 4)).toBeDefined();
    expect(() => memory.wordsOf(-4)).toThrow(MemoryRangeError);
    expect(memory.touched()).toHaveLength(1);
  });

  it.each([[-1], [-4], [2 ** 52], [Number.NaN], [Number.POSITIVE_INFINITY]])('refuses address %d', (at) => {
    const memory = new PhysMemory();
    memory.store8(0, 1);
    expect(() => memory.load8(at)).toThrow(MemoryRangeError);
    expect(() => memory.store32(at, 1)).toThrow(MemoryRangeError);
    expect(() => memory.copy(at, 0, 4)).toThrow(MemoryRangeError);
    expect(() => memory.read(at, new Uint8Array(4))).toThrow(MemoryRangeError);
  });

  it('refuses a negative length and a piece outside the buffer, naming it', () => {
    const memory = new PhysMemory();
    expect(() => memory.copy(0, 64, -1)).toThrow(MemoryRangeError);
    expect(() => memory.fill(0, -1)).toThrow(MemoryRangeError);
    expect(() => memory.read(0, new Uint8Array(8), 4, 8)).toThrow('bytes 4 to 12 are not inside a buffer of 8');
    expect(() => memory.write(2 ** 52 - 4, new Uint8Array(8))).toThrow(MemoryRangeError);
  });
});

describe('the cost of memory', () => {
  it('follows what was touched: one byte at the top of 52 bits is one block of 4 MiB', () => {
    const memory = new PhysMemory({ spans: [{ start: 0, end: 2 ** 40 - 1 }] });
    memory.store8(2 ** 52 - 1, 0x5a);
    expect(memory.load8(2 ** 52 - 1)).toBe(0x5a);
    expect(memory.touched()).toEqual([{ start: 2 ** 52 - 2 ** 22, end: 2 ** 52 - 1 }]);
  });

  it('keeps the granules of an arena apart', () => {
    const memory = new PhysMemory({ spans: [{ start: 0, end: GIB - 1 }] });
    for (let at = 0; at < GIB; at += GRANULE_SIZE) memory.store32(at + 64, at + 1);
    for (let at = 0; at < GIB; at += GRANULE_SIZE) expect(memory.load32(at + 64)).toBe(at + 1);
  });

  it.each([
    ['store8', (m: PhysMemory, at: number) => m.store8(at, 1), 1],
    ['store32', (m: PhysMemory, at: number) => m.store32(at, 1), 1],
    ['store64', (m: PhysMemory, at: number) => m.store64(at, 1, 1), 1],
    ['write', (m: PhysMemory, at: number) => m.write(at, new Uint8Array(5 * MIB).fill(1)), 2],
    ['fill', (m: PhysMemory, at: number) => m.fill(at, 9 * MIB, 1), 3],
    ['copy', (m: PhysMemory, at: number) => m.copy(at, 0, 8), 1],
  ])('counts the 4 MiB blocks that %s touches', (_, touch, blocks) => {
    const memory = new PhysMemory();
    memory.store8(0, 1);
    touch(memory, 3 * GIB + 60 * MIB);
    const above = memory.touched().slice(1);
    expect(above[0]).toEqual({ start: 3 * GIB + 60 * MIB, end: 3 * GIB + 64 * MIB - 1 });
    expect(above).toHaveLength(blocks);
  });

  it('copies from low to high RAM of a 5 GiB machine, whose RAM lies on both sides of a hole', () => {
    const memory = new PhysMemory({
      spans: [
        { start: 0x1000, end: 0x7ffdefff },
        { start: 4 * GIB, end: 7 * GIB - 1 },
      ],
    });
    memory.fill(0x7ffd0000, 4096, 0xab);
    memory.copy(7 * GIB - 4096, 0x7ffd0000, 4096);
    expect(memory.load32(7 * GIB - 4)).toBe(0xabababab);
    expect(memory.load32(6 * GIB)).toBe(0);
    memory.store8(3 * GIB + 1, 9); // between the spans: outside the arena, still memory
    expect(memory.load8(3 * GIB + 1)).toBe(9);
  });

  it.each([8, 32, 36, 128])('copies %d overlapping bytes upwards and downwards', (lengthBytes) => {
    const memory = new PhysMemory();
    const numbers = Uint8Array.from({ length: lengthBytes }, (_, i) => i + 1);
    const seen = new Uint8Array(lengthBytes);
    for (const distance of [4, -4, 1, -1]) {
      memory.write(0x1000, numbers);
      memory.copy(0x1000 + distance, 0x1000, lengthBytes);
      memory.read(0x1000 + distance, seen);
      expect(seen).toEqual(numbers);
    }
  });

  it('copies upwards over itself across a granule border as if through a temporary buffer', () => {
    const memory = new PhysMemory();
    const start = BORDER - 3 * MIB;
    for (let i = 0; i < 6 * MIB; i += 4096) memory.store32(start + i, i);
    memory.copy(start + MIB, start, 5 * MIB);
    for (let i = 0; i < 5 * MIB; i += 4096) expect(memory.load32(start + MIB + i)).toBe(i);
  });
});
