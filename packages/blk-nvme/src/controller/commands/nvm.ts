import { get, join64 } from '../../spec/bits.ts';
import { NvmOpcode } from '../../spec/opcodes.ts';
import { Sgls } from '../../spec/sgl.ts';
import {
  Cdw0,
  DSM_RANGE_BYTES,
  DsmCdw11,
  NSID_ALL,
  PSDT_PRP,
  PSDT_SGL_MPTR_SGL,
  RwCdw12,
  SqeWord,
} from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { receiveData } from '../data/data-transfer.ts';
import type { Namespace } from '../media/namespace.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { copy } from './copy.ts';
import { DMRL, DMRSL, namespaceLimit, VSL } from './identify-data.ts';
import { compare, read, verify, write } from './read-write.ts';
import { reservationCommand } from './reservations.ts';

/** Bytes that Verify may cover: 2^VSL pages (spec N160). */
const VERIFY_BYTES_MAX = 4096 << VSL;

/** Executes one command of the NVM command set (spec N160): its status. The tests come in the order of N140. */
export function executeNvm(c: ControllerState, sqe: Uint32Array): number {
  const cdw0 = sqe[SqeWord.CDW0];
  const opcode = get(cdw0, Cdw0.OPC);
  if (!isSupported(opcode)) return dnr(Status.INVALID_OPCODE);
  if (get(cdw0, Cdw0.FUSE) !== 0) return dnr(Status.INVALID_FIELD);
  const psdt = get(cdw0, Cdw0.PSDT);
  if (psdt !== PSDT_PRP && !sglAllowed(c, psdt)) return dnr(Status.INVALID_FIELD);
  const nsid = sqe[SqeWord.NSID];
  if (nsid === NSID_ALL && opcode === NvmOpcode.FLUSH) return flushAll(c);
  if (nsid === 0 || nsid > namespaceLimit(c)) return dnr(Status.INVALID_NS);
  const ns = c.namespaces[nsid - 1];
  if (ns === undefined) return dnr(Status.INVALID_FIELD);
  if (ns.busyStatus !== 0) return ns.busyStatus;
  return opcode === NvmOpcode.READ ? readChecked(c, ns, sqe) : executeOn(c, ns, opcode, sqe);
}

function isSupported(opcode: number): boolean {
  switch (opcode) {
    case NvmOpcode.FLUSH:
    case NvmOpcode.WRITE:
    case NvmOpcode.READ:
    case NvmOpcode.WRITE_UNCOR:
    case NvmOpcode.COMPARE:
    case NvmOpcode.WRITE_ZEROES:
    case NvmOpcode.DSM:
    case NvmOpcode.VERIFY:
    case NvmOpcode.COPY:
    case NvmOpcode.RESV_REGISTER:
    case NvmOpcode.RESV_REPORT:
    case NvmOpcode.RESV_ACQUIRE:
    case NvmOpcode.RESV_RELEASE:
      return true;
    default:
      return false;
  }
}

function sglAllowed(c: ControllerState, psdt: number): boolean {
  if (psdt > PSDT_SGL_MPTR_SGL || get(c.config.sgls, Sgls.SUPPORT) === 0) return false;
  return psdt !== PSDT_SGL_MPTR_SGL || get(c.config.sgls, Sgls.METADATA) === 1;
}

function executeOn(c: ControllerState, ns: Namespace, opcode: number, sqe: Uint32Array): number {
  switch (opcode) {
    case NvmOpcode.FLUSH:
      c.durability.flush(ns);
      return Status.SUCCESS;
    case NvmOpcode.DSM:
      return datasetManagement(c, ns, sqe);
    case NvmOpcode.COPY:
      return copy(c, ns, sqe);
    case NvmOpcode.RESV_REGISTER:
    case NvmOpcode.RESV_REPORT:
    case NvmOpcode.RESV_ACQUIRE:
    case NvmOpcode.RESV_RELEASE:
      return reservationCommand(c, ns, opcode, sqe);
    case NvmOpcode.WRITE:
      return checkTransfer(c, ns, sqe) || checkWritable(ns) || write(c, ns, sqe);
    case NvmOpcode.COMPARE:
      return checkTransfer(c, ns, sqe) || checkReadable(c, ns, sqe) || compare(c, ns, sqe);
    case NvmOpcode.WRITE_ZEROES:
      return checkRange(ns, sqe) || checkWritable(ns) || writeZeroes(c, ns, sqe);
    case NvmOpcode.WRITE_UNCOR:
      return checkRange(ns, sqe) || checkWritable(ns) || writeUncorrectable(ns, sqe);
    default:
      return checkVerifySize(ns, sqe) || checkRange(ns, sqe) || checkReadable(c, ns, sqe) || verify(ns, sqe);
  }
}

function readChecked(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  return checkTransfer(c, ns, sqe) || checkReadable(c, ns, sqe) || read(c, ns, sqe);
}

/** MDTS, then the range (spec N160). */
function checkTransfer(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  const blocks = get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1;
  return blocks * ns.transferBlockBytes > c.mdtsBytes ? dnr(Status.INVALID_FIELD) : checkRange(ns, sqe);
}

function checkVerifySize(ns: Namespace, sqe: Uint32Array): number {
  const blocks = get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1;
  return blocks * ns.blockBytes > VERIFY_BYTES_MAX ? dnr(Status.INVALID_FIELD) : 0;
}

function checkRange(ns: Namespace, sqe: Uint32Array): number {
  const slba = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  const blocks = get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1;
  return slba + blocks > ns.blocks ? dnr(Status.LBA_RANGE) : 0;
}

function checkReadable(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  if (ns.uncorrectable.size === 0 && !ns.deallocatedError) return 0;
  const slba = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  const blocks = get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1;
  if (ns.uncorrectable.hasAny(slba, blocks)) {
    c.health.mediaErrors++;
    return dnr(Status.READ_ERROR);
  }
  return ns.deallocatedError && !ns.written.hasAll(slba, blocks) ? dnr(Status.UNWRITTEN_BLOCK) : 0;
}

function checkWritable(ns: Namespace): number {
  return ns.writeProtected ? dnr(Status.NS_WRITE_PROTECTED) : 0;
}

function flushAll(c: ControllerState): number {
  c.durability.flush();
  return Status.SUCCESS;
}

function writeZeroes(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  const slba = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  const blocks = get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1;
  if (c.config.trackDurability) {
    c.durability.flushRange(ns, slba, blocks);
  }
  ns.deallocate(slba, blocks);
  // Without DEAC the blocks are zeroes that were written, not holes (spec N160).
  if (get(sqe[SqeWord.CDW12], RwCdw12.DEAC) === 0) ns.written.addRange(slba, blocks);
  return Status.SUCCESS;
}

function writeUncorrectable(ns: Namespace, sqe: Uint32Array): number {
  const slba = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  ns.uncorrectable.addRange(slba, get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1);
  return Status.SUCCESS;
}

/** Dataset Management: only deallocation has an effect; all ranges are judged before any is carried out (spec N160). */
function datasetManagement(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  const ranges = (sqe[SqeWord.CDW10] & 0xff) + 1;
  if (ranges > DMRL) return dnr(Status.CMD_SIZE_LIMIT_EXCEEDED);
  const bytes = c.stagingOf(ranges * DSM_RANGE_BYTES);
  const status = receiveData(c, sqe, bytes, ranges * DSM_RANGE_BYTES);
  if (status !== 0) return status;
  if (get(sqe[SqeWord.CDW11], DsmCdw11.AD) === 0) return Status.SUCCESS;
  if (ns.writeProtected) return dnr(Status.NS_WRITE_PROTECTED);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, ranges * 4);
  for (let i = 0; i < words.length; i += 4) {
    if (words[i + 1] > DMRSL) return dnr(Status.CMD_SIZE_LIMIT_EXCEEDED);
    if (join64(words[i + 2], words[i + 3]) + words[i + 1] > ns.blocks) return dnr(Status.LBA_RANGE);
  }
  for (let i = 0; i < words.length; i += 4) {
    const slba = join64(words[i + 2], words[i + 3]);
    c.durability.flushRange(ns, slba, words[i + 1]);
    ns.deallocate(slba, words[i + 1]);
  }
  return Status.SUCCESS;
}
