import { get, lowMask } from '../../spec/bits.ts';
import { RiscvFqcsr, RiscvQueueBase } from '../../spec/riscv-registers.ts';

/** The same bits in `cqcsr`, `fqcsr` and `pqcsr`. */
const ENABLE = lowMask(RiscvFqcsr.FQEN);
const INTERRUPT_ENABLE = lowMask(RiscvFqcsr.FIE);
const ON = lowMask(RiscvFqcsr.FQON);

/** Base, head, tail and control register of a queue (spec H90). */
export class QueueRegisters {
  head = 0;
  tail = 0;
  /** Error bits, write one to clear. */
  errors = 0;
  /** Address of the first entry. */
  base = 0;
  /** Entries minus one. */
  mask = 1;
  #baseLow = 0;
  #baseHigh = 0;
  #enables = 0;
  readonly #clearable: number;

  /** @param clearable bits of the control register that a one clears */
  constructor(clearable: number) {
    this.#clearable = clearable;
  }

  get isOn(): boolean {
    return (this.#enables & ENABLE) !== 0;
  }

  get raisesInterrupts(): boolean {
    return (this.#enables & INTERRUPT_ENABLE) !== 0;
  }

  readBase(isHigh: boolean): number {
    return isHigh ? this.#baseHigh : this.#baseLow;
  }

  writeBase(isHigh: boolean, value: number): void {
    if (isHigh) this.#baseHigh = value;
    else this.#baseLow = value;
    this.base = get(this.#baseLow, this.#baseHigh, RiscvQueueBase.PPN) * 4096;
    this.mask = 2 ** (get(this.#baseLow, 0, RiscvQueueBase.LOG2SZ_1) + 1) - 1;
  }

  get control(): number {
    return (this.#enables | this.errors | (this.isOn ? ON : 0)) >>> 0;
  }

  /** Turning a queue on empties it (spec H123). It is on at once, so BUSY is never read as set. */
  writeControl(value: number): void {
    const wasOn = this.isOn;
    this.#enables = value & (ENABLE | INTERRUPT_ENABLE);
    this.errors &= ~(value & this.#clearable);
    if (this.isOn && !wasOn) {
      this.head = 0;
      this.tail = 0;
    }
  }
}
