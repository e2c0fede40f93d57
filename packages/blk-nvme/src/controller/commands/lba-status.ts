import { get, high32, join64, low32 } from '../../spec/bits.ts';
import { LbaStatusCdw13, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { sendData } from '../data/data-transfer.ts';
import type { Namespace } from '../media/namespace.ts';
import type { ControllerState } from '../state/controller-state.ts';

/** Action types: all that a scan finds, or what is known already. Nothing is known but what a scan would find. */
const SCAN = 0x10;
const TRACKED = 0x11;
const HEADER_BYTES = 8;
const DESCRIPTOR_BYTES = 16;
/** CMPC: everything of the range was reported, or the buffer was too short. */
const COMPLETE = 2;
const CUT_SHORT = 1;

/** Get LBA Status (spec N150, outline): the runs of blocks that a read would fail on. */
export function getLbaStatus(c: ControllerState, sqe: Uint32Array): number {
  const ns = c.namespaces[sqe[SqeWord.NSID] - 1];
  if (ns === undefined) return dnr(Status.INVALID_NS);
  const slba = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  const action = get(sqe[SqeWord.CDW13], LbaStatusCdw13.ATYPE);
  if (action !== SCAN && action !== TRACKED) return dnr(Status.INVALID_FIELD);
  if (slba >= ns.blocks) return dnr(Status.LBA_RANGE);
  const lengthBytes = (sqe[SqeWord.CDW12] + 1) * 4;
  if (lengthBytes > c.mdtsBytes) return dnr(Status.INVALID_FIELD);
  const wanted = get(sqe[SqeWord.CDW13], LbaStatusCdw13.RL);
  const end = wanted === 0 ? ns.blocks : Math.min(slba + wanted, ns.blocks);
  return sendData(c, sqe, report(ns, slba, end, lengthBytes), 0, lengthBytes);
}

function report(ns: Namespace, slba: number, end: number, lengthBytes: number): Uint8Array {
  const page = new Uint8Array(lengthBytes + HEADER_BYTES);
  const view = new DataView(page.buffer);
  const most = Math.max(Math.floor((lengthBytes - HEADER_BYTES) / DESCRIPTOR_BYTES), 0);
  let count = 0;
  let isCut = false;
  for (let block = ns.uncorrectable.next(slba, end); block < end; ) {
    let after = block + 1;
    while (after < end && ns.uncorrectable.has(after)) after++;
    isCut = count === most;
    if (isCut) break;
    const at = HEADER_BYTES + count++ * DESCRIPTOR_BYTES;
    view.setUint32(at, low32(block), true);
    view.setUint32(at + 4, high32(block), true);
    view.setUint32(at + 8, after - block, true);
    block = ns.uncorrectable.next(after, end);
  }
  view.setUint32(0, count, true);
  page[4] = isCut ? CUT_SHORT : COMPLETE;
  return page;
}
