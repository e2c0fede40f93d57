import { NvmeController } from '../controller/nvme-controller.ts';
import type { NvmeControllerOptions } from '../controller/options.ts';
import { high32, low32, put } from '../spec/bits.ts';
import { CQE_BYTES, CQES_LOG2, CqeStatus, CqeWord, statusOf } from '../spec/cqe.ts';
import { AdminOpcode } from '../spec/opcodes.ts';
import { Cc, doorbellOffset, Register } from '../spec/registers.ts';
import { CreateCqCdw11, CreateQueueCdw10, CreateSqCdw11, SQE_BYTES, SQES_LOG2, SqeWord } from '../spec/sqe.ts';
import { GrantingPort } from './granting-port.ts';

/** Where the host keeps its queues and buffers; all of it is granted. */
const QUEUES = 0x10_0000;
const QUEUE_SPACING = 0x1_0000;
export const BUFFER = 0x40_0000;
export const BUFFER_BYTES = 0x40_0000;

/** A completion as the host finds it in memory. */
export interface Completion {
  readonly dw0: number;
  readonly sqHead: number;
  readonly sqid: number;
  readonly cid: number;
  readonly phase: number;
  /** Type, code, DNR and so on, as traces print it. */
  readonly status: number;
}

/** Fields of a command by word; what is left out is 0. */
export interface RawCommand {
  readonly opcode: number;
  readonly nsid?: number;
  readonly cid?: number;
  readonly flags?: number;
  readonly mptr?: number;
  readonly prp1?: number;
  readonly prp2?: number;
  /** The four words of an SGL descriptor, instead of PRPs. */
  readonly sgl?: readonly number[];
  readonly cdw10?: number;
  readonly cdw11?: number;
  readonly cdw12?: number;
  readonly cdw13?: number;
  readonly cdw14?: number;
  readonly cdw15?: number;
}

/** A host that writes registers and queue entries by hand, for tests that look at the controller's side of the wire. */
export class RawHost {
  readonly port = new GrantingPort();
  readonly controller: NvmeController;
  readonly #sqTail: number[] = [];
  readonly #cqHead: number[] = [];
  readonly #phase: number[] = [];
  readonly #entries: number[] = [];
  #nextCid = 1;

  constructor(options: Partial<NvmeControllerOptions> = {}) {
    this.port.grant(QUEUES, QUEUE_SPACING * 16);
    this.port.grant(BUFFER, BUFFER_BYTES);
    this.controller = new NvmeController({ port: this.port, ...options });
  }

  get memory() {
    return this.port.memory;
  }

  /** Register writes from reset to ready. */
  enable(entries = 32): void {
    this.#startQueue(0, entries);
    this.write64(Register.ASQ, this.sqAddress(0));
    this.write64(Register.ACQ, this.cqAddress(0));
    this.controller.writeRegister(Register.AQA, ((entries - 1) << 16) | (entries - 1));
    this.controller.writeRegister(Register.CC, put(Cc.IOSQES, SQES_LOG2) | put(Cc.IOCQES, CQES_LOG2) | put(Cc.EN, 1));
  }

  createQueuePair(qid: number, entries = 64): void {
    this.#startQueue(qid, entries);
    const cdw10 = put(CreateQueueCdw10.QID, qid) | put(CreateQueueCdw10.QSIZE, entries - 1);
    const cq = put(CreateCqCdw11.PC, 1) | put(CreateCqCdw11.IEN, 1) | put(CreateCqCdw11.IV, qid);
    const sq = put(CreateSqCdw11.PC, 1) | put(CreateSqCdw11.CQID, qid);
    for (const command of [
      { opcode: AdminOpcode.CREATE_CQ, prp1: this.cqAddress(qid), cdw10, cdw11: cq },
      { opcode: AdminOpcode.CREATE_SQ, prp1: this.sqAddress(qid), cdw10, cdw11: sq },
    ]) {
      const { status } = this.run(0, command);
      if (status !== 0) throw new Error(`queue ${qid}: status ${status.toString(16)}`);
    }
  }

  sqAddress(qid: number): number {
    return QUEUES + qid * 2 * QUEUE_SPACING;
  }

  cqAddress(qid: number): number {
    return this.sqAddress(qid) + QUEUE_SPACING;
  }

  write64(offset: number, value: number): void {
    this.controller.writeRegister(offset, low32(value));
    this.controller.writeRegister(offset + 4, high32(value));
  }

  /** Writes an entry and rings; returns the command id. */
  submit(qid: number, command: RawCommand): number {
    const cid = command.cid ?? this.#nextCid++ & 0xffff;
    const at = this.sqAddress(qid) + this.#sqTail[qid] * SQE_BYTES;
    const words = sqeWords({ ...command, cid });
    for (const [i, word] of words.entries()) this.memory.store32(at + 4 * i, word);
    this.#sqTail[qid] = (this.#sqTail[qid] + 1) % this.#entries[qid];
    this.controller.writeRegister(doorbellOffset(qid, 0, 0), this.#sqTail[qid]);
    return cid;
  }

  /** Lets the controller work until it is idle. */
  settle(): void {
    for (let i = 0; this.controller.step(); i++) if (i > 100_000) throw new Error('the controller never gets idle');
  }

  /** The next completion of a queue, consumed and acknowledged, or undefined. */
  poll(qid: number): Completion | undefined {
    const at = this.cqAddress(qid) + this.#cqHead[qid] * CQE_BYTES;
    const word3 = this.memory.load32(at + 4 * CqeWord.STATUS);
    const phase = (word3 >>> CqeStatus.P.lo) & 1;
    if (phase !== this.#phase[qid]) return undefined;
    const sq = this.memory.load32(at + 4 * CqeWord.SQ);
    this.#cqHead[qid] = (this.#cqHead[qid] + 1) % this.#entries[qid];
    if (this.#cqHead[qid] === 0) this.#phase[qid] ^= 1;
    this.controller.writeRegister(doorbellOffset(qid, 1, 0), this.#cqHead[qid]);
    return {
      dw0: this.memory.load32(at),
      sqHead: sq & 0xffff,
      sqid: sq >>> 16,
      cid: word3 & 0xffff,
      phase,
      status: statusOf(word3),
    };
  }

  /** Submits, settles, and returns the completion. */
  run(qid: number, command: RawCommand): Completion {
    this.submit(qid, command);
    this.settle();
    const completion = this.poll(qid);
    if (completion === undefined) throw new Error('no completion');
    return completion;
  }

  bytes(at: number, lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    this.memory.read(at, bytes);
    return bytes;
  }

  #startQueue(qid: number, entries: number): void {
    this.#sqTail[qid] = 0;
    this.#cqHead[qid] = 0;
    this.#phase[qid] = 1;
    this.#entries[qid] = entries;
    this.memory.fill(this.cqAddress(qid), entries * CQE_BYTES, 0);
  }
}

function sqeWords(command: RawCommand & { readonly cid: number }): number[] {
  const words = new Array<number>(SQE_BYTES / 4).fill(0);
  words[SqeWord.CDW0] = (command.opcode | ((command.flags ?? 0) << 8) | (command.cid << 16)) >>> 0;
  words[SqeWord.NSID] = command.nsid ?? 0;
  putAddress(words, SqeWord.MPTR, command.mptr ?? 0);
  putAddress(words, SqeWord.PRP1, command.prp1 ?? 0);
  putAddress(words, SqeWord.PRP2, command.prp2 ?? 0);
  for (const [i, word] of (command.sgl ?? []).entries()) words[SqeWord.DPTR + i] = word;
  const { cdw10 = 0, cdw11 = 0, cdw12 = 0, cdw13 = 0, cdw14 = 0, cdw15 = 0 } = command;
  words.splice(SqeWord.CDW10, 6, cdw10, cdw11, cdw12, cdw13, cdw14, cdw15);
  return words;
}

function putAddress(words: number[], at: number, address: number): void {
  words[at] = low32(address);
  words[at + 1] = high32(address);
}
