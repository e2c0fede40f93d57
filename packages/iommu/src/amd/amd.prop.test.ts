import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FewPages } from '../testing/few-pages.ts';
import { listDevices } from '../walk/list-devices.ts';
import { listMappings } from '../walk/list-mappings.ts';
import { WalkError } from '../walk/walk-error.ts';
import { walkIova } from '../walk/walk-iova.ts';
import { parseWalkUnit } from '../walk/walk-kinds.ts';
import { AMD_PRESETS } from './features.ts';
import { AmdUnit } from './hardware/amd-unit.ts';
import type { AmdDeviations } from './hardware/deviations.ts';

const PAGE = 4096;
const PAGES = 8;

/** Entries that point at each other often enough to lead somewhere; the device table is page 0. */
const entries = fc.array(
  fc.record({
    index: fc.nat({ max: PAGES * 512 - 1 }),
    page: fc.nat({ max: PAGES - 1 }),
    random: fc.bigInt(0n, 2n ** 64n - 1n),
    points: fc.boolean(),
    level: fc.nat({ max: 7 }),
  }),
  { minLength: 10, maxLength: 300 },
);
type Entries = typeof entries extends fc.Arbitrary<infer T> ? T : never;

function fill(memory: FewPages, list: Entries): void {
  for (const { index, page, random, points, level } of list) {
    const pointer = BigInt(page * PAGE) | BigInt(level << 9) | (random & 0x60800000000001ffn) | 3n;
    const value = points ? pointer : random;
    memory.store32(index * 8, Number(value & 0xffffffffn));
    memory.store32(index * 8 + 4, Number(value >> 32n));
  }
}

const request = fc.record({
  sourceId: fc.nat({ max: 127 }),
  address: fc.oneof(
    fc.nat({ max: 2 ** 31 - 1 }),
    fc.maxSafeNat().map((value) => value % 2 ** 52),
  ),
  access: fc.constantFrom('read', 'write', 'atomic' as const),
  pasid: fc.constantFrom(undefined, 0, 5, 0xfffff),
});

describe('tables of random bytes (spec H39)', () => {
  test.prop([fc.constantFrom<AmdDeviations>('spec', 'qemu'), entries, fc.array(request, { maxLength: 20 })], {
    numRuns: 150,
  })(
    'never hang the unit, never lead it outside memory, and end in a translation or an event',
    (deviations, list, requests) => {
      const memory = new FewPages(PAGES);
      fill(memory, list);
      const answers = (phys: number) => memory.has(phys, 8);
      const unit = new AmdUnit({ memory, ...AMD_PRESETS.full, deviations, answers });
      unit.writeRegister(0x10, PAGE * 7);
      unit.writeRegister(0x18, 0x11005);
      for (const { sourceId, address, access, pasid } of requests) {
        const before = memory.loads;
        const result = unit.translateRequest({ sourceId, address, access, ...(pasid !== undefined && { pasid }) });
        expect(Number.isSafeInteger(result) && result < 2 ** 53 && result >= -0x1000).toBe(true);
        expect(memory.loads - before).toBeLessThan(3000);
      }
    },
  );

  test.prop([entries], { numRuns: 100 })('never hang the command buffer', (list) => {
    const memory = new FewPages(PAGES);
    fill(memory, list);
    const answers = (phys: number) => memory.has(phys, 8);
    const unit = new AmdUnit({ memory, ...AMD_PRESETS.full, answers });
    unit.writeRegister(0x08, PAGE);
    unit.writeRegister(0x10, PAGE * 7);
    unit.writeRegister(0x18, 0x11005);
    unit.writeRegister(0x2008, 0xff0);
    unit.step();
    const isDone = unit.readRegister(0x2000) === 0xff0;
    expect(isDone).toBe((unit.readRegister(0x2020) & 0x10) !== 0);
  });

  test.prop([entries, request], { numRuns: 150 })(
    'never lead a walk of a dump outside it: a page, a reason, or an error that names what is missing',
    (list, { sourceId, address }) => {
      const memory = new FewPages(PAGES);
      fill(memory, list);
      const unit = parseWalkUnit('amd', { devtab: '0x0' });
      for (const act of [
        () => {
          const walk = walkIova(memory, unit, sourceId, address);
          expect(walk.page === undefined).toBe(walk.blocked !== undefined);
        },
        () => listMappings(memory, unit, sourceId),
      ]) {
        try {
          act();
        } catch (error) {
          expect(error).toBeInstanceOf(WalkError);
        }
      }
      expect(listDevices(memory, unit).every((device) => device < 128)).toBe(true);
    },
  );
});

it('an untouched unit lets everything pass, and one that is turned on unprogrammed reads the page at 0', () => {
  const memory = new FewPages(PAGES);
  const unit = new AmdUnit({ memory, ...AMD_PRESETS.qemu });
  expect(unit.translate(5, 0x123456, 1)).toBe(0x123456);
  unit.writeRegister(0x18, 1);
  expect(unit.translate(5, 0x123456, 1)).toBe(0x123456); // V = 0
});
