import { EventKind } from '../format/event-kind.ts';
import { ATTRS, EXTRA, N0, N1, N2, N3, N4, NARROW_STRIDE, WIDE_STRIDE } from '../format/record.ts';
import type { RingStore } from './ring-store.ts';

/** Names of asynchronous event results, by their low three bits (spec N110). */
const AEN_NAMES: readonly (string | undefined)[] = [
  'NVME_AER_ERROR',
  'NVME_AER_SMART',
  'NVME_AER_NOTICE',
  undefined,
  undefined,
  undefined,
  'NVME_AER_CSS',
  'NVME_AER_VS',
];

/** Dwords 10 to 15 of a command. */
const COMMAND_DWORDS = 6;

/** Recorder of the NVMe driver's events (spec N110). Controllers (`nvme0`) and disks (`nvme0n1`) are string numbers; an admin command's disk is -1. */
export class NvmeEvents {
  readonly #store: RingStore;

  constructor(store: RingStore) {
    this.#store = store;
  }

  /** `nvme_setup_cmd`. `dwords`: command dwords 10 to 15; they are copied. `meta`: 1 with an integrity payload. */
  setupCmd(
    controller: number,
    disk: number,
    qid: number,
    cmdid: number,
    nsid: number,
    flags: number,
    meta: number,
    opcode: number,
    dwords: ArrayLike<number>,
  ): void {
    const store = this.#store;
    const i = this.#beginQueue(EventKind.NVME_SETUP_CMD, controller, disk, qid, cmdid, meta);
    store.narrow[i * NARROW_STRIDE + ATTRS] = flags;
    store.narrow[i * NARROW_STRIDE + N4] = opcode;
    store.wide[i * WIDE_STRIDE + EXTRA] = nsid;
    store.beginList(i);
    store.pushList(dwords, COMMAND_DWORDS);
  }

  /** `nvme_sq`: the completion's SQ head and the driver's tail at that moment. */
  sq(controller: number, disk: number, qid: number, head: number, tail: number): void {
    this.#beginQueue(EventKind.NVME_SQ, controller, disk, qid, head, tail);
  }

  /** `nvme_complete_rq`. */
  completeRq(
    controller: number,
    disk: number,
    qid: number,
    cmdid: number,
    result: number,
    retries: number,
    flags: number,
    status: number,
  ): void {
    const i = this.#beginQueue(EventKind.NVME_COMPLETE_RQ, controller, disk, qid, cmdid, retries);
    this.#store.narrow[i * NARROW_STRIDE + ATTRS] = flags;
    this.#store.narrow[i * NARROW_STRIDE + N4] = status;
    this.#store.wide[i * WIDE_STRIDE + EXTRA] = result;
  }

  /** `nvme_async_event`: dword 0 of the completion. */
  asyncEvent(controller: number, result: number): void {
    const store = this.#store;
    const i = store.begin(EventKind.NVME_ASYNC_EVENT, controller);
    store.narrow[i * NARROW_STRIDE + ATTRS] = result;
    store.narrow[i * NARROW_STRIDE + N0] = store.intern(AEN_NAMES[result & 7] ?? `0x${(result & 7).toString(16)}`);
  }

  #beginQueue(kind: EventKind, controller: number, disk: number, qid: number, n2: number, n3: number): number {
    const i = this.#store.begin(kind, controller);
    const at = i * NARROW_STRIDE;
    const { narrow } = this.#store;
    narrow[at + N0] = disk;
    narrow[at + N1] = qid;
    narrow[at + N2] = n2;
    narrow[at + N3] = n3;
    return i;
  }
}
