import { beforeEach, describe, expect, it } from 'vitest';
import { SmmuExample, EXAMPLE_STREAM as STREAM } from '../../testing/smmuv3-example.ts';
import { put64, putWords } from '../../testing/words.ts';
import { SMMU_PRESETS } from '../capabilities.ts';

const IOVA = 0x8080604000;
const BLOCK = 0x8080800000;
const LEAF_AT = 0x41103020;
const LEAF = 0x41400f63n; // nG, so that it is the ASID's own
const MOVED = 0x41404f63n;
const SYNC = [0x46n, 0n] as const;
let example: SmmuExample;

/** Where the example's page leads now. */
const target = (streamId = STREAM) => example.unit.translate(streamId, IOVA, 1);

beforeEach(() => {
  example = new SmmuExample({ ...SMMU_PRESETS.full, idr5: SMMU_PRESETS.qemu.idr5 });
  put64(example.memory, LEAF_AT, LEAF);
  expect(target()).toBe(0x41400000);
  put64(example.memory, LEAF_AT, MOVED);
});

describe('translations stay until a command drops them (spec H4, H72)', () => {
  const asid = 5n << 48n;
  it.each<[string, bigint, bigint]>([
    ['NH_ALL', 0x10n, 0n],
    ['NH_ASID', 0x11n | asid, 0n],
    ['NH_VA', 0x12n | asid, BigInt(IOVA) | 1n],
    ['NH_VAA', 0x13n, BigInt(IOVA) | 1n],
    ['NH_VA, a range that ends with the page', 0x12n | asid | (4n << 12n), BigInt(IOVA - 0x4000) | (1n << 10n)],
    ['NH_VA, 2^9 granules of 4 KiB', 0x12n | asid | (9n << 20n), BigInt(IOVA - 0x4000) | (1n << 10n)],
    ['NH_VA, one granule of 64 KiB', 0x12n | asid, 0x8080600000n | (3n << 10n)],
    ['S12_VMALL', 0x28n, 0n],
    ['NSNH_ALL', 0x30n, 0n],
  ])('%s drops it', (_, low, high) => {
    expect(target()).toBe(0x41400000);
    example.submit(low, high, ...SYNC);
    expect(target()).toBe(0x41404000);
  });

  it.each<[string, bigint, bigint]>([
    ['another ASID', 0x11n | (6n << 48n), 0n],
    ['another VMID', 0x11n | asid | (1n << 32n), 0n],
    ['the next page', 0x12n | asid, BigInt(IOVA + 0x1000) | 1n],
    ['a range that ends before the page', 0x12n | asid | (3n << 12n), BigInt(IOVA - 0x4000) | (1n << 10n)],
    ['EL2', 0x20n, 0n],
    ['stage 2', 0x2an, BigInt(IOVA)],
    ['configurations', 0x4n, 31n],
  ])('%s leaves it', (_, low, high) => {
    example.submit(low, high, ...SYNC);
    expect(target()).toBe(0x41400000);
  });

  it('a page of every ASID outlives the command for one, and not the one for its address', () => {
    put64(example.memory, LEAF_AT, 0x41400763n);
    example.submit(0x10n, 0n, ...SYNC);
    expect(target()).toBe(0x41400000);
    put64(example.memory, LEAF_AT, MOVED);
    example.submit(0x11n | asid, 0n, ...SYNC);
    expect(target()).toBe(0x41400000);
    example.submit(0x12n | asid, BigInt(IOVA) | 1n, ...SYNC);
    expect(target()).toBe(0x41404000);
  });

  it('H6 a table that was taken out is used until a command without the leaf hint', () => {
    put64(example.memory, LEAF_AT, LEAF);
    put64(example.memory, 0x41102018, 0n);
    example.submit(0x12n | asid, BigInt(IOVA) | 1n, ...SYNC);
    expect(target()).toBe(0x41400000);
    example.submit(0x12n | asid, BigInt(IOVA), ...SYNC);
    expect(target()).toBe(-0x10);
  });

  it('any address in a block drops it', () => {
    expect(example.unit.translate(STREAM, BLOCK + 0x1234, 0)).toBe(0x41601234);
    put64(example.memory, 0x41102020, 0n);
    example.submit(0x12n | asid, BigInt(BLOCK + 0x5000) | 1n, ...SYNC);
    expect(example.unit.translate(STREAM, BLOCK + 0x1234, 0)).toBe(-0x10);
  });

  it('rights are stale too: a page that became writable is not, until it is dropped', () => {
    expect(example.unit.translate(STREAM, IOVA + 0x1000, 0)).toBe(0x41401000);
    put64(example.memory, LEAF_AT + 8, 0x41401f63n);
    expect(example.unit.translate(STREAM, IOVA + 0x1000, 1)).toBe(-0x13);
    example.submit(0x12n | asid, BigInt(IOVA + 0x1000) | 1n, ...SYNC);
    expect(example.unit.translate(STREAM, IOVA + 0x1000, 1)).toBe(0x41401000);
  });

  it('the unit keeps them while it is off', () => {
    example.unit.writeRegister(0x20, 0xc);
    expect(target()).toBe(IOVA);
    example.unit.writeRegister(0x20, 0xd);
    expect(target()).toBe(0x41400000);
  });
});

describe('configurations stay until a command drops them (spec H4, H72)', () => {
  const sid = BigInt(STREAM) << 32n;

  it.each<[string, bigint, bigint, boolean]>([
    ['CFGI_STE', 0x3n | sid, 1n, true],
    ['CFGI_STE of another stream', 0x3n | (sid + (1n << 32n)), 1n, false],
    ['a range that holds the stream', 0x4n | sid, 2n, true],
    ['a range beside it', 0x4n | (0x10n << 32n), 2n, false],
    ['CFGI_ALL', 0x4n, 31n, true],
    ['CFGI_CD', 0x5n | sid, 1n, false],
    ['TLBI', 0x30n, 0n, false],
  ])('%s: a stream that now aborts', (_, low, high, drops) => {
    put64(example.memory, 0x41000600, 1n);
    example.submit(low, high, ...SYNC);
    expect(target()).toBe(drops ? -0x1000 : low === 0x30n ? 0x41404000 : 0x41400000);
  });

  it.each<[string, bigint, bigint, boolean]>([
    ['CFGI_CD', 0x5n | sid, 1n, true],
    ['CFGI_CD of another substream', 0x5n | sid | (1n << 12n), 1n, false],
    ['CFGI_CD_ALL', 0x6n | sid, 0n, true],
    ['CFGI_STE, which takes the contexts along', 0x3n | sid, 1n, true],
  ])('%s: a context that is no longer valid', (_, low, high, drops) => {
    put64(example.memory, 0x41010000, 0n);
    example.submit(low, high, ...SYNC);
    expect(target()).toBe(drops ? -0xa : 0x41400000);
  });

  it('the upper stream table is kept too, unless the command says otherwise', () => {
    putWords(example.memory, { '0x41040000': [0x41000009n], '0x41050600': [1n] });
    example.write64(0x80, 0x41040000n);
    example.unit.writeRegister(0x88, 0x10210);
    example.invalidateAll();
    expect(target()).toBe(0x41404000);
    put64(example.memory, 0x41040000, 0x41050009n);
    example.submit(0x3n | sid, 1n, ...SYNC);
    expect(target()).toBe(0x41404000);
    example.submit(0x3n | sid, 0n, ...SYNC);
    expect(target()).toBe(-0x1000);
  });
});

describe('second-stage translations', () => {
  it('S2_IPA drops a page of stage 2, but not what nested translation made of it (spec H72)', () => {
    const S2 = 0x044c355900000009n;
    putWords(example.memory, {
      '0x41000600': [0xdn, 0n, S2, 0x41200000n],
      '0x41000640': [0x4101000fn, 0xd4n, S2, 0x41200000n],
      '0x41200000': [0n, 0x41201003n, 0x41202003n],
      '0x41201000': Array.from({ length: 512 }, (_, i) => 0x40000000n + (BigInt(i) << 21n) + 0x7fdn),
      '0x41202018': [0x41203003n],
      '0x41203028': [0x414007ffn],
    });
    put64(example.memory, LEAF_AT, 0x80605f63n);
    example.invalidateAll();
    const alone = () => example.unit.translate(STREAM, 0x80605000, 1);
    expect([alone(), target(0x19)]).toEqual([0x41400000, 0x41400000]);
    put64(example.memory, 0x41203028, 0x414047ffn);
    example.submit(0x900000000n | 0x2an, 0x80605000n, ...SYNC);
    expect([alone(), target(0x19)]).toEqual([0x41404000, 0x41400000]);
    example.submit(0x900000000n | 0x10n, 0n, ...SYNC);
    expect(target(0x19)).toBe(0x41404000);
  });
});
