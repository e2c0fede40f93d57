import { PhysMemory } from '@dmalab/phys-memory';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { put64, word64 } from '../../testing/words.ts';
import { SMMU_PRESETS } from '../capabilities.ts';
import { SmmuV3Unit } from './smmuv3-unit.ts';

const TABLES = 0x4000_0000;
const STREAM = 3;
const TG = { 12: 0n, 14: 2n, 16: 1n } as const;
type Granule = keyof typeof TG;

/** A unit with one stream in stage 1, the top table at `TABLES`. */
function unitFor(memory: PhysMemory, granule: Granule, t0sz: number): SmmuV3Unit {
  const unit = new SmmuV3Unit({ memory, ...SMMU_PRESETS.qemu });
  put64(memory, 0x1000 + STREAM * 64, 0x2000n | 0xbn);
  put64(memory, 0x2000, 0x0005e204c0003500n | (TG[granule] << 6n) | BigInt(t0sz));
  put64(memory, 0x2008, BigInt(TABLES));
  for (const [offset, value] of [
    [0x80, 0x1000],
    [0x88, 4],
    [0x20, 1],
  ])
    unit.writeRegister(offset, value);
  return unit;
}

/**
 * The architecture's walk in its plainest form, with big integers throughout: physical address, or the negative event id.
 * Start level and table sizes come from counting down from level 3 until the input fits.
 */
function reference(memory: PhysMemory, granule: Granule, t0sz: number, iova: bigint, isWrite: boolean): number {
  const g = BigInt(granule);
  const stride = g - 3n;
  const inputBits = 64n - BigInt(t0sz);
  if (iova >> inputBits !== 0n) return -0x10;
  let level = 3n;
  while (g + (4n - level) * stride < inputBits) level--;
  let table = BigInt(TABLES);
  let readOnly = false;
  let userBlocked = false;
  for (; ; level++) {
    const shift = g + (3n - level) * stride;
    const top = g + (4n - level) * stride >= inputBits;
    const index = (iova >> shift) & (top ? (1n << (inputBits - shift)) - 1n : (1n << stride) - 1n);
    const entry = word64(memory, Number(table + index * 8n));
    const type = entry & 3n;
    const address = entry & 0xffff_ffff_ffffn;
    if (type === 3n && level < 3n) {
      if ((address >> g) << g >= 1n << 44n) return -0x11;
      readOnly ||= ((entry >> 62n) & 1n) === 1n;
      userBlocked ||= ((entry >> 61n) & 1n) === 1n;
      table = (address >> g) << g;
      continue;
    }
    const isBlock = type === 1n && (level === 2n || (level === 1n && granule === 12));
    if (!isBlock && !(type === 3n && level === 3n)) return -0x10;
    if (((entry >> 10n) & 1n) === 0n) return -0x12;
    const mayUse = ((entry >> 6n) & 1n) === 1n && !userBlocked;
    const mayWrite = ((entry >> 7n) & 1n) === 0n && !readOnly;
    if (!mayUse || (isWrite && !mayWrite)) return -0x13;
    const page = (address >> shift) << shift;
    return page >= 1n << 44n ? -0x11 : Number(page | (iova & ((1n << shift) - 1n)));
  }
}

const granules: fc.Arbitrary<Granule> = fc.constantFrom(12, 14, 16);
/** Mostly sound entries: one of the first few tables, with APTable now and then, or a leaf; sometimes anything. */
const entries = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.nat({ max: 5 }), fc.constantFrom(0n, 0n, 0n, 1n, 2n)).map(
      ([table, rights]) =>
        (tableBytes: number) =>
          BigInt(TABLES + table * tableBytes) | 3n | (rights << 61n),
    ),
  },
  { weight: 3, arbitrary: fc.nat({ max: 0xfff }).map((low) => () => 0x5000_0000n | BigInt(low) | 0x441n) },
  { weight: 2, arbitrary: fc.nat({ max: 0xfff }).map((low) => () => 0x5000_0000n | BigInt(low) | 0x443n) },
  { weight: 1, arbitrary: fc.constantFrom(0x1000_5000_0443n, 0x1000_4000_0003n).map((wide) => () => wide) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((entry) => () => entry) },
);
/** Entries that each table has. */
const FILLED = 8;
/** An index for each level, and an offset: whatever the granule, the walk goes by entries that are there. */
const addresses = fc
  .tuple(
    fc.array(fc.nat({ max: FILLED - 1 }), { minLength: 4, maxLength: 4 }),
    fc.nat({ max: 4095 }),
    fc.nat({ max: 20 }),
  )
  .map(([indices, offset, rare]) => (granule: Granule) => {
    const path = indices.reduceRight(
      (sum, index, level) => sum + BigInt(index) * 2n ** BigInt(granule + level * (granule - 3)),
      0n,
    );
    return (rare === 0 ? 2n ** 48n : 0n) + (path % 2n ** 48n) + BigInt(offset);
  });

describe('a stage 1 walk (spec H63, H64, H70)', () => {
  test.prop([
    granules,
    fc.integer({ min: 16, max: 39 }),
    fc.array(entries, { minLength: 4, maxLength: 8 }),
    fc.array(addresses, { minLength: 1, maxLength: 6 }),
    fc.boolean(),
  ])('ends where a plain reading of the architecture says, for any tables', (granule, t0sz, made, paths, isWrite) => {
    const memory = new PhysMemory();
    const tableBytes = 2 ** granule;
    for (let at = 0; at < 6 * FILLED; at++) {
      const table = Math.floor(at / FILLED);
      put64(memory, TABLES + table * tableBytes + (at % FILLED) * 8, made[(at * 7 + table) % made.length](tableBytes));
    }
    const unit = unitFor(memory, granule, t0sz);
    for (const path of paths) {
      const address = path(granule);
      const expected = reference(memory, granule, t0sz, address, isWrite);
      expect(unit.translate(STREAM, Number(address), isWrite ? 1 : 0)).toBe(expected);
      expect(unit.translate(STREAM, Number(address), isWrite ? 1 : 0)).toBe(expected);
    }
  });
});
