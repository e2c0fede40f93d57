import { type DmaContext, GFP_KERNEL } from '@dmalab/dma-api';
import { ENOMEM } from '../../block/bio/errno.ts';
import { REQ_FAILFAST_DRIVER, REQ_OP_DRV_IN, REQ_OP_DRV_OUT } from '../../block/bio/op.ts';
import type { RequestQueue } from '../../block/queue/request-queue.ts';
import { high32, put } from '../../spec/bits.ts';
import { AdminOpcode } from '../../spec/opcodes.ts';
import {
  CreateCqCdw11,
  CreateQueueCdw10,
  CreateSqCdw11,
  IdentifyCdw10,
  IdentifyCdw11,
  SqeWord,
} from '../../spec/sqe.ts';
import { Status } from '../../spec/status.ts';
import type { NvmeIod } from '../requests/nvme-iod.ts';

const PAGE = 4096;

/** Words of an admin command, and the data that goes with it. */
export interface AdminCommand {
  readonly opcode: number;
  readonly nsid?: number;
  /** A queue's address, which is no data of the command. */
  readonly prp1?: number;
  readonly prp2?: number;
  readonly cdw10?: number;
  readonly cdw11?: number;
  readonly cdw12?: number;
  readonly cdw13?: number;
  readonly cdw14?: number;
  readonly cdw15?: number;
  /** Bytes of data at most one page. */
  readonly dataBytes?: number;
  /** What goes to the device; without it the data comes from there. */
  readonly send?: Uint8Array;
}

/** Lets the device work and takes its completions; false when waiting has no point any more. */
export type WaitStep = () => boolean;

/**
 * Synchronous admin commands (spec N58): passthrough requests that nobody retries, with their data in one page of the
 * driver's. `run` returns 0, an NVMe status, or a negative errno.
 */
export class AdminCommands {
  /** DW0 of the latest completion. */
  result = 0;
  readonly #context: DmaContext;
  readonly #queue: RequestQueue<NvmeIod>;
  readonly #wait: WaitStep;
  #page = -1;

  constructor(context: DmaContext, queue: RequestQueue<NvmeIod>, wait: WaitStep) {
    this.#context = context;
    this.#queue = queue;
    this.#wait = wait;
  }

  run(command: AdminCommand): number {
    const { dataBytes = 0, send } = command;
    if (dataBytes > 0 && !this.#preparePage(dataBytes, send)) return ENOMEM;
    const isIn = send === undefined;
    const request = this.#queue.allocatePassthrough((isIn ? REQ_OP_DRV_IN : REQ_OP_DRV_OUT) | REQ_FAILFAST_DRIVER);
    if (request === null) return ENOMEM;
    fillCommand(request.data.command, command);
    request.data.requestFlags = 0;
    if (dataBytes > 0) {
      request.bytes = dataBytes;
      request.specialPhys = this.#page;
      request.specialBytes = dataBytes;
      request.nrPhysSegments = 1;
    }
    // A wait may end in a reset with commands of its own, so that what became of this one is kept here.
    let ended: number | null = null;
    let result = 0;
    request.endIo = ({ data }) => {
      ended = data.status;
      result = data.result;
    };
    this.#queue.insert(request);
    while (ended === null && this.#wait());
    this.result = result;
    return ended ?? Status.HOST_ABORTED_CMD;
  }

  /** Data that the last command brought. */
  data(lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    this.#context.memory.read(this.#page, bytes);
    return bytes;
  }

  identify(cns: number, nsid = 0, csi = 0): number {
    return this.run({
      opcode: AdminOpcode.IDENTIFY,
      nsid,
      cdw10: put(IdentifyCdw10.CNS, cns),
      cdw11: put(IdentifyCdw11.CSI, csi),
      dataBytes: PAGE,
    });
  }

  createCq(qid: number, dmaAddr: number, entries: number, vector: number, interrupts: boolean): number {
    return this.run({
      opcode: AdminOpcode.CREATE_CQ,
      prp1: dmaAddr,
      cdw10: put(CreateQueueCdw10.QID, qid) | put(CreateQueueCdw10.QSIZE, entries - 1),
      cdw11: put(CreateCqCdw11.PC, 1) | put(CreateCqCdw11.IEN, interrupts ? 1 : 0) | put(CreateCqCdw11.IV, vector),
    });
  }

  createSq(qid: number, dmaAddr: number, entries: number): number {
    return this.run({
      opcode: AdminOpcode.CREATE_SQ,
      prp1: dmaAddr,
      cdw10: put(CreateQueueCdw10.QID, qid) | put(CreateQueueCdw10.QSIZE, entries - 1),
      cdw11: put(CreateSqCdw11.PC, 1) | put(CreateSqCdw11.CQID, qid),
    });
  }

  deleteQueue(opcode: number, qid: number): number {
    return this.run({ opcode, cdw10: put(CreateQueueCdw10.QID, qid) });
  }

  setFeatures(fid: number, cdw11: number, send?: Uint8Array): number {
    const data = send === undefined ? {} : { send, dataBytes: send.length };
    return this.run({ opcode: AdminOpcode.SET_FEATURES, cdw10: fid, cdw11, ...data });
  }

  /** Gives the data page back. */
  release(): void {
    if (this.#page >= 0) this.#context.pageSource?.freePages(this.#page, 0);
    this.#page = -1;
  }

  #preparePage(lengthBytes: number, send: Uint8Array | undefined): boolean {
    if (this.#page < 0) this.#page = this.#context.pageSource?.allocPages(GFP_KERNEL, 0, -1) ?? -1;
    if (this.#page < 0) return false;
    this.#context.memory.fill(this.#page, lengthBytes, 0);
    if (send !== undefined) this.#context.memory.write(this.#page, send);
    return true;
  }
}

function fillCommand(words: Uint32Array, command: AdminCommand): void {
  const {
    opcode,
    nsid = 0,
    prp1 = 0,
    prp2 = 0,
    cdw10 = 0,
    cdw11 = 0,
    cdw12 = 0,
    cdw13 = 0,
    cdw14 = 0,
    cdw15 = 0,
  } = command;
  words.fill(0);
  words[SqeWord.CDW0] = opcode;
  words[SqeWord.NSID] = nsid;
  words[SqeWord.PRP1] = prp1;
  words[SqeWord.PRP1 + 1] = high32(prp1);
  words[SqeWord.PRP2] = prp2;
  words[SqeWord.PRP2 + 1] = high32(prp2);
  words.set([cdw10, cdw11, cdw12, cdw13, cdw14, cdw15], SqeWord.CDW10);
}
