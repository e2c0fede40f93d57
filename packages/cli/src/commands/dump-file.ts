import type { DumpMemory } from '@dmalab/iommu';
import { ElfCoreReader, type MemorySpan, PhysMemory, RawImageReader } from '@dmalab/phys-memory';
import { readInput } from '../input-file.ts';

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** A dump of memory read from a file; knows which addresses the file held. */
class DumpFile implements DumpMemory {
  readonly #memory: PhysMemory;
  readonly #spans: readonly MemorySpan[];

  constructor(memory: PhysMemory, spans: readonly MemorySpan[]) {
    this.#memory = memory;
    this.#spans = spans;
  }

  has(at: number, lengthBytes: number): boolean {
    return this.#spans.some(({ start, end }) => at >= start && at + lengthBytes - 1 <= end);
  }

  read(at: number, into: Uint8Array): void {
    this.#memory.read(at, into);
  }
}

/**
 * Reads an ELF core, or else a raw image from address 0, plain or gzip; memory is taken for what is not zero.
 * @throws {UserError} when the file can't be read, {@link ImageError} when it is cut short or no core of memory
 */
export async function readDump(path: string): Promise<DumpMemory> {
  const memory = new PhysMemory();
  let reader: ElfCoreReader | RawImageReader | undefined;
  for await (const chunk of readInput(path)) {
    reader ??= isElf(chunk) ? new ElfCoreReader(memory) : new RawImageReader(memory);
    reader.push(chunk);
  }
  const held = reader?.end() ?? [];
  return new DumpFile(memory, Array.isArray(held) ? held : [held as MemorySpan]);
}

function isElf(chunk: Uint8Array): boolean {
  return ELF_MAGIC.every((byte, i) => chunk[i] === byte);
}
