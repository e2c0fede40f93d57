import type { TraceRing } from '@dmalab/trace';
import { get } from '../../spec/bits.ts';
import { Cdw0, SqeWord } from '../../spec/sqe.ts';
import type { NvmeNamespace } from '../nvme-namespace.ts';
import type { NvmeIod } from './nvme-iod.ts';

/** The driver's trace points (spec N110). Callers look at `ring.on` first. */
export class NvmeTrace {
  readonly ring: TraceRing;
  readonly #controller: number;
  readonly #dwords = new Uint32Array(6);

  /** `name`: `nvme0`. */
  constructor(ring: TraceRing, name: string) {
    this.ring = ring;
    this.#controller = ring.intern(name);
  }

  /** Before mapping: so the flags never show whether SGLs are used (spec N110). */
  setupCmd(ns: NvmeNamespace | null, qid: number, iod: NvmeIod, meta: 0 | 1): void {
    const { command } = iod;
    for (let i = 0; i < 6; i++) this.#dwords[i] = command[SqeWord.CDW10 + i];
    const cdw0 = command[SqeWord.CDW0];
    const flags = (cdw0 >>> 8) & 0xff;
    const nsid = command[SqeWord.NSID];
    const disk = ns === null ? -1 : ns.traceId;
    const opcode = get(cdw0, Cdw0.OPC);
    this.ring.nvme.setupCmd(this.#controller, disk, qid, iod.cid, nsid, flags, meta, opcode, this.#dwords);
  }

  sq(ns: NvmeNamespace | null, qid: number, head: number, tail: number): void {
    this.ring.nvme.sq(this.#controller, ns === null ? -1 : ns.traceId, qid, head, tail);
  }

  completeRq(ns: NvmeNamespace | null, qid: number, iod: NvmeIod, retries: number): void {
    const disk = ns === null ? -1 : ns.traceId;
    this.ring.nvme.completeRq(this.#controller, disk, qid, iod.cid, iod.result, retries, iod.requestFlags, iod.status);
  }

  asyncEvent(result: number): void {
    this.ring.nvme.asyncEvent(this.#controller, result);
  }
}
