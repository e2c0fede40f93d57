import type { KernelLog } from '@dmalab/dma-api';
import { blkStatusWord } from '../block/bio/block-status.ts';
import { opIsPassthrough, opName, reqOp } from '../block/bio/op.ts';
import type { Request } from '../block/queue/request.ts';
import { get, join64 } from '../spec/bits.ts';
import { opcodeName } from '../spec/opcode-names.ts';
import { Cdw0, RwCdw12, SqeWord } from '../spec/sqe.ts';
import { NVME_STATUS_DNR, NVME_STATUS_MORE } from '../spec/status.ts';
import { statusText } from '../spec/status-text.ts';
import type { NvmeNamespace } from './nvme-namespace.ts';
import type { NvmeIod } from './requests/nvme-iod.ts';

/** The site that the driver's lines name. */
const SITE = 'nvme';

/** Kernel log lines of one controller (`nvme nvme0: ...`) and of its disks. */
export class DriverLog {
  readonly #log: KernelLog;
  readonly name: string;
  readonly #verbose: boolean;

  /** `verbose`: failed commands and their statuses are named (spec N93). */
  constructor(log: KernelLog, name: string, verbose: boolean) {
    this.#log = log;
    this.name = name;
    this.#verbose = verbose;
  }

  info(text: string): void {
    this.#log.add('info', SITE, this.name, text);
  }

  warn(text: string): void {
    this.#log.add('warn', SITE, this.name, text);
  }

  error(text: string): void {
    this.#log.add('error', SITE, this.name, text);
  }

  /** The block layer's word on a failed request (spec N30); flags are the op word without the op. */
  requestFailed(request: Request<NvmeIod>): void {
    const ns = request.queue?.queuedata as NvmeNamespace | null;
    if (ns === null || opIsPassthrough(request.opf)) return;
    const op = reqOp(request.opf);
    const where = `dev ${ns.diskName}, sector ${Math.max(request.sector, 0)}`;
    const what = `op 0x${op.toString(16)}:(${opName(op)}) flags 0x${(request.opf - op).toString(16)}`;
    const rest = `phys_seg ${request.nrPhysSegments} prio class ${request.ioprioClass}`;
    this.#log.add('error', 'block', null, `${blkStatusWord(request.status)} error, ${where} ${what} ${rest}`);
  }

  /** Spec N93: without verbose errors names stay general. */
  commandFailed(request: Request<NvmeIod>, isAdmin: boolean): void {
    const { command, status } = request.data;
    const ns = request.queue?.queuedata as NvmeNamespace | null;
    const opcode = get(command[SqeWord.CDW0], Cdw0.OPC);
    const general = isAdmin ? 'Admin Cmd' : 'I/O Cmd';
    const what = `${this.#verbose ? opcodeName(opcode, isAdmin) : general}(0x${opcode.toString(16)})`;
    const sct = ((status >>> 8) & 7).toString(16);
    const sc = (status & 0xff).toString(16);
    const marks = ((status & NVME_STATUS_MORE) !== 0 ? 'MORE ' : '') + ((status & NVME_STATUS_DNR) !== 0 ? 'DNR ' : '');
    const text = `${this.#verbose ? statusText(status) : 'I/O Error'} (sct 0x${sct} / sc 0x${sc}) ${marks}`;
    if (isAdmin || ns === null) {
      if (!isAdmin) return;
      this.#log.add('error', SITE, this.name, `${what}, ${text}`);
      return;
    }
    const lba = join64(command[SqeWord.CDW10], command[SqeWord.CDW10 + 1]);
    const blocks = get(command[SqeWord.CDW12], RwCdw12.NLB) + 1;
    this.#log.add('error', SITE, ns.diskName, `${what} @ LBA ${lba}, ${blocks} blocks, ${text}`);
  }
}
