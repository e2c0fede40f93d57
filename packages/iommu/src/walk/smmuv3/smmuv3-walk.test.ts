import { beforeEach, describe, expect, it } from 'vitest';
import { SmmuExample } from '../../testing/smmuv3-example.ts';
import { put64, putWords } from '../../testing/words.ts';
import { listDevices } from '../list-devices.ts';
import { listMappings } from '../list-mappings.ts';
import type { DumpMemory } from '../table-dump.ts';
import { walkIova } from '../walk-iova.ts';
import { parseWalkUnit } from '../walk-kinds.ts';

const REGISTERS = {
  strtab_base: '0x4000000041000000',
  strtab_base_cfg: '0x8',
  cr0: '0xd',
  idr0: '0x0d44101b',
  idr1: '0x02730010',
  idr5: '0x74',
};
const unit = parseWalkUnit('smmuv3', REGISTERS);
let example: SmmuExample;
let dump: DumpMemory;

const walk = (iova: number) => walkIova(dump, unit, 0x18, iova);

beforeEach(() => {
  example = new SmmuExample();
  dump = { has: () => true, read: (at, into) => example.memory.read(at, into) };
});

describe('spec H82 as a dump', () => {
  it('lists the one stream that the linear table has, and its mappings', () => {
    expect(listDevices(dump, unit)).toEqual([0x18]);
    const { ranges } = listMappings(dump, unit, 0x18);
    expect([...ranges].map(({ iova, phys, lengthBytes }) => [iova, phys, lengthBytes])).toEqual([
      [0x8080604000, 0x41400000, 0x1000],
      [0x8080605000, 0x41401000, 0x1000],
      [0x8080607000, 0x41402000, 0x1000],
      [0x8080800000, 0x41600000, 0x200000],
    ]);
  });

  it('walks from the stream down to the page, entry by entry', () => {
    const { steps, page, domainId, translation } = walk(0x8080605123);
    expect([translation, domainId]).toEqual(['first-stage', 5]);
    expect(page).toEqual({ phys: 0x41401123, pageBytes: 4096, readable: true, writable: false });
    expect(steps.map(({ table, at }) => `${table} ${at.toString(16)}`)).toEqual([
      'stream 41000600',
      'context 41010000',
      'first-stage 41100008',
      'first-stage 41101010',
      'first-stage 41102018',
      'first-stage 41103028',
    ]);
    expect(steps[0].fields).toMatchObject({ V: 1, CONFIG: 5, S1CONTEXTPTR: '0x41010000' });
    expect(steps[1].fields).toMatchObject({ T0SZ: 16, ASID: 5, TTB0: '0x41100000' });
  });

  it('finds a stream in a two-level table, and none past the span', () => {
    putWords(example.memory, { '0x41040000': [0x41000000n | 7n] });
    const two = parseWalkUnit('smmuv3', { ...REGISTERS, strtab_base: '0x41040000', strtab_base_cfg: '0x10210' });
    expect(listDevices(dump, two)).toEqual([0x18]);
    expect(walkIova(dump, two, 0x18, 0x8080604000).page?.phys).toBe(0x41400000);
    expect(() => walkIova(dump, two, 0x40, 0)).toThrow('the upper stream table leads nowhere');
    expect(() => walkIova(dump, two, 0x100, 0)).toThrow('the upper stream table leads nowhere');
  });

  it('reads stage 2 with its own start level and rights', () => {
    putWords(example.memory, {
      '0x41000600': [0xdn, 0n, 0x044c355900000009n, 0x41101000n],
      '0x41103028': [0x4140177fn],
      '0x41103020': [0x414007bfn],
    });
    expect(walk(0x80605123)).toMatchObject({ translation: 'second-stage', domainId: 9, page: { writable: false } });
    expect(walk(0x80604123).page).toMatchObject({ phys: 0x41400123, readable: false, writable: true });
    expect(walk(2 ** 39).blocked).toContain('past what 3 levels translate');
  });

  it.each([
    ['an aborting stream', 0x1n, 'its stream table entry aborts'],
    ['an entry that is not valid', 0x4101000an, 'its stream table entry is not valid'],
    ['an entry with contexts that the unit has not', 0x4101000bn | (1n << 59n), 'asks for what the unit has not'],
  ])('says why %s is blocked', (_, qw0, message) => {
    put64(example.memory, 0x41000600, qw0);
    expect(() => walk(0x8080604000)).toThrow(message);
  });

  it('says why a stream without a context, or past the table, is blocked', () => {
    put64(example.memory, 0x41010000, 0n);
    expect(() => walk(0)).toThrow('its context descriptor is not valid');
    expect(() => walkIova(dump, unit, 0x100, 0)).toThrow('the stream table ends before it');
  });

  it('lets a bypassing stream through and does not follow a nested one', () => {
    put64(example.memory, 0x41000600, 9n);
    expect(walk(0x1234)).toMatchObject({ translation: 'pass-through', page: { phys: 0x1234 } });
    putWords(example.memory, { '0x41000600': [0x4101000fn, 0xd4n, 0x044c355900000009n, 0x41101000n] });
    expect(() => walk(0x1234)).toThrow('nested translation');
  });

  it('knows when translation is off, and which registers it needs', () => {
    expect(parseWalkUnit('smmuv3', { ...REGISTERS, cr0: 0 }).translationEnabled).toBe(false);
    const { cr0: _, ...rest } = REGISTERS;
    expect(() => parseWalkUnit('smmuv3', { registers: rest })).toThrow(
      'the register file lacks "cr0": it needs strtab_base, strtab_base_cfg, cr0, idr0, idr1, idr5',
    );
  });
});
