import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { GRANULE_SIZE } from '../memory/granule.ts';
import type { MemorySpan } from '../memory/granule-source.ts';
import { PhysMemory } from '../memory/phys-memory.ts';
import { ElfCoreReader, readElfCore } from './elf-core-reader.ts';
import { writeElfCore } from './elf-core-writer.ts';
import { ImageError } from './image-error.ts';
import { RawImageReader, readRawImage, writeRawImage } from './raw-image.ts';
import { restoreSnapshot, takeSnapshot } from './snapshot.ts';

const GIB = 2 ** 30;
const SPANS: readonly MemorySpan[] = [
  { start: 0x1000, end: 0x9fbff },
  { start: 4 * GIB, end: 5 * GIB - 1 },
];

/** Something at the first and last byte of each span, and across a granule border. */
function sample(): PhysMemory {
  const memory = new PhysMemory();
  memory.store32(0x1000, 0x11111111);
  memory.store8(0x9fbff, 0x22);
  memory.store32(4 * GIB + GRANULE_SIZE - 4, 0x33333333);
  memory.store32(4 * GIB + GRANULE_SIZE, 0x44444444);
  memory.store8(5 * GIB - 1, 0x55);
  return memory;
}

function joined(chunks: Iterable<Uint8Array>): Uint8Array {
  return Uint8Array.from([...chunks].flatMap((chunk) => [...chunk]));
}

const core = joined(writeElfCore(sample(), SPANS));

/** Program header `index` of `core`, patched in a copy. */
function patched(edit: (view: DataView) => void): Uint8Array {
  const copy = core.slice();
  edit(new DataView(copy.buffer));
  return copy;
}

describe('an ELF core', () => {
  it('is sparse: six pages of a gigabyte are stored', () => {
    expect(core.length).toBeLessThan(16 * 4096);
  });

  it('holds what memory held, zeros included, and nothing else', () => {
    const image = readElfCore(core);
    expect(image.spans).toEqual(SPANS);
    expect(image.load32(0x1000)).toBe(0x11111111);
    expect(image.load32(0x2000)).toBe(0);
    expect(image.load32(4 * GIB + GRANULE_SIZE)).toBe(0x44444444);
    expect(image.load32(5 * GIB - 4)).toBe(0x55000000);
    const across = new Uint8Array(8);
    image.read(4 * GIB + GRANULE_SIZE - 4, across);
    expect([...across]).toEqual([0x33, 0x33, 0x33, 0x33, 0x44, 0x44, 0x44, 0x44]);
  });

  it('tells absent pages from zeros', () => {
    const image = readElfCore(core);
    expect([image.has(0x2000, 4096), image.has(0x9f000, 4096), image.has(0, 1)]).toEqual([true, false, false]);
    expect(() => image.load32(0x9fbfe)).toThrow(
      expect.objectContaining({ code: 'ERR_IMAGE_ABSENT', start: 0x9fc00, end: 0x9fc01 }),
    );
  });

  it.each([[1], [63], [64], [4096], [100_000]])('arrives in memory when pushed %d bytes at a time', (size) => {
    const memory = new PhysMemory();
    memory.store8(0x3000, 9); // the core says zero
    const reader = new ElfCoreReader(memory);
    for (let at = 0; at < core.length; at += size) reader.push(core.subarray(at, at + size));
    const ends = reader.end();
    expect([ends[0].start, ends.at(-1)?.end]).toEqual([0x1000, 5 * GIB - 1]);
    expect(joined(writeElfCore(memory, SPANS))).toEqual(core);
  });

  it.each([
    ['in the last page', core.length - 1, '13ffff000'],
    ['before the first page', 0x1000, '00001000'],
  ])('cut short %s names the physical range that is missing', (_, length, start) => {
    const cut = core.subarray(0, length);
    expect(() => readElfCore(cut)).toThrow(ImageError);
    expect(() => readElfCore(cut)).toThrow(/physical range [0-9a-f]+-[0-9a-f]+ is missing: the file ends at byte/);
    const reader = new ElfCoreReader(new PhysMemory());
    reader.push(cut);
    expect(() => reader.end()).toThrow(expect.objectContaining({ code: 'ERR_ELF_TRUNCATED' }));
    if (length === 0x1000) expect(() => readElfCore(cut)).toThrow(start);
  });

  it('cut short inside its headers is an error, in one piece and streamed', () => {
    for (const length of [0, 10, 64, 100]) {
      expect(() => readElfCore(core.subarray(0, length))).toThrow('inside the ELF headers');
      const reader = new ElfCoreReader(new PhysMemory());
      reader.push(core.subarray(0, length));
      expect(() => reader.end()).toThrow('inside the ELF headers');
    }
  });

  it.each([
    ['not an ELF file', (view: DataView) => view.setUint8(0, 0)],
    ['not a core', (view: DataView) => view.setUint8(4, 1)],
    ['not a core', (view: DataView) => view.setUint16(16, 2, true)],
    ['program headers are 56 bytes, not 32', (view: DataView) => view.setUint16(54, 32, true)],
    ['is not inside 0 to 2^52 - 1', (view: DataView) => view.setUint32(64 + 28, 0x100000, true)],
  ])('is refused when it is %s', (message, edit) => {
    expect(() => readElfCore(patched(edit))).toThrow(message);
  });

  it('leaves out segments without a physical address and takes overlapping ones once', () => {
    const anonymous = readElfCore(patched((view) => view.setBigUint64(64 + 24, 2n ** 64n - 1n, true)));
    expect(anonymous.has(0x1000, 1)).toBe(false);
    const twice = patched((view) => view.setBigUint64(64 + 56 + 24, 0x1000n, true)); // the second now starts at 0x1000 too
    expect(readElfCore(twice).load32(0x1000)).toBe(0x11111111);
  });

  it('counts 65535 segments and more in section 0', () => {
    const spans = Array.from({ length: 66_000 }, (_, i) => ({ start: i * 0x2000, end: i * 0x2000 + 0xfff }));
    const file = joined(writeElfCore(new PhysMemory(), spans));
    expect(new DataView(file.buffer).getUint16(56, true)).toBe(0xffff);
    expect(readElfCore(file).spans).toEqual(spans);
    const reader = new ElfCoreReader(new PhysMemory());
    for (let at = 0; at < file.length; at += 100_000) reader.push(file.subarray(at, at + 100_000));
    expect(reader.end()).toEqual(spans);
  });
});

describe('a raw image', () => {
  it('goes out in parts that are not zero and comes back at the same place', () => {
    const span = { start: 4 * GIB + 0x800, end: 5 * GIB - 1 };
    const parts = [...writeRawImage(sample(), span)];
    expect(parts.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(5 * 4096);
    const memory = new PhysMemory();
    for (const { offset, bytes } of parts) memory.write(span.start + offset, bytes);
    expect(memory.load32(4 * GIB + GRANULE_SIZE - 4)).toBe(0x33333333);
    expect(memory.load8(5 * GIB - 1)).toBe(0x55);
  });

  it('is read in place, knowing where it ends', () => {
    const image = readRawImage(Uint8Array.of(1, 2, 3, 4, 5), 0x7000);
    expect([image.load32(0x7001), image.has(0x7001, 4), image.has(0x7002, 4)]).toEqual([0x05040302, true, false]);
    expect(readRawImage(new Uint8Array(0)).spans).toEqual([]);
  });

  it('is read in chunks of any size from any start', () => {
    const memory = new PhysMemory();
    memory.fill(0x7000, 0x2000, 0xff);
    const reader = new RawImageReader(memory, 0x7800);
    reader.push(Uint8Array.of(1, 2, 3));
    reader.push(new Uint8Array(2048));
    expect(reader.end()).toEqual({ start: 0x7800, end: 0x8002 });
    expect([memory.load32(0x77ff), memory.load32(0x7803), memory.load32(0x8000)]).toEqual([0x030201ff, 0, 0xff000000]);
    expect(new RawImageReader(memory).end()).toBeNull();
  });
});

const writes = fc.array(
  fc.record({ at: fc.nat(40 * 4096), value: fc.integer({ min: 0, max: 255 }), lengthBytes: fc.nat(9000) }),
  { maxLength: 8 },
);

test.prop([writes, writes], { numRuns: 20 })('restoring a snapshot undoes every later write', (before, after) => {
  const memory = new PhysMemory();
  const base = GRANULE_SIZE - 20 * 4096;
  for (const { at, value, lengthBytes } of before) memory.fill(base + at, lengthBytes, value);
  const seen = new Uint8Array(50 * 4096);
  memory.read(base, seen);
  const snapshot = takeSnapshot(memory);
  for (const { at, value, lengthBytes } of after) memory.fill(base + at, lengthBytes, value);
  memory.fill(2 ** 51, 3, 1);
  restoreSnapshot(memory, snapshot);
  const now = new Uint8Array(50 * 4096);
  memory.read(base, now);
  expect(now.every((byte, i) => byte === seen[i])).toBe(true);
  expect(memory.load8(2 ** 51)).toBe(0);
});
