import { readBar, writeBar } from './bar-access.ts';
import type { BusMasterPort } from './bus-master-port.ts';
import { FAULT_TRANSLATION } from './faults.ts';
import { sendMessage } from './messages.ts';
import type { PciFunction } from './pci-function.ts';
import { AT_TRANSLATED, AT_UNTRANSLATED, ROUTED_TO_FUNCTION, ROUTED_TO_INTERRUPT, type Router } from './router.ts';

/** Requests are cut at these boundaries (spec H1). */
const PIECE_BYTES = 4096;

/**
 * The bus-master port of one function: cuts a transfer into requests, has each routed and translated, and joins pieces
 * that are neighbours in memory again, so that a transfer that is contiguous there is one copy.
 */
export class FunctionPort implements BusMasterPort {
  readonly #function: PciFunction;
  readonly #router: Router;
  /** Forces another requester id onto the wire: for tests of source validation. -1: the function's own. */
  forgedRequesterId = -1;

  constructor(owner: PciFunction) {
    this.#function = owner;
    this.#router = owner.bus.fabric.router;
  }

  read(at: number, into: Uint8Array, offset = 0, lengthBytes: number = into.length - offset): number {
    return this.#transfer(0, AT_UNTRANSLATED, at, into, offset, lengthBytes);
  }

  write(at: number, from: Uint8Array, offset = 0, lengthBytes: number = from.length - offset): number {
    return this.#transfer(1, AT_UNTRANSLATED, at, from, offset, lengthBytes);
  }

  /** As `read` and `write`, with an address that a translation request answered (AT = translated, spec T10). */
  readTranslated(at: number, into: Uint8Array, offset = 0, lengthBytes: number = into.length - offset): number {
    return this.#transfer(0, AT_TRANSLATED, at, into, offset, lengthBytes);
  }

  writeTranslated(at: number, from: Uint8Array, offset = 0, lengthBytes: number = from.length - offset): number {
    return this.#transfer(1, AT_TRANSLATED, at, from, offset, lengthBytes);
  }

  interrupt(vector: number): void {
    sendMessage(this.#function, vector);
  }

  /** Sends what waited while the whole function was masked (spec T8). */
  sendPending(): void {
    const { msix } = this.#function;
    if (msix === null) return;
    for (let vector = 0; vector < msix.vectors; vector++)
      if (!msix.isMasked(vector) && msix.takePending(vector)) this.interrupt(vector);
  }

  #transfer(
    isWrite: 0 | 1,
    at: number,
    address: number,
    buffer: Uint8Array,
    offset: number,
    lengthBytes: number,
  ): number {
    const router = this.#router;
    const end = address + lengthBytes;
    let done = 0; // bytes behind us
    let run = 0; // bytes of the run in memory that is not copied yet
    let runAt = 0;
    let fault = 0;
    while (done + run < lengthBytes) {
      const here = address + done + run;
      const piece = Math.min(end - here, PIECE_BYTES - (here % PIECE_BYTES));
      const routed = router.route(this.#function, this.forgedRequesterId, at, isWrite, here, piece);
      if (routed >= 0 && (run === 0 || routed === runAt + run)) {
        if (run === 0) runAt = routed;
        run += router.extent;
        continue;
      }
      if (run > 0) this.#copyRun(isWrite, runAt, buffer, offset + done, run);
      done += run;
      run = 0;
      if (routed >= 0) {
        runAt = routed;
        run = router.extent;
        continue;
      }
      const extent = router.extent;
      fault = this.#elsewhere(routed, isWrite, here, buffer, offset + done, extent);
      if (fault < 0) break;
      done += extent;
    }
    if (run > 0) this.#copyRun(isWrite, runAt, buffer, offset + done, run);
    else if (fault < 0 && isWrite === 0) buffer.fill(0xff, offset + done, offset + lengthBytes);
    return fault;
  }

  #copyRun(isWrite: 0 | 1, at: number, buffer: Uint8Array, offset: number, lengthBytes: number): void {
    const { memory } = this.#function.bus.fabric;
    if (isWrite === 1) memory.write(at, buffer, offset, lengthBytes);
    else memory.read(at, buffer, offset, lengthBytes);
  }

  /** A piece that is not for memory: a peer's BAR, the interrupt window, or nowhere. */
  #elsewhere(
    routed: number,
    isWrite: 0 | 1,
    address: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ): number {
    const router = this.#router;
    if (routed === ROUTED_TO_FUNCTION) {
      const { target, targetBar, targetOffset } = router;
      if (target === null) throw new Error('a request was routed to a function, and to none');
      return isWrite === 1
        ? writeBar(target, targetBar, targetOffset, buffer, offset, length)
        : readBar(target, targetBar, targetOffset, buffer, offset, length);
    }
    if (routed !== ROUTED_TO_INTERRUPT) return routed;
    if (isWrite === 0 || length !== 4 || address % 4 !== 0) return FAULT_TRANSLATION; // spec H10
    const data = buffer[offset] | (buffer[offset + 1] << 8) | (buffer[offset + 2] << 16) | (buffer[offset + 3] << 24);
    this.#function.bus.fabric.interrupts.message(router.requesterId, address, data >>> 0);
    return 0;
  }
}
