import { BLK_STS_NOTSUPP, BLK_STS_OK, BLK_STS_RESOURCE } from '../../block/bio/block-status.ts';
import {
  opIsPassthrough,
  REQ_FAILFAST_DEV,
  REQ_FUA,
  REQ_NOUNMAP,
  REQ_OP_DISCARD,
  REQ_OP_FLUSH,
  REQ_OP_READ,
  REQ_OP_WRITE,
  REQ_OP_WRITE_ZEROES,
  REQ_RAHEAD,
  reqOp,
} from '../../block/bio/op.ts';
import type { Request } from '../../block/queue/request.ts';
import { high32 } from '../../spec/bits.ts';
import { NvmOpcode } from '../../spec/opcodes.ts';
import {
  DSM_MAX_RANGES,
  DSM_RANGE_BYTES,
  NVME_DSMGMT_AD,
  NVME_RW_DSM_FREQ_PREFETCH,
  NVME_RW_FUA,
  NVME_RW_LR,
  NVME_RW_PRINFO_PRACT,
  NVME_RW_PRINFO_PRCHK_GUARD,
  NVME_RW_PRINFO_PRCHK_REF,
  NVME_WZ_DEAC,
  SqeWord,
} from '../../spec/sqe.ts';
import { PROTECTION_BYTES } from '../../spec/t10-dif.ts';
import type { NvmeNamespace } from '../nvme-namespace.ts';
import type { DiscardPages } from './discard-pages.ts';
import type { NvmeIod } from './nvme-iod.ts';

const SQE_WORDS = 16;

/** Fills the command of a request, all but its data pointer (spec N72, N73): a block status. */
export function setupCommand(ns: NvmeNamespace | null, request: Request<NvmeIod>, discards: DiscardPages): number {
  if (opIsPassthrough(request.opf)) return BLK_STS_OK;
  request.data.requestFlags = 0;
  const { command } = request.data;
  // Sixteen plain stores are a third of the call that `command.fill(0)` is.
  for (let i = 0; i < SQE_WORDS; i++) command[i] = 0;
  command[SqeWord.NSID] = ns!.nsid;
  switch (reqOp(request.opf)) {
    case REQ_OP_READ:
      return setupReadWrite(ns!, request, NvmOpcode.READ);
    case REQ_OP_WRITE:
      return setupReadWrite(ns!, request, NvmOpcode.WRITE);
    case REQ_OP_FLUSH:
      command[SqeWord.CDW0] = NvmOpcode.FLUSH;
      return BLK_STS_OK;
    case REQ_OP_DISCARD:
      return setupDiscard(ns!, request, discards);
    case REQ_OP_WRITE_ZEROES:
      return setupWriteZeroes(ns!, request);
    default:
      return BLK_STS_NOTSUPP;
  }
}

function setupReadWrite(ns: NvmeNamespace, request: Request<NvmeIod>, opcode: number): number {
  const { command } = request.data;
  const { opf } = request;
  let control = 0;
  let dsm = 0;
  if ((opf & REQ_FUA) !== 0) control |= NVME_RW_FUA;
  if ((opf & (REQ_FAILFAST_DEV | REQ_RAHEAD)) !== 0) control |= NVME_RW_LR;
  if ((opf & REQ_RAHEAD) !== 0) dsm |= NVME_RW_DSM_FREQ_PREFETCH;
  if (ns.identity.metadataBytes !== 0) {
    const sent = request.nrIntegritySegments > 0;
    if (sent ? ns.identity.extended : !deviceMakesMetadata(ns)) return BLK_STS_NOTSUPP;
    control |= sent ? protectionChecks(ns.identity.protection) : NVME_RW_PRINFO_PRACT;
    if (sent) command[SqeWord.CDW14] = request.sector / ns.sectorsPerLba;
  }
  command[SqeWord.CDW0] = opcode;
  putRange(ns, request, command);
  command[SqeWord.CDW12] |= control << 16;
  command[SqeWord.CDW13] = dsm;
  return BLK_STS_OK;
}

/**
 * Metadata that nobody sends has to be made and taken off by the device (PRACT), which it does with tuples that are all
 * of the metadata.
 * spec gap: N72 says "PRACT if PI". With more metadata than the tuple the device would still move the rest of it, to an
 * MPTR that is 0, or in between the data of a buffer that has no room: such a namespace answers as one without PI does.
 */
function deviceMakesMetadata({ identity }: NvmeNamespace): boolean {
  return identity.protection !== 0 && identity.metadataBytes === PROTECTION_BYTES;
}

/** What the device checks of protection information that the host sent: type 3 has no reference tag (spec N47, N72). */
function protectionChecks(type: number): number {
  if (type === 0) return 0;
  return NVME_RW_PRINFO_PRCHK_GUARD | (type === 3 ? 0 : NVME_RW_PRINFO_PRCHK_REF);
}

function putRange(ns: NvmeNamespace, request: Request<NvmeIod>, command: Uint32Array): void {
  const slba = request.sector / ns.sectorsPerLba;
  command[SqeWord.CDW10] = slba;
  command[SqeWord.CDW10 + 1] = high32(slba);
  command[SqeWord.CDW12] = request.sectors / ns.sectorsPerLba - 1;
}

function setupWriteZeroes(ns: NvmeNamespace, request: Request<NvmeIod>): number {
  const { command } = request.data;
  command[SqeWord.CDW0] = NvmOpcode.WRITE_ZEROES;
  putRange(ns, request, command);
  let control = 0;
  if ((request.opf & REQ_NOUNMAP) === 0 && ns.identity.deallocatesToZero) control |= NVME_WZ_DEAC;
  if (ns.identity.protection !== 0) control |= NVME_RW_PRINFO_PRACT;
  command[SqeWord.CDW12] |= control << 16;
  return BLK_STS_OK;
}

/** One range a bio, in a page of which all 4096 bytes go to the device whatever their number (spec N73). */
function setupDiscard(ns: NvmeNamespace, request: Request<NvmeIod>, discards: DiscardPages): number {
  const { command } = request.data;
  const page = discards.take();
  if (page < 0) return BLK_STS_RESOURCE;
  let ranges = 0;
  if (request.queue!.limits.maxDiscardSegments === 1) {
    discards.putRange(page, ranges++, request.sector / ns.sectorsPerLba, request.sectors / ns.sectorsPerLba);
  } else {
    for (let bio = request.bio; bio !== null && ranges < DSM_MAX_RANGES; bio = bio.next) {
      discards.putRange(page, ranges++, bio.sector / ns.sectorsPerLba, bio.sectors / ns.sectorsPerLba);
    }
  }
  request.data.rangePage = page;
  request.specialPhys = discards.physOf(page);
  request.specialBytes = DSM_MAX_RANGES * DSM_RANGE_BYTES;
  request.nrPhysSegments = 1;
  command[SqeWord.CDW0] = NvmOpcode.DSM;
  command[SqeWord.CDW10] = ranges - 1;
  command[SqeWord.CDW11] = NVME_DSMGMT_AD;
  return BLK_STS_OK;
}
