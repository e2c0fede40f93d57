import { REQ_FAILFAST_DRIVER, REQ_OP_DRV_IN } from '../../block/bio/op.ts';
import { Feature } from '../../spec/features.ts';
import { AdminOpcode } from '../../spec/opcodes.ts';
import { SqeWord } from '../../spec/sqe.ts';
import type { NvmeDriver } from '../nvme-driver.ts';

const NANOS_PER_MILLI = 1e6;

/**
 * Tells the controller twice a timeout that its host is alive (spec N70), where a timeout was asked for: on PCI nobody
 * does by default.
 */
export class KeepAlive {
  readonly #driver: NvmeDriver;
  #everyNanos = 0;
  #dueNanos = Number.POSITIVE_INFINITY;
  #inFlight = false;
  readonly #ended = (): void => {
    this.#inFlight = false;
  };

  constructor(driver: NvmeDriver) {
    this.#driver = driver;
  }

  /**
   * Sets the controller's timer, once it is live.
   * spec gap: N70 does not say when KATO is set, nor what happens where the controller has no timer (KAS 0): nothing here.
   */
  start(): void {
    const { parameters, identity, admin, context } = this.#driver;
    const kato = parameters.keepAliveMillis;
    this.#inFlight = false;
    this.#dueNanos = Number.POSITIVE_INFINITY;
    if (kato === 0 || identity!.kas === 0 || admin.setFeatures(Feature.KATO, kato) !== 0) return;
    this.#everyNanos = (kato / 2) * NANOS_PER_MILLI;
    this.#dueNanos = context.kernel.nowNanos + this.#everyNanos;
  }

  /** Sends what is due and does not wait for the answer. */
  check(): void {
    const { context, state, adminQueue } = this.#driver;
    if (context.kernel.nowNanos < this.#dueNanos || this.#inFlight || state.current !== 'LIVE') return;
    const request = adminQueue.allocatePassthrough(REQ_OP_DRV_IN | REQ_FAILFAST_DRIVER);
    if (request === null) return;
    const { command } = request.data;
    command.fill(0);
    command[SqeWord.CDW0] = AdminOpcode.KEEP_ALIVE;
    request.endIo = this.#ended;
    this.#inFlight = true;
    this.#dueNanos = context.kernel.nowNanos + this.#everyNanos;
    adminQueue.insert(request);
  }
}
