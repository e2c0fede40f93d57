import { beforeEach, describe, expect, it } from 'vitest';
import { RISCV_EXAMPLE_DEVICE as DEVICE, RiscvExample } from '../../testing/riscv-example.ts';
import { word64 } from '../../testing/words.ts';
import { RISCV_PRESETS } from '../capabilities.ts';

const CONTEXT = 0x81000600;
const LEAF = 0x81102020;
/** Sv39x4 tables at 0x82000000: guest 1 GiB pages to themselves, the third one read-only. */
const GATP = 0x8000100000082000n;
const GUEST_TABLES = 0x82000000;
const gigapage = (number: number, flags: number) => BigInt(number * 0x10000000 + flags);

let example: RiscvExample;

/** The example behind a second stage that leaves guest addresses as they are. */
function nest(options: ConstructorParameters<typeof RiscvExample>[0] = {}): void {
  example = new RiscvExample(options);
  example.put(CONTEXT, 1n, GATP);
  example.put(GUEST_TABLES + 16, gigapage(2, 0xdf), gigapage(3, 0x5b));
  example.invalidateAll();
}

beforeEach(() => {
  example = new RiscvExample();
});

describe('both stages (spec H96, H98)', () => {
  beforeEach(() => nest());

  it('a first stage whose tables and pages are at guest addresses', () => {
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    expect(example.unit.translate(DEVICE, 0x80801234, 1)).toBe(0x81601234);
  });

  it('a page that the second stage lacks: guest page fault, with the guest address beside the requested one', () => {
    example.put(LEAF, 0x100000d7n); // guest 0x40000000
    expect(example.unit.translate(DEVICE, 0x80604123, 1)).toBe(-23);
    expect(example.takeRecord()).toEqual([
      '0000180c00000017',
      '0000000000000000',
      '0000000080604123',
      '0000000040000123',
    ]);
    expect(example.unit.translate(DEVICE, 0x80604123, 0)).toBe(-21);
  });

  it('a table that the second stage lacks: the same, said to be an implicit access', () => {
    example.put(0x81100010, 0x10000001n);
    expect(example.unit.translate(DEVICE, 0x80604123, 0)).toBe(-21);
    expect(example.takeRecord()?.[3]).toBe('0000000040000019');
  });

  it('rights are those of both stages', () => {
    example.put(LEAF, 0x300000d7n); // guest 0xc0000000
    expect(example.unit.translate(DEVICE, 0x80604000, 0)).toBe(0xc0000000);
    expect(example.unit.translate(DEVICE, 0x80604000, 1)).toBe(-23);
  });

  it('the second stage alone: 11 bits of index at the root, zero-extended addresses', () => {
    example.put(CONTEXT + 24, 0n);
    example.put(GUEST_TABLES + 8 * 2047, gigapage(2, 0xdf));
    example.invalidateAll();
    expect(example.unit.translate(DEVICE, 0x80123456, 1)).toBe(0x80123456);
    expect(example.unit.translate(DEVICE, 2047 * 2 ** 30 + 0x123456, 1)).toBe(0x80123456);
    expect(example.unit.translate(DEVICE, 2 ** 41, 1)).toBe(-23);
    expect(example.unit.translate(DEVICE, 0x40000000, 0)).toBe(-21);
  });

  it('tables of one stage are not taken for those of the other, whose addresses are the same numbers', () => {
    example.put(GUEST_TABLES + 16, 0x20801001n); // small pages for the guest's 0x81400000
    example.put(0x82004000 + 8 * 8, 0x204000dfn);
    example.put(0x82004000 + 10 * 8, 0x20801401n);
    example.put(0x82005000, 0x205000dfn);
    example.invalidateAll();
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    expect(example.unit.translate(DEVICE, 0x81400567, 1)).toBe(-15);
  });

  it('H100 GVMA of one guest page drops it however the guest reached it', () => {
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    example.put(GUEST_TABLES + 16, 0n);
    example.submit(0x0000100200000481n, 0x20500000n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(-23);
  });

  it('H100 GVMA drops combined translations too; VMA of the host drops none of a guest', () => {
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    example.put(GUEST_TABLES + 16, 0n);
    example.submit(0x0000000000000001n, 0n, 0x0000000100005001n, 0n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    example.submit(0x0000100200000081n, 0n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(-23);
  });
});

describe('hardware that sets A and D (spec H97, H13b)', () => {
  it('SADE: A on a read, D on the first write, which a cached read does not hide', () => {
    example = new RiscvExample({ capabilities: RISCV_PRESETS.full });
    example.put(CONTEXT, 0x101n);
    example.put(LEAF, 0x20500017n);
    expect(example.unit.translate(DEVICE, 0x80604567, 0)).toBe(0x81400567);
    expect(word64(example.memory, LEAF)).toBe(0x20500057n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    expect(word64(example.memory, LEAF)).toBe(0x205000d7n);
  });

  it('a mark on a first-stage table needs the second stage to let it be written', () => {
    nest({ capabilities: RISCV_PRESETS.full });
    example.put(CONTEXT, 0x101n);
    example.put(LEAF, 0x20500017n);
    example.put(GUEST_TABLES + 16, gigapage(2, 0x5b)); // read-only now
    example.invalidateAll();
    expect(example.unit.translate(DEVICE, 0x80604567, 0)).toBe(-21);
    expect(example.takeRecord()?.[3]).toBe('0000000081102023');
  });
});

describe('process contexts (spec H95)', () => {
  const PROCESSES = 0x83000000;
  const request = { sourceId: DEVICE, address: 0x80604567, access: 'write' } as const;

  /** PD8 at 0x83000000; process 3 has the example's tables under PSCID 9. */
  function withProcesses(tc: bigint): void {
    example.put(CONTEXT, tc, 0n, 0x5000n, (1n << 60n) | BigInt(PROCESSES / 4096));
    example.put(PROCESSES + 3 * 16, 0x9001n, 0x8000000000081100n);
    example.invalidateAll();
  }

  it('a process id leads to its own tables', () => {
    withProcesses(0x21n);
    expect(example.unit.translateRequest({ ...request, pasid: 3 })).toBe(0x81400567);
    expect(example.unit.translateRequest({ ...request, pasid: 4 })).toBe(-266);
    expect(example.takeRecord()?.[0]).toBe('0000180d0000410a');
    expect(example.unit.translateRequest({ ...request, pasid: 256 })).toBe(-260);
  });

  it('without process id: the first stage is bare, or process 0 with DPE', () => {
    withProcesses(0x21n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x80604567);
    withProcesses(0x221n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(-266);
    example.put(PROCESSES, 0x7001n, 0x8000000000081100n);
    example.invalidateAll();
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
  });

  it('a process id without process directory is disallowed', () => {
    expect(example.unit.translateRequest({ ...request, pasid: 3 })).toBe(-260);
  });

  it('ENS lets a supervisor in, SUM lets it use user pages', () => {
    withProcesses(0x21n);
    const supervised = { ...request, pasid: 3, privileged: true };
    expect(example.unit.translateRequest(supervised)).toBe(-260);
    example.put(PROCESSES + 48, 0x9003n);
    example.invalidateAll();
    expect(example.unit.translateRequest(supervised)).toBe(-15);
    example.put(PROCESSES + 48, 0x9007n);
    example.invalidateAll();
    expect(example.unit.translateRequest(supervised)).toBe(0x81400567);
  });

  it('what a supervisor reached says nothing about a user', () => {
    withProcesses(0x21n);
    example.put(PROCESSES + 48, 0x9003n);
    example.put(LEAF, 0x205000c7n);
    example.invalidateAll();
    expect(example.unit.translateRequest({ ...request, pasid: 3, privileged: true })).toBe(0x81400567);
    expect(example.unit.translateRequest({ ...request, pasid: 3 })).toBe(-15);
  });

  it('INVAL_PDT drops one process context, INVAL_DDT all of the device', () => {
    withProcesses(0x21n);
    expect(example.unit.translateRequest({ ...request, pasid: 3 })).toBe(0x81400567);
    example.put(PROCESSES + 48, 0n);
    example.submit(0x0000180200002083n, 0n);
    expect(example.unit.translateRequest({ ...request, pasid: 3 })).toBe(0x81400567);
    example.submit(0x0000180200003083n, 0n);
    expect(example.unit.translateRequest({ ...request, pasid: 3 })).toBe(-266);
  });

  it('PD17 has two levels', () => {
    example = new RiscvExample({ capabilities: RISCV_PRESETS.full });
    example.put(CONTEXT, 0x21n, 0n, 0x5000n, (2n << 60n) | 0x83000n);
    example.put(0x83000000 + 8, (0x83001n << 10n) | 1n);
    example.put(0x83001000 + 5 * 16, 0x9001n, 0x8000000000081100n);
    expect(example.unit.translateRequest({ ...request, pasid: 0x105 })).toBe(0x81400567);
    expect(example.unit.translateRequest({ ...request, pasid: 0x205 })).toBe(-266);
    example.put(0x83000000 + 8, (0x83001n << 10n) | 3n);
    example.invalidateAll();
    expect(example.unit.translateRequest({ ...request, pasid: 0x105 })).toBe(-267);
  });
});

describe('directories of more levels (spec H92)', () => {
  it.each([
    [3, 2, 0x8000],
    [4, 3, 0x800000],
  ])('mode %i has %i levels, and ids up to there', (mode, levels, beyond) => {
    const deviceId = beyond - 1;
    example.unit.writeRegister(0x10, 0);
    let table = 0x84000000;
    for (let level = levels; level > 1; level--, table += 0x1000) {
      const index = Math.floor(deviceId / 2 ** (6 + 9 * (level - 2))) % 512;
      example.put(table + index * 8, (BigInt((table + 0x1000) / 4096) << 10n) | 1n);
    }
    example.put(table + 63 * 64, 1n, 0n, 0x5000n, 0x8000000000081100n);
    example.unit.writeRegister(0x10, 0x21000000 + mode);
    expect(example.unit.translate(deviceId, 0x80604567, 1)).toBe(0x81400567);
    expect(example.unit.translate(deviceId, 0x80604567, 1)).toBe(0x81400567);
    expect(example.unit.translate(0x40, 0x80604567, 1)).toBe(-258);
    if (levels < 3) expect(example.unit.translate(beyond, 0x80604567, 1)).toBe(-260);
  });

  it('a reserved bit in an entry is a misconfiguration, a table that does not answer a load fault', () => {
    example = new RiscvExample({ answers: (phys) => phys < 0x84000000 });
    example.unit.writeRegister(0x10, 0);
    example.put(0x83000000, 0x1n | (0x84000n << 10n), 3n);
    example.unit.writeRegister(0x10, 0x20c00003);
    expect(example.unit.translate(0, 0, 1)).toBe(-257);
    expect(example.unit.translate(0x40, 0, 1)).toBe(-259);
  });
});

describe('memory types and what does not answer', () => {
  it('Svpbmt: NC and I/O are types, 3 is none', () => {
    example = new RiscvExample({ capabilities: RISCV_PRESETS.full });
    example.put(LEAF, 0x40000000205000d7n, 0x60000000205000d7n);
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(0x81400567);
    expect(example.unit.translate(DEVICE, 0x80605567, 1)).toBe(-15);
  });

  it('a paging table that does not answer is an access fault of the request', () => {
    example = new RiscvExample({ answers: (phys) => phys < 0x81102000 || phys >= 0x81103000 });
    expect(example.unit.translate(DEVICE, 0x80604567, 1)).toBe(-7);
    expect(example.unit.translate(DEVICE, 0x80604567, 0)).toBe(-5);
    const fetch = { sourceId: DEVICE, address: 0x80604567, access: 'read', execute: true } as const;
    expect(example.unit.translateRequest(fetch)).toBe(-1);
  });

  it('X alone can be fetched and nothing else', () => {
    example.put(LEAF, 0x205000d9n);
    const fetch = { sourceId: DEVICE, address: 0x80604567, access: 'read', execute: true } as const;
    expect(example.unit.translateRequest(fetch)).toBe(0x81400567);
    expect(example.unit.translate(DEVICE, 0x80604567, 0)).toBe(-13);
  });
});
