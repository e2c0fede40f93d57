import { beforeEach, describe, expect, it } from 'vitest';
import { SmmuExample, EXAMPLE_STREAM as STREAM } from '../../testing/smmuv3-example.ts';
import { put64, putWords } from '../../testing/words.ts';

const IOVA = 0x8080604000;
const BLOCK = 0x8080800000;
const S2 = 0x044c355900000009n;
let example: SmmuExample;
const translate = (address: number, isWrite: 0 | 1) => example.unit.translate(STREAM, address, isWrite);

/** The example's stage 1 over a stage 2 that maps its RAM to itself: 4 KiB pages around 0x41600000, else 2 MiB blocks. */
beforeEach(() => {
  example = new SmmuExample();
  putWords(example.memory, {
    '0x41000600': [0x4101000fn, 0xd4n, S2, 0x41200000n],
    '0x41200000': [0n, 0x41201003n],
    '0x41201000': Array.from({ length: 512 }, (_, i) => 0x40000000n + (BigInt(i) << 21n) + 0x7fdn),
    '0x41201058': [0x41203003n],
    '0x41203000': Array.from({ length: 512 }, (_, i) => 0x41600000n + (BigInt(i) << 12n) + 0x7ffn),
  });
  example.invalidateAll();
});

describe('nested translation (spec H65)', () => {
  it('has the smaller of both page sizes, and is cached by it', () => {
    put64(example.memory, 0x41203008, 0x417f07ffn);
    expect(translate(BLOCK, 1)).toBe(0x41600000);
    expect(translate(BLOCK + 0x1234, 1)).toBe(0x417f0234);
    expect(translate(BLOCK + 0x2234, 1)).toBe(0x41602234);
  });

  it('grants what both stages grant, from the cache too', () => {
    put64(example.memory, 0x41203000, 0x4160077fn);
    expect(translate(BLOCK, 0)).toBe(0x41600000);
    expect(translate(BLOCK, 1)).toBe(-0x13);
    expect(example.takeEvent()).toBe('0000001800000013 0000028000000000 0000008080800000 0000000041600000');
    expect(translate(IOVA + 0x1000, 0)).toBe(0x41401000);
    expect(translate(IOVA + 0x1000, 1)).toBe(-0x13);
    expect(example.takeEvent()?.slice(17, 33)).toBe('0000020000000000');
  });

  it('a table of stage 1 that stage 2 hides is a fault of the table fetch', () => {
    put64(example.memory, 0x41100008, 0x41600003n);
    put64(example.memory, 0x41203000, 0n);
    example.invalidateAll();
    expect(translate(IOVA, 1)).toBe(-0x10);
    expect(example.takeEvent()).toBe('0000001800000010 0000018000000000 0000008080604000 0000000041600000');
  });

  it('S2PTW keeps tables out of device memory', () => {
    put64(example.memory, 0x41201040, 0x410007fdn & ~0x3cn);
    example.invalidateAll();
    expect(translate(IOVA, 1)).toBe(-0x13);
    put64(example.memory, 0x41000610, S2 & ~(1n << 54n));
    example.invalidateAll();
    expect(translate(IOVA, 1)).toBe(0x41400000);
  });
});

describe('tables on the way', () => {
  it('H6 an upper table stays known to its whole span until an invalidation without the leaf hint', () => {
    const [asid, vmid] = [5n << 48n, 9n << 32n]; // S2VMID tags stage 1 too
    put64(example.memory, 0x41000600, 0x4101000bn);
    example.invalidateAll();
    expect(translate(IOVA, 1)).toBe(0x41400000);
    put64(example.memory, 0x41101010, 0n);
    expect(translate(BLOCK, 1)).toBe(0x41600000);
    example.submit(0x12n | asid | vmid, BigInt(BLOCK), 0x46n, 0n);
    expect(translate(BLOCK, 1)).toBe(-0x10);
  });

  it('H65 stage 2 starts in up to 16 tables side by side', () => {
    putWords(example.memory, {
      '0x41000600': [0xdn, 0n, (S2 & ~(0x3fn << 32n)) | (22n << 32n), 0x41300000n],
      '0x41300000': [0n],
      '0x41307ff8': [0x41201003n],
    });
    example.invalidateAll();
    expect(translate(0x3ffc0000000 + 0x1604567, 1)).toBe(0x41604567);
    expect(translate(2 ** 42, 1)).toBe(-0x10);
    expect(example.takeEventId()).toBe(0x10);
    put64(example.memory, 0x41000610, (S2 & ~(0x3fn << 32n)) | (20n << 32n));
    example.invalidateAll();
    expect(translate(0x1604567, 1)).toBe(-4);
  });
});
