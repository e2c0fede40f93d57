import { PAGE_SIZE } from '../address.ts';
import type { MemorySpan } from '../memory/granule-source.ts';
import type { PhysMemory } from '../memory/phys-memory.ts';
import {
  EHDR_BYTES,
  Ehdr,
  ELF_MAGIC,
  ELFCLASS64,
  ELFDATA2LSB,
  type ElfSegment,
  ET_CORE,
  PHDR_BYTES,
  Phdr,
  PN_XNUM,
  PT_LOAD,
  SHDR_BYTES,
  SHDR_INFO,
} from './elf-header.ts';
import { nonZeroRuns } from './non-zero-runs.ts';

const EM_X86_64 = 62;
const CHUNK_BYTES = 2 ** 20;

/**
 * The memory of the spans as an ELF core, in chunks of the file in order, 1 MiB at most. Sparse: zeros are the
 * unstored end of a segment. Spans are disjoint and ascending.
 */
export function* writeElfCore(memory: PhysMemory, spans: readonly MemorySpan[]): Generator<Uint8Array> {
  const segments = layOut(spans.flatMap((span) => segmentsOf(memory, span)));
  const head = encodeHead(segments);
  yield head;
  let position = head.length;
  for (const { offset, phys, fileBytes } of segments) {
    if (fileBytes > 0 && offset > position) yield new Uint8Array(offset - position);
    for (let done = 0; done < fileBytes; done += CHUNK_BYTES) {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, fileBytes - done));
      memory.read(phys + done, chunk);
      yield chunk;
    }
    if (fileBytes > 0) position = offset + fileBytes;
  }
}

/** One segment a run of non-zero pages, each reaching over the zeros after it; offsets are not settled yet. */
function segmentsOf(memory: PhysMemory, { start, end }: MemorySpan): ElfSegment[] {
  const runs = [...nonZeroRuns(memory, { start, end })];
  const zerosFirst = runs[0]?.start === start ? [] : [{ start, end: start - 1 }];
  const all = [...zerosFirst, ...runs];
  return all.map((run, i) => ({
    offset: 0,
    phys: run.start,
    fileBytes: run.end - run.start + 1,
    memoryBytes: (all[i + 1]?.start ?? end + 1) - run.start,
  }));
}

function layOut(segments: readonly ElfSegment[]): ElfSegment[] {
  let offset = pageUp(headBytes(segments.length));
  return segments.map((segment) => {
    const placed = { ...segment, offset };
    offset = pageUp(offset + segment.fileBytes);
    return placed;
  });
}

function headBytes(segments: number): number {
  return EHDR_BYTES + (segments >= PN_XNUM ? SHDR_BYTES : 0) + segments * PHDR_BYTES;
}

function pageUp(offset: number): number {
  return Math.ceil(offset / PAGE_SIZE) * PAGE_SIZE;
}

function encodeHead(segments: readonly ElfSegment[]): Uint8Array {
  const bytes = new Uint8Array(headBytes(segments.length));
  const view = new DataView(bytes.buffer);
  const isLong = segments.length >= PN_XNUM; // then the count is in section 0, which sits between the headers
  const tableAt = EHDR_BYTES + (isLong ? SHDR_BYTES : 0);
  view.setUint32(Ehdr.MAGIC, ELF_MAGIC, true);
  view.setUint8(Ehdr.CLASS, ELFCLASS64);
  view.setUint8(Ehdr.DATA, ELFDATA2LSB);
  view.setUint8(Ehdr.VERSION, 1);
  view.setUint16(Ehdr.TYPE, ET_CORE, true);
  view.setUint16(Ehdr.MACHINE, EM_X86_64, true);
  view.setUint32(Ehdr.OBJECT_VERSION, 1, true);
  set64(view, Ehdr.PHOFF, tableAt);
  view.setUint16(Ehdr.EHSIZE, EHDR_BYTES, true);
  view.setUint16(Ehdr.PHENTSIZE, PHDR_BYTES, true);
  view.setUint16(Ehdr.PHNUM, isLong ? PN_XNUM : segments.length, true);
  if (isLong) {
    set64(view, Ehdr.SHOFF, EHDR_BYTES);
    view.setUint16(Ehdr.SHENTSIZE, SHDR_BYTES, true);
    view.setUint16(Ehdr.SHNUM, 1, true);
    view.setUint32(EHDR_BYTES + SHDR_INFO, segments.length, true);
  }
  for (const [i, segment] of segments.entries()) encodeSegment(view, tableAt + i * PHDR_BYTES, segment);
  return bytes;
}

function encodeSegment(view: DataView, at: number, { offset, phys, fileBytes, memoryBytes }: ElfSegment): void {
  view.setUint32(at + Phdr.TYPE, PT_LOAD, true);
  view.setUint32(at + Phdr.FLAGS, 6, true); // readable, writable
  set64(view, at + Phdr.OFFSET, offset);
  set64(view, at + Phdr.PADDR, phys);
  set64(view, at + Phdr.FILESZ, fileBytes);
  set64(view, at + Phdr.MEMSZ, memoryBytes);
  set64(view, at + Phdr.ALIGN, PAGE_SIZE);
}

function set64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}
