import { beforeEach, describe, expect, it } from 'vitest';
import { LegacyExample, EXAMPLE_SOURCE as SOURCE } from '../../testing/legacy-example.ts';
import { put64 } from '../../testing/words.ts';
import { VTD_PRESETS } from '../capabilities.ts';

const FSTS = 0x34;

let example: LegacyExample;
beforeEach(() => {
  const { cap, ecap } = VTD_PRESETS.qemuLegacy;
  example = new LegacyExample({ cap, ecap: ecap | 4n });
  put64(example.memory, 0x01001180, 0x01010005n);
});

const ask = (address: number, noWrite = false) =>
  example.unit.requestTranslation({ sourceId: SOURCE, address, noWrite });

describe('ATS (spec H11, H12)', () => {
  it.each([
    ['a page for both', 0x8080604567, true, true, 0x01200000],
    ['a read-only page', 0x8080605000, true, false, 0x01201000],
    ['a write-only page', 0x8080608000, false, true, 0x01202000],
    ['nothing', 0x8080606000, false, false, 0],
  ])('a translation request finds %s', (_, address, readable, writable, phys) => {
    expect(ask(address)).toMatchObject({ status: 'success', readable, writable, address: phys });
    expect(example.unit.readRegister(FSTS)).toBe(0);
  });

  it('NW asks for no write', () => {
    expect(ask(0x8080604567, true)).toMatchObject({ readable: true, writable: false });
  });

  it('a translated request passes', () => {
    const request = { sourceId: SOURCE, address: 0x1234567, access: 'write', translated: true } as const;
    expect(example.unit.translateRequest(request)).toBe(0x1234567);
  });

  it('both are refused, with a record, to a device that may not use ATS', () => {
    put64(example.memory, 0x01001180, 0x01010001n);
    expect(ask(0x8080604567).status).toBe('unsupported');
    expect(example.record()).toEqual(['0000008080604000', 'd000000d00000018']);
    const request = { sourceId: SOURCE, address: 0x1234567, access: 'write', translated: true } as const;
    expect(example.unit.translateRequest(request)).toBe(-0xd);
  });

  it.each<[string, bigint, number, number]>([
    ['one page', 0x8080604000n, 0x8080604000, 4096],
    ['S with bit 12 clear: two pages', 0x8080604001n, 0x8080604000, 8192],
    ['S with bits 12 and 13 set: eight pages', 0x8080603001n, 0x8080600000, 32768],
    ['all ones: everything', 0x7ffffffffffff001n, 0, 2 ** 64],
  ])('H13 a device-TLB descriptor reaches the device with its range: %s', (_, qword, start, length) => {
    const seen: [number, number, number][] = [];
    example.unit.attachDeviceTlb(SOURCE, {
      invalidate: (pasid, address, lengthBytes) => {
        seen.push([pasid, address, lengthBytes]);
        return true;
      },
    });
    example.submit(0x0000001800000003n, qword);
    expect(seen).toEqual([[-1, start, length]]);
  });

  it('I194 a device that does not answer sets ITE, and waits behind it never complete', () => {
    example.unit.attachDeviceTlb(SOURCE, { invalidate: () => false });
    example.submit(0x0000001800000003n, 0n, 0x0000000200000025n, 0x01030010n);
    expect(example.unit.readRegister(FSTS)).toBe(0x40);
    expect(example.unit.readRegister(0xb4)).toBe(SOURCE);
    expect(example.memory.load32(0x01030010)).toBe(0);
    example.submit(0x0000000200000025n, 0x01030010n);
    expect(example.memory.load32(0x01030010)).toBe(0);
    example.unit.writeRegister(FSTS, 0x40);
    example.unit.step();
    expect(example.memory.load32(0x01030010)).toBe(2);
  });
});
