import type { SendMessage } from '../../core/unit/iommu-unit.ts';
import { get, lowMask } from '../../spec/bits.ts';
import { SMMU_IRQ_CFG, SMMU_REG, SmmuIrqCtrl } from '../../spec/smmuv3-registers.ts';

/** The wires of a unit; each stands for one of its causes, unless a message is programmed for it. */
export type SmmuWire = 'gerror' | 'eventq' | 'cmd-sync';

/** Message address and data of one cause (spec H57). */
class MessageRegisters {
  readonly words = new Uint32Array(SMMU_IRQ_CFG.BYTES / 4);
  readonly base: number;

  /** @param base offset of the first of them */
  constructor(base: number) {
    this.base = base;
  }

  get address(): number {
    return (this.words[1] & 0xfffff) * 2 ** 32 + ((this.words[0] & ~3) >>> 0);
  }

  get data(): number {
    return this.words[SMMU_IRQ_CFG.DATA >>> 2];
  }
}

/** Interrupts of a unit: enabled by IRQ_CTRL, sent as messages where the unit has them and software programmed one. */
export class UnitInterrupts {
  /** IRQ_CTRL and IRQ_CTRLACK. */
  control = 0;
  readonly #gerror = new MessageRegisters(SMMU_REG.GERROR_IRQ_CFG0);
  readonly #eventq = new MessageRegisters(SMMU_REG.EVENTQ_IRQ_CFG0);
  readonly #hasMessages: boolean;
  readonly #send: SendMessage;
  readonly #wire: (wire: SmmuWire) => void;

  constructor(hasMessages: boolean, send: SendMessage, wire: (wire: SmmuWire) => void) {
    this.#hasMessages = hasMessages;
    this.#send = send;
    this.#wire = wire;
  }

  setControl(value: number): void {
    this.control = value & (lowMask(SmmuIrqCtrl.GERROR) | lowMask(SmmuIrqCtrl.EVENTQ));
  }

  /** Undefined for an offset that is none of the message registers. */
  read(offset: number): number | undefined {
    const registers = this.#registersAt(offset);
    return registers?.words[(offset - registers.base) >>> 2];
  }

  /** False for an offset that is none of the message registers. */
  write(offset: number, value: number): boolean {
    const registers = this.#registersAt(offset);
    if (registers === undefined) return false;
    if (this.#hasMessages) registers.words[(offset - registers.base) >>> 2] = value;
    return true;
  }

  raiseGlobalError(): void {
    if (get(this.control, 0, SmmuIrqCtrl.GERROR) === 1) this.#raise(this.#gerror, 'gerror');
  }

  raiseEvent(): void {
    if (get(this.control, 0, SmmuIrqCtrl.EVENTQ) === 1) this.#raise(this.#eventq, 'eventq');
  }

  /** What a SYNC asks for by itself (spec H72 CS = 1). */
  raiseSync(address: number, data: number): void {
    if (this.#hasMessages && address !== 0) this.#send(address, data);
    else this.#wire('cmd-sync');
  }

  #raise(registers: MessageRegisters, wire: SmmuWire): void {
    if (this.#hasMessages && registers.address !== 0) this.#send(registers.address, registers.data);
    else this.#wire(wire);
  }

  #registersAt(offset: number): MessageRegisters | undefined {
    const holds = ({ base }: MessageRegisters): boolean => offset >= base && offset < base + SMMU_IRQ_CFG.BYTES;
    if (holds(this.#gerror)) return this.#gerror;
    return holds(this.#eventq) ? this.#eventq : undefined;
  }
}
