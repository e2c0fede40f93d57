import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { PhysMemory, readElfCore } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { putWords } from '../testing/words.ts';
import { checkMappings, parseExpectedMappings } from './check-mappings.ts';
import { formatDevice, parseDevice } from './device-address.ts';
import { listDevices } from './list-devices.ts';
import { listMappings } from './list-mappings.ts';
import type { DumpMemory } from './table-dump.ts';
import { parseVtdRegisters } from './vtd/vtd-registers.ts';
import { VtdWalkUnit } from './vtd/vtd-walk-unit.ts';
import { walkIova } from './walk-iova.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
const dump = readElfCore(gunzipSync(fixture('vtd-legacy.elf.gz')));
const expected = JSON.parse(fixture('vtd-legacy.expected.json').toString());
const registers = parseVtdRegisters(expected);
const unit = new VtdWalkUnit(registers);
const unitOf = (file: unknown) => new VtdWalkUnit(parseVtdRegisters(file));

/** A dump of a few pages that a test fills. */
class Pages implements DumpMemory {
  readonly memory = new PhysMemory();
  readonly #held: ReadonlySet<number>;
  constructor(held: readonly number[], words: Readonly<Record<string, readonly bigint[]>>) {
    this.#held = new Set(held);
    putWords(this.memory, words);
  }
  has(at: number): boolean {
    return this.#held.has(at);
  }
  read(at: number, into: Uint8Array): void {
    if (!this.has(at)) throw new Error(`read outside the dump: ${at}`);
    this.memory.read(at, into);
  }
}

describe('a snapshot of a real kernel, legacy mode (spec H30)', () => {
  it('reads the registers; GSTS is the low half of the wide value', () => {
    expect(registers.rootTable).toBe(0x01928000);
    expect(registers.tableMode).toBe(0);
    expect(registers.translationEnabled).toBe(true);
    const off = { ...expected.registers, gsts: '0xc400000040000000' };
    expect(parseVtdRegisters(off).translationEnabled).toBe(false);
  });

  it('agrees on every page of every live mapping', () => {
    const check = checkMappings(dump, unit, parseExpectedMappings(expected));
    expect(check).toEqual({ checked: 304, agree: 304, mismatches: [] });
  });

  it('names a page that goes elsewhere, and one that goes nowhere', () => {
    const wrong = [
      { sourceId: 0x10, iova: 0xfffff000, phys: 0x1000, lengthBytes: 1 },
      { sourceId: 0x10, iova: 0xffffd000, phys: 0x1000, lengthBytes: 1 },
    ];
    expect(checkMappings(dump, unit, wrong)).toEqual({
      checked: 2,
      agree: 0,
      mismatches: [
        { device: '00:02.0', iova: 0xfffff000, expected: 0x1000, found: 0x2bb9000 },
        { device: '00:02.0', iova: 0xffffd000, expected: 0x1000, blocked: 'the level 1 entry is not present' },
      ],
    });
  });

  it('shows the way level by level, entries decoded', () => {
    const walk = walkIova(dump, unit, parseDevice('0000:00:02.0'), 0xffffe200);
    expect(walk.page).toEqual({ phys: 0x028b7200, pageBytes: 4096, readable: true, writable: true });
    expect(walk.domainId).toBe(4);
    expect(walk.steps.map(({ table, level, at, entry }) => [table, level, at, ...entry])).toEqual([
      ['root', 0, 0x01928000, '0000000001f11001', '0000000000000000'],
      ['context', 0, 0x01f11100, '000000000284a001', '0000000000000402'],
      ['second-stage', 4, 0x0284a000, '0000000002bba403'],
      ['second-stage', 3, 0x02bba018, '0000000002bbc403'],
      ['second-stage', 2, 0x02bbcff8, '0000000002bbb403'],
      ['second-stage', 1, 0x02bbbff0, '00000000028b7003'],
    ]);
    expect(walk.steps[1].fields).toEqual({ P: 1, SSPTPTR: '0x284a000', AW: 2, DID: 4 });
    expect(walk.steps[2].fields).toEqual({ R: 1, W: 1, SW10: 1, ADDR: '0x2bba000' });
  });

  it('finds every device that has a context entry', () => {
    const devices = listDevices(dump, unit).map(formatDevice);
    expect(devices).toEqual(expect.arrayContaining(['00:02.0', '00:03.0', '00:1f.0']));
  });

  it('lists all mappings as ranges: the ISA bridge has the first 16 MiB, the network card 255 write-only pages', () => {
    const isa = listMappings(dump, unit, parseDevice('00:1f.0'));
    expect([...isa.ranges]).toEqual([{ iova: 0, phys: 0, lengthBytes: 0x1000000, rights: IOMMU_READ | IOMMU_WRITE }]);
    expect(isa.ranges.leaves).toBe(8);
    const card = listMappings(dump, unit, parseDevice('00:03.0'));
    const writeOnly = [...card.ranges].filter(({ rights }) => rights === IOMMU_WRITE);
    expect(writeOnly.reduce((pages, { lengthBytes }) => pages + lengthBytes / 4096, 0)).toBe(255);
    expect(card.absent).toEqual([]);
    expect(card.truncated).toBe(false);
  });
});

describe('scalable mode (spec H31)', () => {
  const held = [0x01000000, 0x01001000, 0x01003000, 0x01004000, 0x01010000, 0x01011000, 0x01012000, 0x01013000];
  const words = {
    '0x01000000': [0x01001001n, 0x01002001n],
    '0x01001300': [0x01003001n],
    '0x01003000': [0x01004001n],
    '0x01004000': [0x49n, 7n, 0x01010000n],
    '0x01010008': [0x01011007n],
    '0x01011010': [0x01012007n],
    '0x01012018': [0x01013007n],
    '0x01013020': [0x01200007n],
    '0x01013028': [0x01201005n],
  };
  const scalable = unitOf({
    rtaddr: '0x1000400',
    cap: '0x81d2008c222f0606',
    ecap: '0x880000f00f4a',
    gsts: '0xc4000000',
  });

  it('walks root, context, PASID directory, PASID entry and the first stage', () => {
    const walk = walkIova(new Pages(held, words), scalable, 0x18, 0x8080604567);
    expect(walk.translation).toBe('first-stage');
    expect(walk.domainId).toBe(7);
    expect(walk.page?.phys).toBe(0x01200567);
    expect(walk.steps.map(({ table }) => table).slice(0, 5)).toEqual([
      'root',
      'context',
      'pasid-directory',
      'pasid',
      'first-stage',
    ]);
    expect(walkIova(new Pages(held, words), scalable, 0x18, 0x8080605000).page?.writable).toBe(false);
    expect(walkIova(new Pages(held, words), scalable, 0x18, 0x8080606000).blocked).toBe(
      'the level 1 entry is not present',
    );
    expect(walkIova(new Pages(held, words), scalable, 0x18, 2 ** 47).blocked).toMatch(/past what 4 levels translate/);
    expect(listDevices(new Pages([...held, 0x01002000], words), scalable)).toEqual([0x18]);
  });

  it('walks the second stage and passes through', () => {
    const second = { ...words, '0x01004000': [0x01010089n, 7n], '0x01010008': [0x01011003n] };
    expect(walkIova(new Pages(held, second), scalable, 0x18, 0x8080604567).page?.phys).toBe(0x01200567);
    const pass = { ...words, '0x01004000': [0x109n, 7n] };
    expect(walkIova(new Pages(held, pass), scalable, 0x18, 0x1234).page).toEqual({
      phys: 0x1234,
      pageBytes: 0,
      readable: true,
      writable: true,
    });
  });

  it('refuses nested translation by name', () => {
    const nested = { ...words, '0x01004000': [0x010100c9n, 7n, 0x01010000n] };
    expect(() => walkIova(new Pages(held, nested), scalable, 0x18, 0)).toThrow(/nested translation/);
  });
});

describe('input that lacks something is refused by name', () => {
  const { gsts: _, ...withoutGsts } = expected.registers;
  it.each([
    [() => parseVtdRegisters({ registers: withoutGsts }), 'the register file lacks "gsts"'],
    [() => parseVtdRegisters({ ...expected.registers, cap: 'zz' }), '"cap" is "zz"'],
    [() => parseVtdRegisters([]), 'the register file must be an object'],
    [() => parseExpectedMappings({}), 'lacks "mappings"'],
    [
      () => parseExpectedMappings({ mappings: [{ device: '00:02.0', iova: '0x1' }] }),
      'mapping 0 of the expected list lacks "phys"',
    ],
    [() => parseDevice('2.0'), '"2.0" is no device'],
    [() => walkIova(dump, unit, 0x30, 0), 'device 00:06.0 has no context entry'],
    [() => walkIova(dump, unit, 0x4000, 0), 'device 40:00.0 has no root entry'],
    [() => walkIova(new Pages([], {}), unit, 0x10, 0), 'the dump does not hold 0x1928000, the page of the root table'],
    [() => walkIova(dump, new VtdWalkUnit({ ...registers, tableMode: 3 }), 0x10, 0), 'table mode 3'],
    [() => walkIova(dump, unit, 0x10, -1), 'is no I/O virtual address'],
  ])('case %#: %s', (act, message) => {
    expect(act).toThrow(message);
    expect(act).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_WALK_/) }));
  });

  it('a listing says which tables are absent and goes on', () => {
    const words = {
      '0x00001000': [0x2001n],
      '0x00002000': [0x3001n, 0x102n],
      '0x00003000': [0x4003n, 0x5003n],
      '0x00005000': [0x80083n],
    };
    const pages = new Pages([0x1000, 0x2000, 0x3000, 0x5000], words);
    const small = unitOf({ ...expected.registers, rtaddr: '0x1000' });
    const listing = listMappings(pages, small, 0);
    expect(listing.absent).toEqual([{ phys: 0x4000, iova: 0, level: 3 }]);
    expect(listing.ranges.count).toBe(0);
    expect(() => walkIova(pages, small, 0, 0)).toThrow('the dump does not hold 0x4000, the page of the level 3');
  });

  it.each([
    [0x80083n, 'the level 3 entry has address bits below its page size: they are reserved'],
    [0x40000083n, undefined],
  ])('H18 a 1 GiB entry %x: alignment bits are reserved, not masked', (entry, blocked) => {
    const words = {
      '0x00001000': [0x2001n],
      '0x00002000': [0x3001n, 0x102n],
      '0x00003000': [0x4003n],
      '0x00004000': [entry],
    };
    const pages = new Pages([0x1000, 0x2000, 0x3000, 0x4000], words);
    const small = unitOf({ ...expected.registers, rtaddr: '0x1000' });
    expect(walkIova(pages, small, 0, 0x123).blocked).toBe(blocked);
    expect(listMappings(pages, small, 0).ranges.count).toBe(blocked === undefined ? 1 : 0);
  });

  it('tables that point at themselves end the listing', () => {
    const words = {
      '0x00001000': [0x2001n],
      '0x00002000': [0x3001n, 0x102n],
      12288: Array.from({ length: 512 }, () => 0x3003n),
    };
    const small = unitOf({ ...expected.registers, rtaddr: '0x1000' });
    expect(listMappings(new Pages([0x1000, 0x2000, 0x3000], words), small, 0).truncated).toBe(true);
  });
});
