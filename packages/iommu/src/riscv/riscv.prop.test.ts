import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { listMappings } from '../walk/list-mappings.ts';
import { WalkError } from '../walk/walk-error.ts';
import { walkIova } from '../walk/walk-iova.ts';
import { parseWalkUnit } from '../walk/walk-kinds.ts';
import { RISCV_PRESETS } from './capabilities.ts';
import { RiscvUnit } from './hardware/riscv-unit.ts';
import { RISCV_INTERRUPT_FILE } from './hardware/translator.ts';

const PAGE = 4096;
const TABLES = 8;

type Preset = keyof typeof RISCV_PRESETS;
const presets: Preset[] = ['qemuPci', 'qemuBase', 'full'];

/** Loads outside the eight pages are an error of ours. */
class FewPages {
  readonly #words = new Uint32Array(TABLES * 1024);
  loads = 0;
  load32(at: number): number {
    this.loads++;
    if (!this.has(at, 4)) throw new Error(`read outside memory: 0x${at.toString(16)}`);
    return this.#words[at / 4];
  }
  store32(at: number, value: number): void {
    if (!this.has(at, 4)) throw new Error(`write outside memory: 0x${at.toString(16)}`);
    this.#words[at / 4] = value;
  }
  has(at: number, lengthBytes: number): boolean {
    return at >= 0 && at + lengthBytes <= TABLES * PAGE;
  }
  read(at: number, into: Uint8Array): void {
    if (!this.has(at, into.length)) throw new Error(`read outside memory: 0x${at.toString(16)}`);
    into.set(new Uint8Array(this.#words.buffer, at, into.length));
  }
}

/**
 * Qwords of which most point at a page of memory, as tables do: by a PPN from bit 10 on, or by one from bit 0 on with a
 * mode, so that contexts, directories and paging tables lead somewhere.
 */
const entry = fc.tuple(
  fc.nat({ max: TABLES * 512 - 1 }),
  fc.oneof(
    fc
      .tuple(fc.nat({ max: TABLES - 1 }), fc.constantFrom(0x1n, 0x1n, 0xdfn, 0xd7n, 0x5bn, 0x13n))
      .map(([page, flags]) => (BigInt(page) << 10n) | flags),
    fc
      .tuple(fc.nat({ max: TABLES - 1 }), fc.constantFrom(0n, 1n, 2n, 8n, 9n, 10n))
      .map(([page, mode]) => (mode << 60n) | BigInt(page)),
    fc.bigInt(0n, 2n ** 64n - 1n),
  ),
);
const tables = fc.array(entry, { minLength: 10, maxLength: 600 });
/** Contexts that are well formed more often than chance has it, for device ids 0 to 3. */
const contexts = fc.array(
  fc.record({
    tc: fc.constantFrom(0x1n, 0x1n, 0x21n, 0x221n, 0x3n, 0x181n, 0x11n),
    gatp: fc.constantFrom(0n, 0n, (8n << 60n) | 4n, (9n << 60n) | 4n),
    fsc: fc.constantFrom(0n, (8n << 60n) | 2n, (9n << 60n) | 3n, (10n << 60n) | 2n, (1n << 60n) | 3n),
    msi: fc.constantFrom(0n, 0n, (1n << 60n) | 5n),
  }),
  { minLength: 4, maxLength: 4 },
);
const request = fc.record({
  sourceId: fc.constantFrom(0, 1, 2, 3, 0x18, 0x12345),
  address: fc.oneof(
    fc.nat({ max: 2 ** 24 }),
    fc.maxSafeNat().map((value) => value % 2 ** 52),
  ),
  access: fc.constantFrom('read', 'write', 'atomic') as fc.Arbitrary<'read' | 'write' | 'atomic'>,
  pasid: fc.option(fc.nat({ max: 300 }), { nil: undefined }),
});

function store64(memory: FewPages, at: number, value: bigint): void {
  memory.store32(at, Number(value & 0xffffffffn));
  memory.store32(at + 4, Number(value >> 32n));
}

function fill(
  memory: FewPages,
  preset: Preset,
  entries: readonly (readonly [number, bigint])[],
  devices: readonly { tc: bigint; gatp: bigint; fsc: bigint; msi: bigint }[],
): void {
  for (const [index, value] of entries) store64(memory, index * 8, value);
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
      fc.integer({ min: 2, max: 4 }),
      tables,
      contexts,
      fc.array(request, { maxLength: 20 }),
    ],
    { numRuns: 150 },
  )(
    'never hang the unit, never lead it outside memory, and end in a translation or a fault',
    (preset, mode, entries, devices, requests) => {
      const memory = new FewPages();
      fill(memory, preset, entries, devices);
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

  test.prop([fc.constantFrom(...presets), fc.integer({ min: 2, max: 4 }), tables, contexts, request], { numRuns: 150 })(
    'never lead a walk or a listing of a dump outside it: what the unit reaches, a reason, or an error that names what is missing',
    (preset, mode, entries, devices, { sourceId, address }) => {
      const memory = new FewPages();
      fill(memory, preset, entries, devices);
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
      const device = new RiscvUnit({
        memory,
        capabilities: RISCV_PRESETS[preset],
        answers: (phys) => memory.has(phys, 64),
      });
      device.writeRegister(0x10, mode);
      const reached = device.translate(sourceId, address, 0);
      if (reached >= 0 && walk !== undefined) expect(walk.page?.phys).toBe(reached);
      const listing = named(() => listMappings(memory, unit, sourceId));
      if (listing !== undefined) expect(listing.ranges.leaves).toBeGreaterThanOrEqual(listing.ranges.count);
    },
  );
});
