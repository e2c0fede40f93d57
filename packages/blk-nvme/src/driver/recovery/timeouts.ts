import { opName, REQ_OP_DRV_IN, reqOp } from '../../block/bio/op.ts';
import { MQ_RQ_IN_FLIGHT, type Request } from '../../block/queue/request.ts';
import { get, put } from '../../spec/bits.ts';
import { opcodeName } from '../../spec/opcode-names.ts';
import { AdminOpcode } from '../../spec/opcodes.ts';
import { AbortCdw10, Cdw0, SqeWord } from '../../spec/sqe.ts';
import { NVME_ADMIN_TIMEOUT_NANOS, NVME_IO_TIMEOUT_NANOS } from '../constants.ts';
import type { NvmeDriver } from '../nvme-driver.ts';
import type { NvmeQueue } from '../queues/nvme-queue.ts';
import { IOD_ABORTED, type NvmeIod } from '../requests/nvme-iod.ts';
import type { RequestPath } from '../requests/request-path.ts';

/** Requests that took too long, and what is done about each (spec N26, N94). */
export class Timeouts {
  readonly #driver: NvmeDriver;
  #abortsInFlight = 0;
  #stopping = false;
  readonly #abortEnded = (request: Request<NvmeIod>): void => {
    this.#abortsInFlight--;
    this.#driver.log.warn(`Abort status: 0x${request.data.status.toString(16)}`);
  };

  constructor(driver: NvmeDriver) {
    this.#driver = driver;
  }

  /** Looks at every request past its deadline; call it as time passes. */
  check(): void {
    const { adminPath, ioPath, keepAlive } = this.#driver;
    if (this.#checkPath(adminPath)) return;
    if (this.#checkPath(ioPath)) return;
    keepAlive.check();
  }

  #checkPath(path: RequestPath): boolean {
    const { nowNanos } = this.#driver.context.kernel;
    for (const { inFlight } of path.tagSet?.contexts ?? []) {
      for (const request of inFlight) {
        if (request === null || request.state !== MQ_RQ_IN_FLIGHT || request.deadlineNanos > nowNanos) continue;
        if (this.#expired(request, path)) return true;
      }
    }
    return false;
  }

  /** Nobody answers the admin command that is waited for: as any request, and then it is given up. */
  adminExpired(): void {
    const { adminPath } = this.#driver;
    const waiting = adminPath.tagSet?.contexts[0].inFlight.find((request) => request?.state === MQ_RQ_IN_FLIGHT);
    if (!this.#stopping && waiting !== null && waiting !== undefined && this.#expired(waiting, adminPath)) return;
    adminPath.cancelAll();
  }

  /** The tests of spec N94, in its order. True when all requests were taken back, so that the walk has to end. */
  #expired(request: Request<NvmeIod>, path: RequestPath): boolean {
    const { registers, state, log, backing, adminPath } = this.#driver;
    const queue = path.queues[request.hctx];
    if (registers.isGone()) state.change('DELETING');
    if (state.isTerminal) return this.#stop(false);
    if (backing.channelOffline?.() === true) return this.#later(request, path);
    const isComingUp = state.current === 'RESETTING' || state.current === 'CONNECTING';
    if (registers.isFatal() && !isComingUp) {
      const pciStatus = (backing.pciStatus?.() ?? 0xffff).toString(16);
      const csts = registers.status().toString(16);
      log.warn(`controller is down; will reset: CSTS=0x${csts}, PCI_STATUS=0x${pciStatus}`);
      return this.#reset();
    }
    if (this.#polled(request, path, queue)) return false;
    const what = describe(request, queue.qid, path === adminPath, this.#driver.parameters.verboseErrors);
    if (state.current === 'CONNECTING') {
      state.change('DELETING');
      log.warn(`${what} timeout, disable controller`);
      return this.#stop(true);
    }
    if (state.current === 'RESETTING') return this.#later(request, path);
    if (path === adminPath || (request.data.flags & IOD_ABORTED) !== 0) {
      log.warn(`${what} timeout, reset controller`);
      return this.#reset();
    }
    if (this.#abortsInFlight < this.#driver.identity!.abortLimit) this.#abort(request, queue.qid, what);
    return this.#later(request, path);
  }

  /** RESET_TIMER: the request has its whole time again. */
  #later(request: Request<NvmeIod>, path: RequestPath): boolean {
    const timeout = path === this.#driver.adminPath ? NVME_ADMIN_TIMEOUT_NANOS : NVME_IO_TIMEOUT_NANOS;
    request.deadlineNanos = this.#driver.context.kernel.nowNanos + timeout;
    return false;
  }

  /** An interrupt may have been lost: the completion is looked for once. */
  #polled(request: Request<NvmeIod>, path: RequestPath, queue: NvmeQueue): boolean {
    if (!queue.hasCompletion()) return false;
    const { tag } = request;
    const cid = cidText(request);
    path.drain(queue);
    if (request.state === MQ_RQ_IN_FLIGHT) return false;
    this.#driver.log.warn(`I/O tag ${tag} (${cid}) QID ${queue.qid} timeout, completion polled`);
    return true;
  }

  #reset(): boolean {
    this.#driver.reset();
    return true;
  }

  /** Deleting the queues of a controller that is given up may time out in turn: that ends there. */
  #stop(shutdown: boolean): boolean {
    this.#stopping = true;
    this.#driver.disable(shutdown);
    this.#stopping = false;
    return true;
  }

  /** Sends Abort and does not wait: the timer asks again. */
  #abort(request: Request<NvmeIod>, qid: number, what: string): void {
    const { adminQueue, log } = this.#driver;
    const abort = adminQueue.allocatePassthrough(REQ_OP_DRV_IN);
    if (abort === null) return;
    const op = reqOp(request.opf);
    log.warn(`${what} timeout, aborting req_op:${opName(op)}(${op}) size:${request.bytes}`);
    request.data.flags |= IOD_ABORTED;
    this.#abortsInFlight++;
    const { command } = abort.data;
    command.fill(0);
    command[SqeWord.CDW0] = AdminOpcode.ABORT_CMD;
    command[SqeWord.CDW10] = put(AbortCdw10.SQID, qid) | put(AbortCdw10.CID, request.data.cid);
    abort.endIo = this.#abortEnded;
    adminQueue.insert(abort);
  }
}

function cidText(request: Request<NvmeIod>): string {
  return request.data.cid.toString(16).padStart(4, '0');
}

function describe(request: Request<NvmeIod>, qid: number, isAdmin: boolean, verbose: boolean): string {
  const opcode = get(request.data.command[SqeWord.CDW0], Cdw0.OPC);
  const name = verbose ? opcodeName(opcode, isAdmin) : isAdmin ? 'Admin Cmd' : 'I/O Cmd';
  return `I/O tag ${request.tag} (${cidText(request)}) opcode 0x${opcode.toString(16)} (${name}) QID ${qid}`;
}
