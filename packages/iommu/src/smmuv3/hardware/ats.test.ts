import { beforeEach, describe, expect, it } from 'vitest';
import { SmmuExample, EXAMPLE_STREAM as STREAM } from '../../testing/smmuv3-example.ts';
import { put64 } from '../../testing/words.ts';
import { SMMU_PRESETS } from '../capabilities.ts';

const IOVA = 0x8080604000;
let example: SmmuExample;

function setAts(qw1: bigint): void {
  put64(example.memory, 0x41000608, qw1);
  example.invalidateAll();
}
const translated = () =>
  example.unit.translateRequest({ sourceId: STREAM, address: 0x1234, access: 'write', translated: true });

beforeEach(() => {
  example = new SmmuExample({ ...SMMU_PRESETS.full, idr5: SMMU_PRESETS.qemu.idr5 });
  example.unit.writeRegister(0x20, 0x1d);
  setAts(0x100000d4n);
});

describe('ATS (spec H11, H12)', () => {
  it.each([
    ['a page', IOVA, { readable: true, writable: true, address: 0x41400000 }],
    ['a read-only page', IOVA + 0x1000, { readable: true, writable: false, address: 0x41401000 }],
    ['what is not mapped', IOVA + 0x2000, { readable: false, writable: false }],
  ])('answers for %s, and records nothing', (_, address, answer) => {
    expect(example.unit.requestTranslation({ sourceId: STREAM, address: address + 0x123 })).toMatchObject({
      status: 'success',
      ...answer,
    });
    expect(example.takeEvent()).toBeUndefined();
  });

  it('a stream that may not use it gets no answer, and leaves an event', () => {
    setAts(0xd4n);
    expect(example.unit.requestTranslation({ sourceId: STREAM, address: IOVA }).status).toBe('unsupported');
    expect(example.takeEventId()).toBe(5);
    expect(translated()).toBe(-7);
    expect(example.takeEventId()).toBe(7);
  });

  it('a broken configuration is recorded as for any request', () => {
    put64(example.memory, 0x41010000, 0n);
    example.invalidateAll();
    expect(example.unit.requestTranslation({ sourceId: STREAM, address: IOVA }).status).toBe('unsupported');
    expect(example.takeEventId()).toBe(0xa);
    expect(example.unit.requestTranslation({ sourceId: 0x200, address: IOVA }).status).toBe('unsupported');
    expect(example.takeEventId()).toBe(2);
  });

  it('a translated request passes: looked at with ATSCHK, without it not at all', () => {
    expect(translated()).toBe(0x1234);
    setAts(0xd4n);
    example.unit.writeRegister(0x20, 0xd);
    expect(translated()).toBe(0x1234);
  });

  it('ATC_INV reaches the device, with the range that it codes', () => {
    const seen: number[][] = [];
    example.unit.attachDeviceTlb(STREAM, { invalidate: (...range) => seen.push(range) > 0 });
    example.submit(0x1800000040n, BigInt(IOVA) | 2n, 0x1800000040n, 52n, 0x1800003840n, BigInt(IOVA), 0x46n, 0n);
    example.submit(0x1900000040n, 52n);
    expect(seen).toEqual([
      [-1, IOVA, 0x4000],
      [-1, 0, 2 ** 64],
      [3, IOVA, 0x1000],
    ]);
  });
});
