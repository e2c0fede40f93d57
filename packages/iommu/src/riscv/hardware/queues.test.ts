import { beforeEach, describe, expect, it } from 'vitest';
import { RISCV_EXAMPLE_DEVICE as DEVICE, RiscvExample } from '../../testing/riscv-example.ts';
import { RISCV_PRESETS } from '../capabilities.ts';

const CQCSR = 0x48;
const FQCSR = 0x4c;
const IPSR = 0x54;

let example: RiscvExample;
const write = (offset: number, value: number) => example.unit.writeRegister(offset, value);
const read = (offset: number) => example.unit.readRegister(offset);

beforeEach(() => {
  example = new RiscvExample();
});

describe('the command queue (spec H100)', () => {
  it.each<[string, bigint, bigint]>([
    ['an opcode that is none', 5n, 0n],
    ['a function that is none', 0x101n, 0n],
    ['GVMA with PSCV', 0x0000000100000081n, 0n],
    ['NL where the unit has it not', 0x0000000400000001n, 0n],
    ['a range where the unit has none', 0x401n, 0x200n],
    ['a reserved bit of IOTINVAL', 0x801n, 0n],
    ['INVAL_PDT without device', 0x83n, 0n],
    ['a reserved bit of IOFENCE', 0x4002n, 0n],
    ['a reserved bit of IODIR', 0x403n, 0n],
  ])('%s is illegal: the head stays on it until it is replaced and the bit cleared', (_, low, high) => {
    example.submit(low, high);
    expect(read(CQCSR)).toBe(0x10401);
    expect(read(0x20)).toBe(3);
    example.put(0x81010030, 2n, 0n);
    example.unit.step();
    expect(read(0x20)).toBe(3);
    write(CQCSR, 0x401);
    example.unit.step();
    expect([read(0x20), read(CQCSR)]).toEqual([4, 0x10001]);
  });

  it('memory that does not answer stops it with cqmf', () => {
    example = new RiscvExample({ answers: (phys) => phys < 0x86000000 });
    example.submit(0x402n, 0x21800000n);
    expect(read(CQCSR)).toBe(0x10101);
    expect(read(0x20)).toBe(3);
  });

  it('a range where the unit has ranges: the lowest zero bit of the page number tells its size', () => {
    example = new RiscvExample({ capabilities: RISCV_PRESETS.full });
    example.put(0x81102020, 0x205000d7n, 0x205004d7n, 0x205008d7n);
    for (const page of [4, 5, 6]) example.unit.translate(DEVICE, 0x80600000 + page * 4096, 1);
    example.put(0x81102020, 0n, 0n, 0n);
    example.submit(0x0000000100005401n, (0x80604n << 10n) | 0x200n); // pages 4 and 5
    const reached = [4, 5, 6].map((page) => example.unit.translate(DEVICE, 0x80600000 + page * 4096, 1));
    expect(reached).toEqual([-15, -15, 0x81402000]);
  });

  it('H6 without NL a remembered table stays; with it, or without address, it goes', () => {
    example = new RiscvExample({ capabilities: RISCV_PRESETS.full });
    const at = (page: number) => example.unit.translate(DEVICE, 0x80600000 + page * 4096, 1);
    expect(at(4)).toBe(0x81400000);
    example.put(0x81101018, 0x20450001n); // another table, which is empty
    example.submit(0x0000000100005401n, 0x20181000n);
    expect(at(4)).toBe(0x81400000);
    example.submit(0x0000000500005401n, 0x20181000n);
    expect(at(4)).toBe(-15);
  });

  it('turning the queue off and on empties it', () => {
    write(CQCSR, 0);
    expect(read(CQCSR)).toBe(0);
    write(CQCSR, 1);
    expect([read(0x20), read(0x24), read(CQCSR)]).toEqual([0, 0, 0x10001]);
  });

  it('ATS.INVAL reaches the device; one that does not answer stops the next fence', () => {
    const asked: [number, number, number][] = [];
    let answers = true;
    example.unit.attachDeviceTlb(DEVICE, {
      invalidate: (pasid, address, length) => {
        asked.push([pasid, address, length]);
        return answers;
      },
    });
    example.submit(0x0000180000000004n, 0x80604000n, 0x0000180100003004n, 0x80601800n, 0x2n, 0n);
    expect(asked).toEqual([
      [-1, 0x80604000, 4096],
      [3, 0x80600000, 16384],
    ]);
    answers = false;
    example.submit(0x0000180000000004n, 0x80604000n, 0x2n, 0n);
    expect([read(0x20), read(CQCSR)]).toEqual([7, 0x10201]);
    write(CQCSR, 0x201);
    example.unit.step();
    expect(read(0x20)).toBe(8);
  });
});

describe('the fault queue (spec H99)', () => {
  it('full: overflow, and records are dropped until it is cleared', () => {
    for (let i = 0; i < 130; i++) example.unit.translate(DEVICE, 0x80607000, 1);
    expect([read(0x34), read(FQCSR)]).toEqual([127, 0x10201]);
    for (let i = 0; i < 127; i++) expect(example.takeRecord()).toBeDefined();
    example.unit.translate(DEVICE, 0x80607000, 1);
    expect(example.takeRecord()).toBeUndefined();
    write(FQCSR, 0x201);
    example.unit.translate(DEVICE, 0x80607000, 1);
    expect(example.takeRecord()).toBeDefined();
  });

  it('DTF keeps page faults out, and not what is wrong with the directory', () => {
    example.put(0x81000600, 0x11n);
    example.invalidateAll();
    expect(example.unit.translate(DEVICE, 0x80607000, 1)).toBe(-15);
    expect(example.takeRecord()).toBeUndefined();
    expect(example.unit.translate(0x20, 0x80607000, 1)).toBe(-258);
    expect(example.takeRecord()?.[0]).toBe('0000200c00000102');
  });

  it('a context with DTF says nothing about requests that need no context', () => {
    example.put(0x81000600, 0x11n);
    example.invalidateAll();
    example.unit.translate(DEVICE, 0x80607000, 1);
    write(0x10, 1);
    const translated = { sourceId: DEVICE, address: 0x1000, access: 'read', translated: true } as const;
    expect(example.unit.translateRequest(translated)).toBe(-260);
    expect(example.takeRecord()?.[0]).toBe('0000181800000104');
  });

  it('off, it records nothing', () => {
    write(FQCSR, 0);
    expect(example.unit.translate(DEVICE, 0x80607000, 1)).toBe(-15);
    write(FQCSR, 1);
    expect(example.takeRecord()).toBeUndefined();
  });
});

describe('the page request queue (spec H90)', () => {
  it('can be turned on and off, and stays empty', () => {
    write(0x38, 0x2040c006);
    write(0x50, 1);
    expect([read(0x38), read(0x50), read(0x40), read(0x44)]).toEqual([0x2040c006, 0x10001, 0, 0]);
    write(0x50, 0);
    expect(read(0x50)).toBe(0);
  });
});

describe('interrupts (spec H90)', () => {
  /** Faults by vector 2, commands by vector 1, each with a message of its own. */
  function program(): void {
    write(0x2f8, 0x21);
    for (const vector of [1, 2]) {
      write(0x300 + vector * 16, 0x28000000);
      write(0x308 + vector * 16, 100 + vector);
    }
    write(FQCSR, 3);
    write(CQCSR, 3);
  }

  it('a fault sends its message once, until software clears ipsr', () => {
    program();
    example.unit.translate(DEVICE, 0x80607000, 1);
    example.unit.translate(DEVICE, 0x80607000, 1);
    expect(example.messages).toEqual([[0x28000000, 102]]);
    expect(read(IPSR)).toBe(2);
    write(IPSR, 2);
    example.unit.translate(DEVICE, 0x80607000, 1);
    expect(example.messages).toHaveLength(2);
  });

  it('a masked message waits for its entry to be unmasked', () => {
    program();
    write(0x32c, 1);
    example.unit.translate(DEVICE, 0x80607000, 1);
    expect(example.messages).toEqual([]);
    write(0x32c, 0);
    expect(example.messages).toEqual([[0x28000000, 102]]);
  });

  it('an error that is still there raises its interrupt again when ipsr is cleared', () => {
    program();
    example.submit(5n, 0n);
    expect(example.messages).toEqual([[0x28000000, 101]]);
    write(IPSR, 1);
    expect([read(IPSR), example.messages.length]).toEqual([1, 2]);
    write(CQCSR, 0x403);
    write(IPSR, 1);
    expect(read(IPSR)).toBe(0);
  });

  it('wires where the unit has them: high until the last cause is cleared', () => {
    const levels: [number, boolean][] = [];
    example = new RiscvExample({
      capabilities: RISCV_PRESETS.qemuSys,
      wire: (vector, isHigh) => levels.push([vector, isHigh]),
    });
    write(0x8, 2);
    expect(read(0x8)).toBe(2);
    program();
    example.submit(0x802n, 0n);
    expect(read(CQCSR)).toBe(0x10803);
    expect(levels).toEqual([[1, true]]);
    write(CQCSR, 0x803);
    write(IPSR, 1);
    expect(levels).toEqual([
      [1, true],
      [1, false],
    ]);
    expect(example.messages).toEqual([]);
  });
});

describe('debug translations (spec H90)', () => {
  const ask = (iova: number, low: number) => {
    write(0x258, iova);
    write(0x264, DEVICE << 8);
    write(0x260, low);
    expect(read(0x260) & 1).toBe(1);
    example.unit.step();
    expect(read(0x260) & 1).toBe(0);
    return read(0x268);
  };

  it('answers with the page, or with the cause', () => {
    expect(ask(0x80605000, 0x9)).toBe((0x81401000 / 4) >>> 0);
    expect(ask(0x80605000, 0x1)).toBe((15 << 10) | 1);
    expect(example.takeRecord()).toBeUndefined();
  });
});
