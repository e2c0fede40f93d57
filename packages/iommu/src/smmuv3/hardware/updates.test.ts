import { describe, expect, it } from 'vitest';
import { SmmuExample, EXAMPLE_STREAM as STREAM } from '../../testing/smmuv3-example.ts';
import { putWords, word64 } from '../../testing/words.ts';
import { SMMU_PRESETS } from '../capabilities.ts';

const IOVA = 0x8080604000;
const LEAF_AT = 0x41103020;
const CD = 0x0005e204c0003510n;
const [HD, HA, AFFD] = [1n << 42n, 1n << 43n, 1n << 35n];
const DBM = 1n << 51n;

/** The example with that leaf and that context descriptor, on a unit that updates entries. */
function updating(leaf: bigint, descriptor: bigint): SmmuExample {
  const example = new SmmuExample({ ...SMMU_PRESETS.full, idr5: SMMU_PRESETS.qemu.idr5 });
  putWords(example.memory, { '0x41010000': [descriptor], [LEAF_AT]: [leaf] });
  example.invalidateAll();
  return example;
}

describe('access flag and dirty state of stage 1 (spec H13b, H64)', () => {
  it.each([
    ['AF = 0 is a fault', CD, 0x41400363n, -0x12, 0x41400363n],
    ['AFFD: it is none', CD | AFFD, 0x41400363n, 0x41400000, 0x41400363n],
    ['HA: hardware sets it', CD | HA, 0x41400363n, 0x41400000, 0x41400763n],
  ])('%s', (_, descriptor, leaf, result, after) => {
    const example = updating(leaf, descriptor);
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(result);
    expect(word64(example.memory, LEAF_AT)).toBe(after);
  });

  it('HD: the first write makes a clean page dirty, also after a read has cached it', () => {
    const example = updating(0x414007e3n | DBM, CD | HA | HD);
    expect(example.unit.translate(STREAM, IOVA, 0)).toBe(0x41400000);
    expect(word64(example.memory, LEAF_AT)).toBe(0x414007e3n | DBM);
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(0x41400000);
    expect(word64(example.memory, LEAF_AT)).toBe(0x41400763n | DBM);
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(0x41400000);
  });

  it('a read-only page without DBM, or a unit without HD, refuses the write', () => {
    for (const example of [updating(0x414007e3n, CD | HA | HD), updating(0x414007e3n | DBM, CD | HA)]) {
      expect(example.unit.translate(STREAM, IOVA, 1)).toBe(-0x13);
      expect(word64(example.memory, LEAF_AT) & 0x80n).toBe(0x80n);
    }
  });

  it('a request that is refused leaves the entry alone', () => {
    const example = updating(0x414003e3n, CD | HA | HD);
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(-0x13);
    expect(word64(example.memory, LEAF_AT)).toBe(0x414003e3n);
  });
});

it('stage 2 sets its access flag, and its write right when a clean page is written', () => {
  const example = updating(0n, CD);
  putWords(example.memory, {
    '0x41000600': [0xdn, 0n, 0x044c355900000009n | (3n << 55n), 0x41101000n],
    [LEAF_AT]: [0x4140037fn | DBM],
  });
  example.invalidateAll();
  expect(example.unit.translate(STREAM, 0x80604000, 0)).toBe(0x41400000);
  expect(word64(example.memory, LEAF_AT)).toBe(0x4140077fn | DBM);
  expect(example.unit.translate(STREAM, 0x80604000, 1)).toBe(0x41400000);
  expect(word64(example.memory, LEAF_AT)).toBe(0x414007ffn | DBM);
});
