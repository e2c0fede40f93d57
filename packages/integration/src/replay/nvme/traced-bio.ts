import {
  Bio,
  REQ_FUA,
  REQ_META,
  REQ_NOUNMAP,
  REQ_OP_DISCARD,
  REQ_OP_READ,
  REQ_OP_WRITE,
  REQ_OP_WRITE_ZEROES,
  REQ_PREFLUSH,
  REQ_RAHEAD,
  REQ_SYNC,
} from '@dmalab/blk-nvme';
import type { TracedCommand, TracedMapping } from './traced-command.ts';

const PAGE = 4096;
const HUGE_PAGE = 2 ** 21;

/** Huge pages that the trace betrays: memory of several pages that was one segment (spec N4). By their number. */
export function largeFolios(commands: readonly TracedCommand[]): ReadonlySet<number> {
  const folios = new Set<number>();
  for (const command of commands) {
    const vectors = vectorsOf(command.maps);
    if (isOneSegment(command, vectors) && command.bytes > PAGE) folios.add(Math.floor(vectors[0].phys / HUGE_PAGE));
  }
  return folios;
}

/** The command's memory as user buffers come: a vector for each page, or for what lies in one huge page (spec N4). */
export function bioOf(command: TracedCommand, folios: ReadonlySet<number>): Bio {
  // An fsync: the write that asked for the flush has nothing to write (spec N27).
  if (command.rwbs === 'FF') return new Bio().init(REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC, 0);
  const bio = new Bio().init(opfOf(command), command.sector);
  if (/^W?[DZ]/.test(command.rwbs)) {
    bio.bytes = command.bytes;
    return bio;
  }
  const vectors = vectorsOf(command.maps);
  if (isOneSegment(command, vectors)) {
    bio.addPhys(vectors[0].phys, command.bytes);
    return bio;
  }
  let left = command.bytes;
  for (const { call, phys, size } of vectors) {
    // IOMMU events show whole pages; what is too much lies before the first byte.
    const slack = call === 'map' ? Math.max(0, size - left) : 0;
    for (let at = phys + slack; at < phys + size && left > 0; ) {
      const folio = folios.has(Math.floor(at / HUGE_PAGE)) ? HUGE_PAGE : PAGE;
      const piece = Math.min(folio - (at % folio), phys + size - at, left);
      bio.addPhys(at, piece);
      at += piece;
      left -= piece;
    }
  }
  return bio;
}

/**
 * One segment is mapped without the iterator, and shows in what unmaps it (spec N81, N180): `dma_unmap_phys` for one
 * vector, where the iterator would have used the two-step path, or in direct mode nothing.
 */
function isOneSegment(command: TracedCommand, vectors: readonly TracedMapping[]): boolean {
  if (vectors.length !== 1 || vectors[0].call !== 'dma_map_phys') return false;
  return command.sq < 0 || command.unmaps.some(({ call }) => call === 'dma_unmap_phys');
}

/** With a `dma_map_phys` beside it, an IOMMU event says the same thing less exactly. */
function vectorsOf(maps: readonly TracedMapping[]): readonly TracedMapping[] {
  const exact = maps.filter(({ call }) => call === 'dma_map_phys');
  return exact.length > 0 ? exact : maps;
}

/** Operation and flags from what the events print of them (spec N110). */
function opfOf({ rwbs, command }: TracedCommand): number {
  const [, op, fua, rahead, sync, meta] = /^(WZ|DE|D|R|W)(F?)(A?)(S?)(M?)/.exec(rwbs) ?? ['', 'R'];
  let opf = OPS[op] ?? REQ_OP_READ;
  if (fua) opf |= REQ_FUA;
  if (rahead) opf |= REQ_RAHEAD;
  if (sync) opf |= REQ_SYNC;
  if (meta) opf |= REQ_META;
  const control = Number.parseInt(/ ctrl=0x([0-9a-f]+)/.exec(command)?.[1] ?? '0', 16);
  return op === 'WZ' && (control & DEAC) === 0 ? opf | REQ_NOUNMAP : opf;
}

const OPS: Readonly<Record<string, number>> = {
  R: REQ_OP_READ,
  W: REQ_OP_WRITE,
  D: REQ_OP_DISCARD,
  WZ: REQ_OP_WRITE_ZEROES,
};
/** Deallocate, in the control word of Write Zeroes (spec N73). */
const DEAC = 0x200;
