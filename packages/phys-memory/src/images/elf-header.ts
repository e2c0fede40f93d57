import { ADDRESS_LIMIT } from '../address.ts';
import { ImageError } from './image-error.ts';

/** Offsets in a 64-bit ELF header. System V gABI 4.1, "ELF Header". */
export const Ehdr = {
  MAGIC: 0,
  CLASS: 4,
  DATA: 5,
  VERSION: 6,
  TYPE: 16,
  MACHINE: 18,
  OBJECT_VERSION: 20,
  PHOFF: 32,
  SHOFF: 40,
  EHSIZE: 52,
  PHENTSIZE: 54,
  PHNUM: 56,
  SHENTSIZE: 58,
  SHNUM: 60,
} as const;
export const EHDR_BYTES = 64;
/** Offsets in a 64-bit program header. System V gABI 4.1, "Program Header". */
export const Phdr = { TYPE: 0, FLAGS: 4, OFFSET: 8, VADDR: 16, PADDR: 24, FILESZ: 32, MEMSZ: 40, ALIGN: 48 } as const;
export const PHDR_BYTES = 56;
/** `sh_info` of section 0 holds the count of program headers when `e_phnum` is {@link PN_XNUM}. */
export const SHDR_INFO = 44;
export const SHDR_BYTES = 64;
export const PN_XNUM = 0xffff;

/** The word at offset 0: 0x7f, "ELF". */
export const ELF_MAGIC = 0x464c457f;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ET_CORE = 4;
export const PT_LOAD = 1;

/** One loadable part of a core: `fileBytes` bytes at `offset` in the file, then zeros up to `memoryBytes`. */
export interface ElfSegment {
  readonly offset: number;
  readonly phys: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

/** Bytes of the file that {@link parseElfCore} needs to see, or -1 when even those are not known yet. */
export function elfHeadBytes(head: Uint8Array): number {
  if (head.length < EHDR_BYTES) return -1;
  const view = viewOf(head);
  checkIdentity(view);
  const tableAt = field64(view, Ehdr.PHOFF);
  const count = view.getUint16(Ehdr.PHNUM, true);
  if (count !== PN_XNUM) return tableAt + count * PHDR_BYTES;
  const section0 = field64(view, Ehdr.SHOFF);
  if (head.length < section0 + SHDR_BYTES) return section0 + SHDR_BYTES;
  return Math.max(section0 + SHDR_BYTES, tableAt + view.getUint32(section0 + SHDR_INFO, true) * PHDR_BYTES);
}

/**
 * The loadable segments of a 64-bit little-endian core with physical addresses. `head` has at least
 * {@link elfHeadBytes} bytes. Segments without a physical address (all ones) are left out.
 */
export function parseElfCore(head: Uint8Array): ElfSegment[] {
  const view = viewOf(head);
  const tableAt = field64(view, Ehdr.PHOFF);
  let count = view.getUint16(Ehdr.PHNUM, true);
  if (count === PN_XNUM) count = view.getUint32(field64(view, Ehdr.SHOFF) + SHDR_INFO, true);
  const segments: ElfSegment[] = [];
  for (let i = 0; i < count; i++) {
    const at = tableAt + i * PHDR_BYTES;
    const isLoad = view.getUint32(at + Phdr.TYPE, true) === PT_LOAD;
    if (isLoad && !isAllOnes(view, at + Phdr.PADDR)) segments.push(segmentAt(view, at));
  }
  return segments;
}

function segmentAt(view: DataView, at: number): ElfSegment {
  const phys = field64(view, at + Phdr.PADDR);
  const fileBytes = field64(view, at + Phdr.FILESZ);
  const memoryBytes = Math.max(field64(view, at + Phdr.MEMSZ), fileBytes);
  if (phys + memoryBytes > ADDRESS_LIMIT) {
    throw new ImageError('ERR_ELF_RANGE', 'is not inside 0 to 2^52 - 1', phys, phys + memoryBytes - 1);
  }
  return { offset: field64(view, at + Phdr.OFFSET), phys, fileBytes, memoryBytes };
}

function checkIdentity(view: DataView): void {
  if (view.getUint32(Ehdr.MAGIC, true) !== ELF_MAGIC) throw new ImageError('ERR_ELF_FORMAT', 'not an ELF file');
  const is64BitLittleEndian = view.getUint8(Ehdr.CLASS) === ELFCLASS64 && view.getUint8(Ehdr.DATA) === ELFDATA2LSB;
  if (is64BitLittleEndian && view.getUint16(Ehdr.TYPE, true) === ET_CORE) {
    const entryBytes = view.getUint16(Ehdr.PHENTSIZE, true);
    if (entryBytes === PHDR_BYTES) return;
    throw new ImageError('ERR_ELF_FORMAT', `program headers are ${PHDR_BYTES} bytes, not ${entryBytes}`);
  }
  throw new ImageError('ERR_ELF_FORMAT', 'not a core: a 64-bit little-endian ELF file of type CORE is needed');
}

/** A 64-bit field as a number. Above 2^53 it loses its lowest bits, which no offset or address in the model has. */
function field64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

function isAllOnes(view: DataView, at: number): boolean {
  return view.getUint32(at, true) === 0xffffffff && view.getUint32(at + 4, true) === 0xffffffff;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
