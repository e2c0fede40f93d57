import { PhysMemory } from '@dmalab/phys-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { put64, putWords } from '../../testing/words.ts';
import { VTD_PRESETS } from '../capabilities.ts';
import type { FaultCodes } from './fault-reasons.ts';
import { VtdUnit } from './vtd-unit.ts';

const SOURCE = 0x18;

/** The scalable worked example of the specification, byte for byte (spec H31). */
const TABLES = {
  '0x01000000': [0x01001001n, 0x01002001n],
  '0x01001300': [0x01003001n, 0n, 0n, 0n],
  '0x01003000': [0x01004001n],
  '0x01004000': [0x49n, 7n, 0x01010000n, 0n, 0n, 0n, 0n, 0n],
  '0x01010008': [0x01011007n],
  '0x01011010': [0x01012007n],
  '0x01012018': [0x01013007n],
  '0x01013020': [0x01200007n],
  '0x01013028': [0x01201005n],
  '0x01020000': [0x11n, 0n, 0n, 0n, 0x37n, 0n, 0n, 0n, 0x12n, 0n, 0n, 0n, 0x0000000100000025n, 0x01030000n, 0n, 0n],
};

let memory: PhysMemory;
let unit: VtdUnit;

function setUp(preset: { cap: bigint; ecap: bigint }, faultCodes: FaultCodes = 'spec'): void {
  memory = new PhysMemory();
  putWords(memory, TABLES);
  unit = new VtdUnit({ memory, ...preset, faultCodes });
  unit.writeRegister(0x20, 0x01000400);
  unit.writeRegister(0x18, 0x40000000);
  unit.writeRegister(0x90, 0x01020801);
  unit.writeRegister(0x18, 0x04000000);
  unit.writeRegister(0x88, 0x80);
  unit.step();
  unit.writeRegister(0x18, 0x84000000);
}

const recordHigh = () => [0x22c, 0x228].map((at) => unit.readRegister(at).toString(16).padStart(8, '0')).join('');

beforeEach(() => setUp(VTD_PRESETS.qemuFirstStage));

describe('spec H31: the scalable worked example', () => {
  it('executes 32-byte descriptors', () => {
    expect(memory.load32(0x01030000)).toBe(1);
    expect(unit.readRegister(0x80)).toBe(0x80);
  });

  it('H22 a write translates and sets A on the way and D in the leaf, before data move', () => {
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01200567);
    expect(memory.load32(0x01013020)).toBe(0x01200067);
    expect([0x01010008, 0x01011010, 0x01012018].map((at) => memory.load32(at) & 0xff)).toEqual([0x27, 0x27, 0x27]);
  });

  it('H13b a read leaves D clear, and the first write after it walks again to set it', () => {
    expect(unit.translate(SOURCE, 0x8080604567, 0)).toBe(0x01200567);
    expect(memory.load32(0x01013020)).toBe(0x01200027);
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01200567);
    expect(memory.load32(0x01013020)).toBe(0x01200067);
  });

  it.each<[string, number, Record<string, readonly bigint[]>, string]>([
    ['a write to a read-only page', 0x8080605000, {}, '8000008500000018'],
    ['an entry that is not present', 0x8080606000, {}, '8000007100000018'],
    ['a supervisor page', 0x8080604000, { '0x01013020': [0x01200003n] }, '8000008100000018'],
    ['an address that is not canonical', 0x1000000000000, {}, '8000008000000018'],
    ['a misaligned 2 MiB page', 0x8080604000, { '0x01012018': [0x01014087n] }, '8000007200000018'],
    ['a page in the interrupt window', 0x8080604000, { '0x01013020': [0xfee00007n] }, '8000008700000018'],
    ['PGTT that the unit has not', 0x8080604000, { '0x01004000': [0x89n] }, '8000005b00000018'],
    ['a PASID entry that is not present', 0x8080604000, { '0x01004000': [0x48n] }, '8000005900000018'],
    ['a reserved bit in the PASID entry', 0x8080604000, { '0x01004018': [1n] }, '8000005a00000018'],
    ['a PASID directory entry that is not present', 0x8080604000, { '0x01003000': [0n] }, '8000005100000018'],
    ['a reserved bit in the directory entry', 0x8080604000, { '0x01003000': [0x01004005n] }, '8000005200000018'],
    ['a context entry that is not present', 0x8080604000, { '0x01001300': [0n] }, '8000004100000018'],
    ['a reserved bit in the context entry', 0x8080604000, { '0x01001310': [1n] }, '8000004200000018'],
    ['RID_PASID beyond the directory', 0x8080604000, { '0x01001308': [0x2000n] }, '8000004800000018'],
    ['a root entry that is not present', 0x8080604000, { '0x01000000': [0n] }, '8000003900000018'],
    ['a reserved bit in the root entry', 0x8080604000, { '0x01000000': [0x01001003n] }, '8000003a00000018'],
  ])('%s is reported with its reason', (_, iova, change, high) => {
    putWords(memory, change);
    expect(unit.translate(SOURCE, iova, 1)).toBeLessThan(0);
    expect(recordHigh()).toBe(high);
  });

  it('H26 as QEMU reports them: legacy reasons for root and context, a cleared PASID entry is invalid', () => {
    setUp(VTD_PRESETS.qemuFirstStage, 'qemu');
    put64(memory, 0x01004000, 0n);
    expect(unit.translate(SOURCE, 0x8080604000, 1)).toBe(-0x5b);
    put64(memory, 0x01001300, 0n);
    expect(unit.translate(SOURCE, 0x8080604000, 1)).toBe(-0x2);
  });

  it('the second-stage variant', () => {
    setUp(VTD_PRESETS.qemuScalable);
    putWords(memory, { '0x01004000': [0x01010089n, 7n, 0n], '0x01010008': [0x01011003n], '0x01013040': [0x01202002n] });
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01200567);
    expect(memory.load32(0x01013020)).toBe(0x01200007);
    expect(unit.translate(SOURCE, 0x8080608000, 0)).toBe(-0x79);
  });

  it('the pass-through variant', () => {
    put64(memory, 0x01004000, 0x109n);
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x8080604567);
  });

  it('H120 types 6 to 8 in a 128-bit queue stop it', () => {
    unit.writeRegister(0x18, 0x80000000);
    unit.writeRegister(0x90, 0x01021000);
    unit.writeRegister(0x88, 0);
    unit.writeRegister(0x18, 0x84000000);
    put64(memory, 0x01021000, 0x37n);
    unit.writeRegister(0x88, 0x10);
    unit.step();
    expect(unit.readRegister(0x34)).toBe(0x10);
    expect(unit.readRegister(0x80)).toBe(0);
  });
});

describe('requests with a PASID', () => {
  beforeEach(() => {
    setUp(VTD_PRESETS.full);
    // PASID 3 has a first stage of its own; the context entry allows PASIDs.
    putWords(memory, {
      '0x01001300': [0x01003009n],
      '0x010040c0': [0x49n, 9n, 0x01014000n, 0n],
      '0x01014000': [0x01015007n],
      '0x01015000': [0x01016007n],
      '0x01016000': [0x01017007n],
      '0x01017028': [0x01300007n],
    });
  });

  it('H9 go through their own tables; those without use RID_PASID', () => {
    expect(unit.translateRequest({ sourceId: SOURCE, pasid: 3, address: 0x5123, access: 'write' })).toBe(0x01300123);
    expect(unit.translateRequest({ sourceId: SOURCE, address: 0x8080604567, access: 'read' })).toBe(0x01200567);
  });

  it('H24 leave their PASID in the record', () => {
    expect(unit.translateRequest({ sourceId: SOURCE, pasid: 3, address: 0x6000, access: 'read' })).toBe(-0x71);
    const [w2, w3] = [unit.capabilities.faultRecordOffset + 8, unit.capabilities.faultRecordOffset + 12].map((at) =>
      unit.readRegister(at),
    );
    expect(w2 >>> 0).toBe(0x80000018);
    expect(w3 >>> 0).toBe(0xc0000371);
  });

  it.each([
    ['PASIDE clear', { '0x01001300': [0x01003001n] }, 3, -0x45],
    ['a PASID beyond the directory', {}, 0x2000, -0x46],
  ] as const)('are refused with %s', (_, change, pasid, result) => {
    putWords(memory, change);
    expect(unit.translateRequest({ sourceId: SOURCE, pasid, address: 0x5000, access: 'read' })).toBe(result);
  });

  it.each([
    ['a supervisor request without SRE', { privileged: true }, {}, -0x5d],
    ['a fetch without ERE', { execute: true }, {}, -0x5c],
    [
      'a fetch from a page with XD',
      { execute: true },
      { '0x010040d0': [0x01014022n], '0x01017028': [0x8000000001300007n] },
      -0x82,
    ],
    ['a supervisor request to a user page with SRE', { privileged: true }, { '0x010040d0': [0x01014001n] }, 0x01300123],
    [
      'a supervisor write to a read-only page without WPE',
      { privileged: true, access: 'write' },
      { '0x010040d0': [0x01014001n], '0x01017028': [0x01300005n] },
      0x01300123,
    ],
    [
      'a supervisor write to a read-only page with WPE',
      { privileged: true, access: 'write' },
      { '0x010040d0': [0x01014011n], '0x01017028': [0x01300005n] },
      -0x85,
    ],
    ['an atomic to a read-only page', { access: 'atomic' }, { '0x01017028': [0x01300005n] }, -0x85],
  ] as const)('%s', (_, extra, change, result) => {
    putWords(memory, change as Record<string, readonly bigint[]>);
    const request = { sourceId: SOURCE, pasid: 3, address: 0x5123, access: 'read', ...extra } as const;
    expect(unit.translateRequest(request)).toBe(result);
  });

  it('H28 types 6 and 7 drop a PASID and nothing else', () => {
    const go = (pasid?: number) => {
      const base = { sourceId: SOURCE, access: 'write' } as const;
      return pasid === undefined
        ? unit.translateRequest({ ...base, address: 0x8080604000 })
        : unit.translateRequest({ ...base, pasid, address: 0x5000 });
    };
    expect([go(), go(3)]).toEqual([0x01200000, 0x01300000]);
    putWords(memory, { '0x01017028': [0x01301067n], '0x01013020': [0x01203067n] });
    expect([go(), go(3)]).toEqual([0x01200000, 0x01300000]);
    putWords(memory, { '0x01020080': [0x0000000300090036n, 0x5000n, 0n, 0n] });
    unit.writeRegister(0x88, 0xa0);
    unit.step();
    expect([go(), go(3)]).toEqual([0x01200000, 0x01301000]);
    putWords(memory, { '0x010040c0': [0x48n], '0x010200a0': [0x0000000300090017n, 0n, 0n, 0n] });
    expect(go(3)).toBe(0x01301000);
    unit.writeRegister(0x88, 0xc0);
    unit.step();
    expect([go(), go(3)]).toEqual([0x01200000, -0x59]);
  });
});

describe('nested translation (spec H26)', () => {
  beforeEach(() => {
    setUp(VTD_PRESETS.full);
    // First stage as in the example; its addresses go through a second stage that maps 16 to 18 MiB to 32 MiB up, by 2 MiB.
    putWords(memory, {
      '0x01004000': [0x010500c9n, 7n, 0x01010000n],
      '0x01050000': [0x01051003n],
      '0x01051000': [0x01052003n],
      '0x01052040': [0x03000083n, 0x03200083n],
    });
    for (const page of [0x01010000, 0x01011000, 0x01012000, 0x01013000]) {
      for (let at = 0; at < 0x1000; at += 4) memory.store32(page + 0x02000000 + at, memory.load32(page + at));
    }
  });

  it('walks first-stage tables and the page through the second stage', () => {
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x03200567);
    expect(memory.load32(0x03013020) & 0xff).toBe(0x67);
    expect(unit.translate(SOURCE, 0x8080604568, 1)).toBe(0x03200568);
  });

  it.each([
    ['a table that the second stage lacks', { '0x01052040': [0n] }, -0x75],
    ['a table that it lets be read only: A could not be set', { '0x01052040': [0x03000081n] }, -0x77],
    ['a page that it lacks', { '0x01052048': [0n] }, -0x79],
    ['a table beyond its width', { '0x01004010': [0x0100000001010000n] }, -0x5a],
  ] as const)('%s', (_, change, result) => {
    putWords(memory, change as Record<string, readonly bigint[]>);
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(result);
  });
});
