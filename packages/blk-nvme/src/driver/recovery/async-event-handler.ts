import {
  AER_ERROR_PERSIST_INT_ERR,
  AER_NOTICE_FW_ACT_STARTING,
  AER_NOTICE_NS_CHANGED,
  AsyncEventType,
  LogPage,
} from '../../spec/log-pages.ts';
import { AdminOpcode } from '../../spec/opcodes.ts';
import { SQE_BYTES, SqeWord } from '../../spec/sqe.ts';
import { scanNamespaces } from '../bring-up/namespace-scan.ts';
import { NVME_AQ_BLK_MQ_DEPTH } from '../constants.ts';
import type { NvmeDriver } from '../nvme-driver.ts';
import { awaitFirmwareActivation } from './firmware-activation.ts';

const LIST_BYTES = 4096;

/** The one asynchronous event request and what its answers lead to (spec N95). Work is done later, by {@link run}. */
export class AsyncEventHandler {
  readonly #driver: NvmeDriver;
  #rearm = false;
  #rescan = false;
  #reset = false;
  #activation = false;
  /** Events of a kind that only user space looks at: error, SMART, command set, vendor. */
  readonly reported: number[] = [];

  constructor(driver: NvmeDriver) {
    this.#driver = driver;
  }

  /** Sends the request, under the command id that is kept for it; no trace event (spec N57, row 14). */
  arm(): void {
    this.#rearm = false;
    const [queue] = this.#driver.adminPath.queues;
    if (queue === undefined || !queue.enabled) return;
    const command = new Uint32Array(SQE_BYTES / 4);
    command[SqeWord.CDW0] = AdminOpcode.ASYNC_EVENT | (NVME_AQ_BLK_MQ_DEPTH << 16);
    queue.submit(command, true);
  }

  receive(status: number, result: number): void {
    if (status !== 0) return;
    const { trace } = this.#driver;
    if (trace.ring.on) trace.asyncEvent(result);
    const type = result & 7;
    const info = (result >>> 8) & 0xff;
    if (type === AsyncEventType.ERROR && info === AER_ERROR_PERSIST_INT_ERR) {
      this.#reset = true;
      return;
    }
    if (type === AsyncEventType.NOTICE) {
      this.#rescan ||= info === AER_NOTICE_NS_CHANGED;
      this.#activation ||= info === AER_NOTICE_FW_ACT_STARTING;
    } else this.reported.push(result);
    this.#rearm = true;
  }

  /** What the kernel does in a worker. */
  run(): void {
    if (!this.#reset && !this.#rescan && !this.#rearm) return;
    const driver = this.#driver;
    if (this.#reset) {
      this.#reset = false;
      driver.reset();
      return;
    }
    if (this.#activation) {
      this.#activation = false;
      awaitFirmwareActivation(driver);
    }
    if (this.#rescan) {
      this.#rescan = false;
      const cdw10 = LogPage.CHANGED_NS | ((LIST_BYTES / 4 - 1) << 16);
      driver.admin.run({ opcode: AdminOpcode.GET_LOG_PAGE, nsid: 0xffffffff, cdw10, dataBytes: LIST_BYTES });
      scanNamespaces(driver);
    }
    if (!this.#rearm || driver.state.current !== 'LIVE') return;
    this.arm();
  }
}
