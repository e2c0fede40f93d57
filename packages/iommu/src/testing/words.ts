import type { TableMemory } from '../page-table/table-memory.ts';

/** Puts 64-bit words at addresses: `{ "0x1000": [0x1001n, 0n] }` fills two from 0x1000 on. */
export function putWords(memory: TableMemory, words: Readonly<Record<string, readonly bigint[]>>): void {
  for (const [at, values] of Object.entries(words)) {
    for (const [index, value] of values.entries()) put64(memory, Number(at) + index * 8, value);
  }
}

export function put64(memory: TableMemory, at: number, value: bigint): void {
  memory.store32(at, Number(value & 0xffff_ffffn));
  memory.store32(at + 4, Number(value >> 32n));
}

export function word64(memory: TableMemory, at: number): bigint {
  return (BigInt(memory.load32(at + 4)) << 32n) | BigInt(memory.load32(at));
}
