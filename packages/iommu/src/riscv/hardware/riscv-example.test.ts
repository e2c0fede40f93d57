import { beforeEach, describe, expect, it } from 'vitest';
import { RISCV_EXAMPLE_DEVICE as DEVICE, RiscvExample } from '../../testing/riscv-example.ts';
import { RISCV_PRESETS } from '../capabilities.ts';

const CONTEXT = 0x81000600;
const LEAF = 0x81102020;

let example: RiscvExample;

beforeEach(() => {
  example = new RiscvExample();
});

describe('spec H107: the worked example', () => {
  it('executes the first commands: head at the tail, fence word written', () => {
    expect(example.unit.readRegister(0x20)).toBe(3);
    expect(example.memory.load32(0x81050000)).toBe(0x55);
    expect(example.unit.readRegister(0x48)).toBe(0x10001);
  });

  it.each([
    [0x80604567, 0x81400567],
    [0x80615678, 0x81415678],
    [0x80801234, 0x81601234],
  ])('a write of %x goes to %x, the first time and from the cache', (iova, phys) => {
    expect(example.unit.translate(DEVICE, iova, 1)).toBe(phys);
    expect(example.unit.translate(DEVICE, iova, 1)).toBe(phys);
    expect(example.takeRecord()).toBeUndefined();
  });

  it.each([
    ['spec', '0000000000000000'],
    ['qemu', '0000000080605000'],
  ] as const)('a write of a read-only page leaves its record, with the last word of %s', (deviations, last) => {
    example = new RiscvExample({ deviations });
    expect(example.unit.translate(DEVICE, 0x80605000, 1)).toBe(-15);
    expect(example.takeRecord()).toEqual(['0000180c0000000f', '0000000000000000', '0000000080605000', last]);
    expect(example.unit.translate(DEVICE, 0x80605000, 0)).toBe(0x81401000);
  });

  it('a read fault has cause 13 and transaction type 2', () => {
    expect(example.unit.translate(0x20, 0x80606000, 0)).toBe(-258);
    example.takeRecord();
    expect(example.unit.translate(DEVICE, 0x80606000, 0)).toBe(-13);
    expect(example.takeRecord()?.[0]).toBe('000018080000000d');
  });

  it('H4 a changed leaf stays as it was until its page is invalidated', () => {
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    example.put(LEAF, 0x205010d7n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    example.submit(0x0000000100005401n, 0x20181000n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81404567);
  });

  it('H4 a changed device context stays as it was until it is invalidated', () => {
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    example.put(CONTEXT, 0n);
    expect(example.unit.translate(DEVICE, 0x80609000, 1)).toBe(-15);
    example.submit(0x0000180200000003n, 0n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(-258);
  });

  it.each<[string, number, bigint[], number]>([
    ['a context that is not valid', CONTEXT, [0n], 258],
    ['a reserved bit in tc', CONTEXT, [0x1001n], 259],
    ['SADE without hardware that sets A and D', CONTEXT, [0x101n], 259],
    ['DPE without a process directory', CONTEXT, [0x201n], 259],
    ['a first-stage mode between the modes', CONTEXT + 24, [0x5000000000081100n], 259],
    ['a first-stage mode that does not exist', CONTEXT + 24, [0xb000000000081100n], 259],
    ['a second-stage root that is not aligned to 16 KiB', CONTEXT + 8, [0x8000000000081101n], 259],
    ['T2GPA without ATS', CONTEXT, [9n], 259],
    ['PRPR without EN_PRI', CONTEXT, [0x43n], 259],
    ['an MSI page table mode that does not exist', CONTEXT + 32, [0x2000000000000000n], 259],
    ['A clear', LEAF, [0x20500097n], 15],
    ['D clear, for a write', LEAF, [0x20500057n], 15],
    ['a page that only writes', LEAF, [0x205000d5n], 15],
    ['a page that is not for users', LEAF, [0x205000c7n], 15],
    ['a reserved bit in an entry', LEAF, [0x00400000205000d7n], 15],
    ['a memory type without Svpbmt', LEAF, [0x20000000205000d7n], 15],
    ['N outside 64 KiB', LEAF, [0x80000000205000d7n], 15],
    ['a table below the last level', LEAF, [0x20500001n], 15],
    ['U in a pointer to a table', 0x81101018, [0x20440811n], 15],
  ])('%s is reported with its cause', (_, at, words, cause) => {
    example.put(at, ...words);
    example.invalidateAll();
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(-cause);
    const header = example.takeRecord()?.[0];
    expect(header).toBe(`0000180c${cause.toString(16).padStart(8, '0')}`);
  });

  it('a misaligned 2 MiB page is a page fault', () => {
    example.put(0x81101020, 0x205810d7n);
    expect(example.unit.translate(DEVICE, 0x80801234, 1)).toBe(-15);
  });

  it('QEMU calls a first-stage mode that it lacks not valid, and takes U in a pointer to a table', () => {
    example = new RiscvExample({ deviations: 'qemu' });
    example.put(0x81101018, 0x20440811n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    example.put(CONTEXT + 24, 0xb000000000081100n);
    example.invalidateAll();
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(-258);
  });

  it('H92 an id that one level has no room for is disallowed', () => {
    expect(example.unit.translate(63, 0x1000, 1)).toBe(-258);
    expect(example.unit.translate(64, 0x1000, 1)).toBe(-260);
  });

  it('H98 OFF blocks everything, BARE passes everything', () => {
    example.unit.writeRegister(0x10, 0);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(-256);
    example.unit.writeRegister(0x10, 1);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x80604567);
    expect(example.unit.translateRequest({ sourceId: DEVICE, address: 0x1000, access: 'read', translated: true })).toBe(
      -260,
    );
    example.unit.writeRegister(0x10, 0x20400002);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
  });

  it('H91 one directory mode gives way to another only through OFF or BARE', () => {
    example.unit.writeRegister(0x10, 0x20400003);
    expect(example.unit.readRegister(0x10)).toBe(0x20400002);
    example.unit.writeRegister(0x10, 0x20400005);
    expect(example.unit.readRegister(0x10)).toBe(0x20400002);
    example.unit.writeRegister(0x10, 1);
    example.unit.writeRegister(0x10, 0x20400003);
    expect(example.unit.readRegister(0x10)).toBe(0x20400003);
  });

  it('H96 a first stage takes the lower half of its span', () => {
    expect(example.unit.translate(DEVICE, 2 ** 38 + 0x80604567, 1)).toBe(-15);
    expect(example.unit.translate(DEVICE, 2 ** 39 + 0x80604567, 1)).toBe(-15);
  });

  it('base format: contexts of 32 bytes, and 7 bits of the id in the last level', () => {
    example = new RiscvExample({ capabilities: RISCV_PRESETS.qemuBase });
    example.put(0x81000300, 1n, 0n, 0x5000n, 0x8000000000081100n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    example.put(0x81000000 + 127 * 32, 1n, 0n, 0x5000n, 0x8000000000081100n);
    expect(example.unit.translate(127, 0x80604567, 1)).toBe(0x81400567);
    expect(example.unit.translate(128, 0x80604567, 1)).toBe(-260);
  });
});
