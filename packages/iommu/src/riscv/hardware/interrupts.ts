import type { SendMessage } from '../../core/unit/iommu-unit.ts';
import { RISCV_MSI_ENTRIES, RISCV_REG } from '../../spec/riscv-registers.ts';

/** A unit's interrupt wire changes its level. */
export type DriveWire = (vector: number, isHigh: boolean) => void;

const MASKED = 1;
const ENTRY_WORDS = 4;

/** A unit's own interrupts (spec H90): pending causes, the vector of each, and messages or wires. */
export class Interrupts {
  /** `fctl.WSI`: wires instead of messages. */
  usesWires = false;
  /** `icvec`, low half: four bits a cause. */
  vectors = 0;
  /** `ipsr`. */
  pending = 0;
  /** Messages that wait for their entry to be unmasked, a bit a vector. */
  #heldBack = 0;
  readonly #table = new Uint32Array(RISCV_MSI_ENTRIES * ENTRY_WORDS);
  readonly #send: SendMessage;
  readonly #drive: DriveWire;

  constructor(send: SendMessage, drive: DriveWire) {
    this.#send = send;
    this.#drive = drive;
  }

  /** @param cause its bit number in `ipsr` */
  raise(cause: number): void {
    if (((this.pending >> cause) & 1) === 1) return;
    this.pending |= 1 << cause;
    const vector = this.#vectorOf(cause);
    if (this.usesWires) this.#drive(vector, true);
    else this.#sendMessage(vector);
  }

  /** Software wrote `ipsr`: a wire falls with the last cause that drives it. */
  clear(causes: number): void {
    const cleared = this.pending & causes;
    this.pending &= ~causes;
    if (!this.usesWires) return;
    for (let cause = 0; cause < 4; cause++) {
      if (((cleared >> cause) & 1) === 1 && !this.#isDriven(this.#vectorOf(cause))) {
        this.#drive(this.#vectorOf(cause), false);
      }
    }
  }

  readTable(offset: number): number {
    return this.#table[(offset - RISCV_REG.MSI_CFG_TBL) >>> 2];
  }

  writeTable(offset: number, value: number): void {
    const word = (offset - RISCV_REG.MSI_CFG_TBL) >>> 2;
    this.#table[word] = word % ENTRY_WORDS === 0 ? value & ~3 : value;
    const vector = Math.floor(word / ENTRY_WORDS);
    if (((this.#heldBack >> vector) & 1) === 1) this.#sendMessage(vector);
  }

  #sendMessage(vector: number): void {
    const at = vector * ENTRY_WORDS;
    if ((this.#table[at + 3] & MASKED) !== 0) {
      this.#heldBack |= 1 << vector;
      return;
    }
    this.#heldBack &= ~(1 << vector);
    this.#send(this.#table[at + 1] * 2 ** 32 + this.#table[at], this.#table[at + 2]);
  }

  #vectorOf(cause: number): number {
    return (this.vectors >> (4 * cause)) & 15;
  }

  #isDriven(vector: number): boolean {
    return [0, 1, 2, 3].some((cause) => ((this.pending >> cause) & 1) === 1 && this.#vectorOf(cause) === vector);
  }
}
