import type { Bio } from '../../block/bio/bio.ts';
import { REQ_FAILFAST_DRIVER, REQ_OP_DRV_IN, REQ_OP_DRV_OUT } from '../../block/bio/op.ts';
import { ffs } from '../../block/limits/gap.ts';
import { put } from '../../spec/bits.ts';
import { Cdw0, SqeWord } from '../../spec/sqe.ts';
import type { NvmeNamespace } from '../nvme-namespace.ts';
import { NVME_REQ_USERCMD } from './nvme-iod.ts';

const PAGE = 4096;

/** What became of a user's command. */
export interface UserCommandResult {
  /** NVMe status as it came; 0 is success. */
  readonly status: number;
  readonly result: number;
}

/**
 * Sends a command that a user built to a namespace (spec N74): its words as they are but for the PSDT bits and the id,
 * with the user's memory as data. Not retried. False when no tag is free.
 */
export function submitUserCommand(
  ns: NvmeNamespace,
  words: Uint32Array,
  data: Bio | null,
  end: (result: UserCommandResult) => void,
): boolean {
  const isWrite = (words[SqeWord.CDW0] & 1) !== 0;
  const request = ns.queue.allocatePassthrough((isWrite ? REQ_OP_DRV_OUT : REQ_OP_DRV_IN) | REQ_FAILFAST_DRIVER);
  if (request === null) return false;
  const iod = request.data;
  iod.command.set(words);
  iod.command[SqeWord.CDW0] &= ~put(Cdw0.PSDT, -1);
  iod.requestFlags = NVME_REQ_USERCMD;
  const finish = () => end({ status: iod.status, result: iod.result });
  if (data === null) {
    request.endIo = finish;
  } else {
    data.endIo = finish;
    request.bio = data;
    request.bioTail = data;
    request.bytes = data.bytes;
    request.nrPhysSegments = data.vecs.count;
    request.gapBit = gapBitOf(data);
  }
  ns.queue.insert(request);
  return true;
}

/** Spec N14, for memory that no split looked at. */
function gapBitOf({ vecs }: Bio): number {
  let gaps = 0;
  for (let i = 1; i < vecs.count; i++) {
    const end = vecs.phys[i - 1] + vecs.lengthBytes[i - 1];
    gaps |= (vecs.phys[i] & (PAGE - 1)) | ((end & (PAGE - 1)) === 0 ? PAGE : end & (PAGE - 1));
  }
  return ffs(gaps);
}
