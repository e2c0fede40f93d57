import type { UnitMemory } from '../../hardware/unit-memory.ts';

/** Reads a structure into u32 words; false when memory doesn't answer. It lies inside one page: it is aligned to its size. */
export function fetchWords(memory: UnitMemory, at: number, into: Uint32Array): boolean {
  if (!memory.canAccess(at)) return false;
  for (let word = 0; word < into.length; word++) into[word] = memory.load32(at + word * 4);
  return true;
}
