import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { ActiveCachelines, NO_OVERLAP } from './active-cachelines.ts';
import { EntryTable, NONE } from './entry-table.ts';
import { CheckState, EntryType } from './entry-type.ts';

interface Plain {
  readonly entry: number;
  readonly device: number;
  readonly address: number;
  readonly size: number;
  readonly dir: number;
}

const step = fc.record({
  remove: fc.boolean(),
  device: fc.integer({ min: 0, max: 1 }),
  address: fc.constantFrom(0x1000, 0x2000, 0x3ff0, 0x8001000, 0x8002000, 0x2_0000_1000),
  size: fc.constantFrom(16, 4096, 20000),
  dir: fc.integer({ min: 0, max: 2 }),
});

/** The search of spec D82, written out over a list of all entries. */
function search(all: readonly Plain[], want: Plain, fits: (one: Plain) => boolean): number {
  const candidates = all.filter((one) => one.device === want.device && fits(one));
  const perfect = candidates.find((one) => one.size === want.size && one.dir === want.dir);
  return perfect?.entry ?? (candidates.length === 1 ? candidates[0].entry : NONE);
}

describe('the entry table', () => {
  test.prop([fc.array(step, { maxLength: 60 })], { numRuns: 200 })(
    'D81 D82 D83 finds what a list of all entries finds, and counts what is free',
    (steps) => {
      const table = new EntryTable(32);
      let all: Plain[] = [];
      for (const { remove, ...want } of steps) {
        const sameBucket = (one: Plain) => one.address === want.address;
        const found = table.findExact(want.device, want.address, want.size, EntryType.PHY, want.dir, 0);
        expect(found).toBe(search(all, { ...want, entry: NONE }, sameBucket));
        if (remove && found !== NONE) {
          table.unlink(found);
          table.release(found);
          all = all.filter(({ entry }) => entry !== found);
        } else if (!remove) {
          if (table.full) table.addEntries(32);
          const entry = table.alloc(EntryType.PHY, want.dir, CheckState.NOT_CHECKED);
          table.address[entry] = want.address;
          table.size[entry] = want.size;
          table.device[entry] = want.device;
          table.link(entry);
          all.push({ entry, ...want });
        }
        expect(table.totalEntries - table.freeEntries).toBe(all.length);
        expect(new Set(table.live())).toEqual(new Set(all.map(({ entry }) => entry)));
      }
    },
  );
});

describe('active cachelines', () => {
  const move = fc.tuple(fc.boolean(), fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 2 ** 40 })));

  test.prop([fc.array(move, { maxLength: 400 })], { numRuns: 100 })(
    'D94 counts like a map from line to first entry and overlap',
    (moves) => {
      const lines = new ActiveCachelines();
      const model = new Map<number, { first: number; overlap: number }>();
      for (const [i, [insert, line]] of moves.entries()) {
        const known = model.get(line);
        if (insert) {
          expect(lines.insert(line, i)).toBe(known?.first ?? NO_OVERLAP);
          if (known === undefined) model.set(line, { first: i, overlap: 0 });
          else known.overlap = Math.min(7, known.overlap + 1);
        } else {
          lines.remove(line);
          if (known !== undefined && known.overlap-- === 0) model.delete(line);
        }
        expect(lines.overlap(line)).toBe(model.get(line)?.overlap ?? -1);
      }
    },
  );
});
