import { REQ_OP_DRV_IN, reqOp } from '../../block/bio/op.ts';
import { MQ_RQ_IN_FLIGHT, type Request } from '../../block/queue/request.ts';
import { get, put } from '../../spec/bits.ts';
import { AdminOpcode } from '../../spec/opcodes.ts';
import { AbortCdw10, Cdw0, SqeWord } from '../../spec/sqe.ts';
import { NVME_IO_TIMEOUT_NANOS } from '../constants.ts';
import type { NvmeDriver } from '../nvme-driver.ts';
import { IOD_ABORTED, type NvmeIod } from '../requests/nvme-iod.ts';

/** Requests that took too long, and what is done about each (spec N26, N94). */
export class Timeouts {
  readonly #driver: NvmeDriver;
  #abortsInFlight = 0;
  readonly #abortEnded = (request: Request<NvmeIod>): void => {
    this.#abortsInFlight--;
    this.#driver.log.warn(`Abort status: 0x${request.data.status.toString(16)}`);
  };

  constructor(driver: NvmeDriver) {
    this.#driver = driver;
  }

  /** Looks at every I/O request past its deadline; call it as time passes. */
  check(): void {
    const { context, ioPath } = this.#driver;
    const { nowNanos } = context.kernel;
    for (const hctx of ioPath.tagSet?.contexts ?? []) {
      for (const request of hctx.inFlight) {
        if (request === null || request.state !== MQ_RQ_IN_FLIGHT || request.deadlineNanos > nowNanos) continue;
        if (this.#expired(request)) return;
      }
    }
  }

  /** An admin command of the driver's own got no answer: all ends, as the queue itself is in doubt. */
  adminExpired(): void {
    const { adminPath, log, registers } = this.#driver;
    log.warn(`admin command timeout, disable controller, CSTS=0x${registers.status().toString(16)}`);
    adminPath.cancelAll();
  }

  /** True when the controller was reset, so that nothing of the walk is left to look at. */
  #expired(request: Request<NvmeIod>): boolean {
    const { registers, ioPath, state, log, context } = this.#driver;
    const queue = ioPath.queues[request.hctx];
    if (registers.isGone()) {
      state.change('DELETING');
      this.#driver.disable(false);
      return true;
    }
    if (registers.isFatal()) {
      log.warn(`controller is down; will reset: CSTS=0x${registers.status().toString(16)}, PCI_STATUS=0x10`);
      this.#driver.reset();
      return true;
    }
    if (queue.hasCompletion()) {
      ioPath.drain(queue);
      if (request.state !== MQ_RQ_IN_FLIGHT) {
        log.warn(`I/O tag ${request.tag} QID ${queue.qid} timeout, completion polled`);
        return false;
      }
    }
    if ((request.data.flags & IOD_ABORTED) !== 0) {
      log.warn(`${describe(request, queue.qid)} timeout, reset controller`);
      this.#driver.reset();
      return true;
    }
    request.deadlineNanos = context.kernel.nowNanos + NVME_IO_TIMEOUT_NANOS;
    if (this.#abortsInFlight < this.#driver.identity!.abortLimit) this.#abort(request, queue.qid);
    return false;
  }

  /** Sends Abort and does not wait: the timer asks again. */
  #abort(request: Request<NvmeIod>, qid: number): void {
    const { adminQueue, log } = this.#driver;
    const abort = adminQueue.allocatePassthrough(REQ_OP_DRV_IN);
    if (abort === null) return;
    const opcode = get(request.data.command[SqeWord.CDW0], Cdw0.OPC).toString(16).padStart(2, '0');
    log.warn(
      `${describe(request, qid)} timeout, aborting req_op:${reqOp(request.opf)} opcode 0x${opcode} size:${request.bytes}`,
    );
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

function describe(request: Request<NvmeIod>, qid: number): string {
  const cid = request.data.cid.toString(16).padStart(4, '0');
  return `I/O tag ${request.tag} (${cid}) QID ${qid}`;
}
