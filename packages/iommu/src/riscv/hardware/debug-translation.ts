import { get, getAddress, highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import { RISCV_REG, RiscvTrReqCtl, RiscvTrResponse } from '../../spec/riscv-registers.ts';
import { EXECUTES, READS, Request, WRITES } from './request.ts';
import type { Translator } from './translator.ts';

const GO = lowMask(RiscvTrReqCtl.GO);

/** Translations that a debugger asks for by registers (spec H90): done in {@link step}, for tables are memory. */
export class DebugTranslation {
  readonly #translator: Translator;
  readonly #request = new Request();
  #iovaLow = 0;
  #iovaHigh = 0;
  #controlLow = 0;
  #controlHigh = 0;
  #responseLow = 0;
  #responseHigh = 0;

  constructor(translator: Translator) {
    this.#translator = translator;
  }

  read(offset: number): number {
    switch (offset) {
      case RISCV_REG.TR_REQ_IOVA:
        return this.#iovaLow;
      case RISCV_REG.TR_REQ_IOVA + 4:
        return this.#iovaHigh;
      case RISCV_REG.TR_REQ_CTL:
        return this.#controlLow;
      case RISCV_REG.TR_REQ_CTL + 4:
        return this.#controlHigh;
      case RISCV_REG.TR_RESPONSE:
        return this.#responseLow;
      case RISCV_REG.TR_RESPONSE + 4:
        return this.#responseHigh;
      default:
        return 0;
    }
  }

  /** The control register's low half starts a translation, so a driver writes the other halves first. */
  write(offset: number, value: number): void {
    if (offset === RISCV_REG.TR_REQ_IOVA) this.#iovaLow = (value & ~0xfff) >>> 0;
    else if (offset === RISCV_REG.TR_REQ_IOVA + 4) this.#iovaHigh = value;
    else if (offset === RISCV_REG.TR_REQ_CTL) this.#controlLow = value;
    else if (offset === RISCV_REG.TR_REQ_CTL + 4) this.#controlHigh = value;
  }

  /** spec gap: whether its faults go to the fault queue too is not said; here the response alone has them. */
  step(): void {
    if ((this.#controlLow & GO) === 0) return;
    const low = this.#controlLow;
    const high = this.#controlHigh;
    this.#controlLow = (low & ~GO) >>> 0;
    const request = this.#request;
    const writes = get(low, high, RiscvTrReqCtl.NW) === 0;
    const reads = get(low, high, RiscvTrReqCtl.EXE) === 1 ? EXECUTES : READS;
    request.setPlain(get(low, high, RiscvTrReqCtl.DID), this.#iova(), writes ? reads | WRITES : reads);
    if (get(low, high, RiscvTrReqCtl.PV) === 1) request.processId = get(low, high, RiscvTrReqCtl.PID);
    request.privileged = get(low, high, RiscvTrReqCtl.PRIV) === 1;
    this.#answer(this.#translator.resolve(request));
  }

  #iova(): number {
    return getAddress(this.#iovaLow, this.#iovaHigh, { hi: 52, lo: 12 });
  }

  /** A 4 KiB page, whatever the leaf's size: S stays clear, which is allowed. */
  #answer(result: number): void {
    const { FAULT, PPN } = RiscvTrResponse;
    const value = result < 0 ? -result : Math.floor(result / 4096);
    this.#responseLow = (lowHalf(PPN, value) | lowHalf(FAULT, result < 0 ? 1 : 0)) >>> 0;
    this.#responseHigh = highHalf(PPN, value);
  }
}
