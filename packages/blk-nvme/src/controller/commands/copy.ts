import { get, join64 } from '../../spec/bits.ts';
import { COPY_RANGE_BYTES, CopyCdw12, CopyRange, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { receiveData } from '../data/data-transfer.ts';
import type { Namespace } from '../media/namespace.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { storeBlocks } from './block-contents.ts';

/** Source ranges of one Copy, blocks of one range, and blocks of all: MSRC + 1, MSSRL and MCL of Identify (spec N160). */
export const COPY_RANGES_MAX = 128;
export const COPY_RANGE_BLOCKS_MAX = 128;
export const COPY_BLOCKS_MAX = 128;

/**
 * Copy (spec N160, outline): source ranges of format 0, in one namespace without metadata. All ranges are judged and read
 * before anything is stored, so that a destination may overlap its sources.
 */
export function copy(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  const cdw12 = sqe[SqeWord.CDW12];
  const ranges = get(cdw12, CopyCdw12.NR) + 1;
  if (get(cdw12, CopyCdw12.DESFMT) !== 0 || ns.metadataBytes !== 0) return dnr(Status.INVALID_FIELD);
  if (ranges > COPY_RANGES_MAX) return dnr(Status.CMD_SIZE_LIMIT_EXCEEDED);
  if (ns.writeProtected) return dnr(Status.NS_WRITE_PROTECTED);
  const bytes = new Uint8Array(ranges * COPY_RANGE_BYTES);
  const status = receiveData(c, sqe, bytes, bytes.length);
  if (status !== 0) return status;
  const words = new Uint32Array(bytes.buffer);
  const total = judge(ns, words, ranges);
  if (total < 0) return dnr(-total);
  const target = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  if (target + total > ns.blocks) return dnr(Status.LBA_RANGE);
  storeBlocks(c, ns, target, total, gather(ns, words, ranges, total), get(cdw12, CopyCdw12.FUA));
  return Status.SUCCESS;
}

/** Blocks of all ranges, or a negative status. */
function judge(ns: Namespace, words: Uint32Array, ranges: number): number {
  let total = 0;
  for (let i = 0; i < ranges; i++) {
    const at = (i * COPY_RANGE_BYTES) / 4;
    const slba = join64(words[at + CopyRange.SLBA], words[at + CopyRange.SLBA + 1]);
    const blocks = (words[at + CopyRange.NLB] & 0xffff) + 1;
    total += blocks;
    if (blocks > COPY_RANGE_BLOCKS_MAX || total > COPY_BLOCKS_MAX) return -Status.CMD_SIZE_LIMIT_EXCEEDED;
    if (slba + blocks > ns.blocks) return -Status.LBA_RANGE;
    if (ns.uncorrectable.hasAny(slba, blocks)) return -Status.READ_ERROR;
  }
  return total;
}

function gather(ns: Namespace, words: Uint32Array, ranges: number, total: number): Uint8Array {
  const data = new Uint8Array(total * ns.blockBytes);
  let done = 0;
  for (let i = 0; i < ranges; i++) {
    const at = (i * COPY_RANGE_BYTES) / 4;
    const slba = join64(words[at + CopyRange.SLBA], words[at + CopyRange.SLBA + 1]);
    const lengthBytes = ((words[at + CopyRange.NLB] & 0xffff) + 1) * ns.blockBytes;
    ns.media.read(slba * ns.blockBytes, data, done, lengthBytes);
    done += lengthBytes;
  }
  return data;
}
