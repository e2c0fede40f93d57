import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { FewPages } from '../testing/few-pages.ts';
import { listMappings } from '../walk/list-mappings.ts';
import { WalkError } from '../walk/walk-error.ts';
import { walkIova } from '../walk/walk-iova.ts';
import { parseWalkUnit } from '../walk/walk-kinds.ts';
import type { WalkUnit } from '../walk/walk-unit.ts';
import { RISCV_PRESETS } from './capabilities.ts';
import { RiscvUnit } from './hardware/riscv-unit.ts';
import { RISCV_INTERRUPT_FILE } from './hardware/translator.ts';

const PAGE = 4096;
const TABLES = 8;

type Preset = keyof typeof RISCV_PRESETS;
const presets: Preset[] = ['qemuPci', 'qemuBase', 'full'];

/** Indices that entries stand at and addresses lead to: few, so that they meet. */
const INDICES = 4;
const pointer = fc.integer({ min: 2, max: TABLES - 1 }).map((page) => (BigInt(page) << 10n) | 1n);
/** Pages at multiples of 1 GiB, which are aligned on every level but the highest two. */
const leaf = fc
  .tuple(fc.nat({ max: 3 }), fc.constantFrom(0xdfn, 0xd7n, 0x5bn, 0x53n, 0xd9n, 0x13n, 0x57n, 0xc7n))
  .map(([gigabytes, flags]) => (BigInt(gigabytes) << 28n) | flags);
const napot = fc.nat({ max: 15 }).map((page) => (1n << 63n) | (BigInt(page * 16 + 8) << 10n) | 0xd7n);
/** What stands at one of the first places of each table: mostly something that leads on. */
const qword = fc.oneof(
  { weight: 6, arbitrary: pointer },
  { weight: 4, arbitrary: leaf },
  { weight: 1, arbitrary: napot },
  { weight: 1, arbitrary: fc.bigInt(0n, 2n ** 64n - 1n) },
  { weight: 1, arbitrary: fc.constant(0n) },
);
const entries = fc.array(qword, { minLength: TABLES * INDICES, maxLength: TABLES * INDICES });
/** Contexts that are well formed more often than chance has it, for device ids 0 to 3. */
const contexts = fc.array(
  fc.record({
    tc: fc.constantFrom(0x1n, 0x1n, 0x21n, 0x221n, 0x3n, 0x181n, 0x11n),
    gatp: fc.constantFrom(0n, 0n, (8n << 60n) | 4n, (9n << 60n) | 4n),
    fsc: fc.constantFrom(0n, (8n << 60n) | 2n, (8n << 60n) | 3n, (9n << 60n) | 3n, (10n << 60n) | 2n, (1n << 60n) | 3n),
    msi: fc.constantFrom(0n, 0n, (1n << 60n) | 5n),
  }),
  { minLength: 4, maxLength: 4 },
);
/** Addresses whose indices are those of entries, and others. */
const address = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(fc.array(fc.nat({ max: INDICES - 1 }), { minLength: 5, maxLength: 5 }), fc.integer({ min: 1, max: 5 }))
      .map(([indices, levels]) =>
        indices.slice(0, levels).reduce((sum, index, level) => sum + index * 2 ** (12 + 9 * level), 8),
      ),
  },
  { weight: 1, arbitrary: fc.maxSafeNat().map((value) => value % 2 ** 52) },
);
const request = fc.record({
  sourceId: fc.constantFrom(0, 1, 2, 3, 0x18, 0x12345),
  address: address.map((value) => value % 2 ** 52),
  access: fc.constantFrom('read', 'write', 'atomic') as fc.Arbitrary<'read' | 'write' | 'atomic'>,
  pasid: fc.option(fc.nat({ max: 300 }), { nil: undefined, freq: 1 }),
});

function store64(memory: FewPages, at: number, value: bigint): void {
  memory.store32(at, Number(value & 0xffffffffn));
  memory.store32(at + 4, Number(value >> 32n));
}

function fill(
  memory: FewPages,
  preset: Preset,
  qwords: readonly bigint[],
  devices: readonly { tc: bigint; gatp: bigint; fsc: bigint; msi: bigint }[],
): void {
  for (const [at, value] of qwords.entries()) {
    store64(memory, Math.floor(at / INDICES) * PAGE + (at % INDICES) * 8, value);
  }
  const bytes = preset === 'qemuBase' ? 32 : 64;
  for (const [id, { tc, gatp, fsc, msi }] of devices.entries()) {
    const words = [tc, gatp, 0x5000n, fsc, msi, 3n, 0x10n, 0n].slice(0, bytes / 8);
    for (const [word, value] of words.entries()) store64(memory, id * bytes + word * 8, value);
  }
}

describe('tables of random bytes', () => {
  test.prop(
    [
      fc.constantFrom(...presets),
      fc.constantFrom(2, 2, 2, 3, 4),
      entries,
      contexts,
      fc.array(request, { maxLength: 20 }),
    ],
    { numRuns: 150 },
  )(
    'never hang the unit, never lead it outside memory, and end in a translation or a fault',
    (preset, mode, qwords, devices, requests) => {
      const memory = new FewPages(TABLES);
      fill(memory, preset, qwords, devices);
      const unit = new RiscvUnit({
        memory,
        capabilities: RISCV_PRESETS[preset],
        answers: (phys) => memory.has(phys, 64),
      });
      unit.writeRegister(0x10, mode);
      for (const { pasid, ...rest } of requests) {
        const before = memory.loads;
        const result = unit.translateRequest(pasid === undefined ? rest : { ...rest, pasid });
        expect(Number.isSafeInteger(result)).toBe(true);
        expect(result < 2 ** 52 && result >= RISCV_INTERRUPT_FILE).toBe(true);
        expect(memory.loads - before).toBeLessThan(2000);
        // Asked again without its cache, the unit says the same of what it has just said.
        if (result >= 0 && pasid === undefined && rest.access !== 'atomic') {
          expect(unit.translate(rest.sourceId, rest.address, rest.access === 'write' ? 1 : 0)).toBe(result);
        }
      }
    },
  );

  test.prop([fc.constantFrom(...presets), fc.constantFrom(2, 2, 2, 3, 4), entries, contexts, request], {
    numRuns: 150,
  })(
    'never lead a walk or a listing of a dump outside it: a page, a reason, or an error that names what is missing',
    (preset, mode, qwords, devices, { sourceId, address }) => {
      const memory = new FewPages(TABLES);
      fill(memory, preset, qwords, devices);
      const unit = parseWalkUnit('riscv', { ddtp: mode, capabilities: `0x${RISCV_PRESETS[preset].toString(16)}` });
      const named = <T>(act: () => T): T | undefined => {
        try {
          return act();
        } catch (error) {
          expect(error).toBeInstanceOf(WalkError);
          return undefined;
        }
      };
      const walk = named(() => walkIova(memory, unit, sourceId, address));
      if (walk !== undefined) expect(walk.page === undefined).toBe(walk.blocked !== undefined);
      const listing = named(() => listMappings(memory, unit, sourceId));
      if (listing !== undefined) expect(listing.ranges.leaves).toBeGreaterThanOrEqual(listing.ranges.count);
    },
  );

  test.prop(
    [fc.constantFrom(8n, 9n, 10n), fc.boolean(), entries, fc.array(address, { minLength: 40, maxLength: 40 })],
    {
      numRuns: 60,
    },
  )('lead the walk of a dump where they lead the unit, and nowhere else', (mode, setsMarks, qwords, addresses) => {
    const memory = new FewPages(TABLES);
    const context = { tc: setsMarks ? 0x101n : 1n, gatp: 0n, fsc: (mode << 60n) | 2n, msi: 0n };
    // A dump's reader looks for no reserved bits and knows no limit to physical addresses; and a unit that has seen one
    // entry of 64 KiB doesn't look at the fifteen others, which here are not the same.
    const plain = qwords.map((value) => value & (2n ** 50n - 1n));
    fill(memory, 'full', plain, [context]);
    const walked = parseWalkUnit('riscv', { ddtp: 2, capabilities: `0x${RISCV_PRESETS.full.toString(16)}` });
    const unit = new RiscvUnit({ memory, capabilities: RISCV_PRESETS.full, answers: (phys) => memory.has(phys, 8) });
    unit.writeRegister(0x10, 2);
    for (const iova of addresses) {
      const page = pageAt(memory, walked, iova);
      const reached = ([0, 1] as const).map((isWrite) => unit.translate(0, iova, isWrite));
      const expected = [page?.readable, page?.writable].map((allowed) => (allowed === true ? page?.phys : undefined));
      expect(reached.map((phys) => (phys < 0 ? undefined : phys))).toEqual(expected);
    }
  });
});

/** Where the dump's tables lead; undefined where they block, or where a table isn't in it. */
function pageAt(memory: FewPages, unit: WalkUnit, iova: number) {
  try {
    return walkIova(memory, unit, 0, iova).page;
  } catch (error) {
    expect(error).toBeInstanceOf(WalkError);
    return undefined;
  }
}
