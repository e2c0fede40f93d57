import { beforeEach, describe, expect, it } from 'vitest';
import { RISCV_EXAMPLE_DEVICE as DEVICE, RiscvExample } from '../../testing/riscv-example.ts';
import { RISCV_PRESETS } from '../capabilities.ts';
import { RISCV_INTERRUPT_FILE } from './translator.ts';

const MESSAGES = 0x85000000;
/** Guest pages 0x28000 to 0x28003 are interrupt files: the mask picks the two bits that tell them apart. */
const FIRST_PAGE = 0x28000000;

let example: RiscvExample;

/** Both stages bare, an MSI page table at 0x85000000. */
function withMessages(...entries: bigint[]): void {
  example.put(0x81000600, 1n, 0n, 0n, 0n, (1n << 60n) | BigInt(MESSAGES / 4096), 3n, 0x28000n, 0n);
  example.put(MESSAGES, ...entries);
  example.invalidateAll();
}

beforeEach(() => {
  example = new RiscvExample({ capabilities: RISCV_PRESETS.full });
});

describe('MSI page tables (spec H102)', () => {
  it('a write to an interrupt file of the guest goes to the page that its entry names; others pass', () => {
    withMessages(0n, 0n, (0x24001n << 10n) | 7n, 0n);
    expect(example.unit.translate(DEVICE, FIRST_PAGE + 0x1004, 1)).toBe(0x24001004);
    expect(example.unit.translate(DEVICE, FIRST_PAGE + 0x4004, 1)).toBe(FIRST_PAGE + 0x4004);
    expect(example.unit.writeMessage(DEVICE, FIRST_PAGE + 0x1000, 77)).toBe(0);
    expect(example.memory.load32(0x24001000)).toBe(77);
  });

  it.each([
    ['an entry that is not valid', 0x9000006n, 262],
    ['a mode that is none', 0x9000005n, 263],
    ['the custom bit', 0x8000000009000007n, 263],
    ['a reserved bit', 0x900000fn, 263],
  ])('%s has its cause', (_, entry, cause) => {
    withMessages(entry, 0n);
    expect(example.unit.translate(DEVICE, FIRST_PAGE, 1)).toBe(-cause);
    expect(example.takeRecord()?.[0]).toBe(`0000180c${cause.toString(16).padStart(8, '0')}`);
  });

  it('a table at address 0 is one too', () => {
    withMessages();
    example.put(0x81000620, 1n << 60n);
    example.put(0, (0x24001n << 10n) | 7n, 0n);
    example.invalidateAll();
    expect(example.unit.translate(DEVICE, FIRST_PAGE, 1)).toBe(0x24001000);
  });

  it('a notice that memory refuses is a fault of the unit itself', () => {
    example = new RiscvExample({ capabilities: RISCV_PRESETS.full, answers: (phys) => phys < 0x90000000 });
    const file = 0x24002000;
    withMessages((BigInt(file / 512) << 7n) | 3n, (0x90000n << 10n) | 0x55n);
    example.memory.store32(file + 8, 2);
    expect(example.unit.writeMessage(DEVICE, FIRST_PAGE, 1)).toBe(-273);
    expect(example.takeRecord()?.[0]).toBe('0000180c00000111');
  });

  it('a table that does not answer is a load fault', () => {
    example = new RiscvExample({ answers: (phys) => phys < MESSAGES || phys >= MESSAGES + 4096 });
    withMessages();
    expect(example.unit.translate(DEVICE, FIRST_PAGE, 1)).toBe(-261);
  });

  it('an interrupt file in memory notes the interrupt, and sends its notice if that is enabled', () => {
    const file = 0x24002000;
    withMessages((BigInt(file / 512) << 7n) | 3n, (0x24003n << 10n) | 0x55n);
    expect(example.unit.translate(DEVICE, FIRST_PAGE, 1)).toBe(RISCV_INTERRUPT_FILE);
    expect(example.takeRecord()).toBeUndefined();
    expect(example.unit.writeMessage(DEVICE, FIRST_PAGE, 100)).toBe(0);
    expect(example.memory.load32(file + 16 + 4)).toBe(1 << 4);
    expect(example.memory.load32(0x24003000)).toBe(0);
    example.memory.store32(file + 16 + 12, 1 << 5);
    expect(example.unit.writeMessage(DEVICE, FIRST_PAGE, 101)).toBe(0);
    expect(example.memory.load32(file + 16 + 4)).toBe(3 << 4);
    expect(example.memory.load32(0x24003000)).toBe(0x55);
  });

  it('interrupt files in memory are a feature of their own', () => {
    example = new RiscvExample({ capabilities: RISCV_PRESETS.full & ~(1n << 23n) });
    withMessages(3n, 0n);
    expect(example.unit.translate(DEVICE, FIRST_PAGE, 1)).toBe(-263);
  });

  it('a page next to an interrupt file is cached without it', () => {
    withMessages((0x24001n << 10n) | 7n, 0n);
    example.put(0x81000608, 0x8000100000082000n);
    example.put(0x82000000, 0xdfn); // the first GiB of the guest, in one page
    example.invalidateAll();
    expect(example.unit.translate(DEVICE, FIRST_PAGE + 0x4000, 1)).toBe(FIRST_PAGE + 0x4000);
    expect(example.unit.translate(DEVICE, FIRST_PAGE, 0)).toBe(FIRST_PAGE);
    expect(example.unit.translate(DEVICE, FIRST_PAGE, 1)).toBe(0x24001000);
  });
});

describe('ATS (spec H11, H98)', () => {
  const request = { sourceId: DEVICE, address: 0x80604000 };
  const translated = { sourceId: DEVICE, address: 0x12345678, access: 'write', translated: true } as const;

  it('without EN_ATS requests and translated addresses are disallowed, and recorded', () => {
    expect(example.unit.requestTranslation(request).status).toBe('unsupported');
    expect(example.takeRecord()?.[0]).toBe('0000182000000104');
    expect(example.unit.translateRequest(translated)).toBe(-260);
    expect(example.takeRecord()?.[0]).toBe('0000181c00000104');
  });

  it('with it they are answered, and pass', () => {
    example.put(0x81000600, 3n);
    example.invalidateAll();
    const page = { status: 'success', readable: true, writable: true, address: 0x81400000, pageBytes: 4096 };
    expect(example.unit.requestTranslation(request)).toEqual(page);
    expect(example.unit.requestTranslation({ ...request, address: 0x80605000 })).toMatchObject({ writable: false });
    expect(example.unit.requestTranslation({ ...request, address: 0x80606000 })).toMatchObject({
      status: 'success',
      readable: false,
    });
    expect(example.unit.translateRequest(translated)).toBe(0x12345678);
    expect(example.takeRecord()).toBeUndefined();
  });

  it('with T2GPA devices keep guest addresses, which go through the second stage', () => {
    example.put(0x81000600, 0xbn, 0x8000100000082000n);
    example.put(0x82000000 + 16, 0x100000dfn); // the guest's third GiB is the second one
    example.put(0x82000000, 0x200000dfn); // and its first the third
    example.put(0x41100010, 0x20440401n, 0n, 0n);
    example.put(0x41101018, 0x20440801n);
    example.put(0x41102020, 0x205000d7n);
    example.invalidateAll();
    expect(example.unit.requestTranslation(request)).toMatchObject({ address: 0x81400000, readable: true });
    expect(example.unit.translateRequest(translated)).toBe(0x80000000 + 0x12345678);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x41400567);
  });
});
