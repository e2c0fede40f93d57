import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import { RISCV_FAULT_RECORD_BYTES, RiscvFaultRecord } from '../../spec/riscv-faults.ts';
import { RiscvFqcsr, RiscvIpsr } from '../../spec/riscv-registers.ts';
import type { Interrupts } from './interrupts.ts';
import { QueueRegisters } from './queue-registers.ts';
import { NO_PROCESS, type Request } from './request.ts';

const FQMF = lowMask(RiscvFqcsr.FQMF);
const FQOF = lowMask(RiscvFqcsr.FQOF);

/** The fault queue: records in memory, until it is full (spec H99). */
export class FaultQueue {
  readonly registers = new QueueRegisters(FQMF | FQOF);
  readonly #memory: UnitMemory;
  readonly #interrupts: Interrupts;

  constructor(memory: UnitMemory, interrupts: Interrupts) {
    this.#memory = memory;
    this.#interrupts = interrupts;
  }

  /** Writes a record; after an overflow or a memory fault everything is dropped until software clears the bit. */
  record(request: Request, cause: number, detail: number): void {
    const { registers } = this;
    if (!registers.isOn || registers.errors !== 0) return;
    const next = (registers.tail + 1) & registers.mask;
    const at = registers.base + registers.tail * RISCV_FAULT_RECORD_BYTES;
    if (next === registers.head) registers.errors |= FQOF;
    else if (!this.#memory.canAccess(at)) registers.errors |= FQMF;
    else {
      this.#fill(at, request, cause, detail);
      registers.tail = next;
    }
    if (registers.raisesInterrupts) this.#interrupts.raise(RiscvIpsr.FIP.lo);
  }

  /** An error that is still there raises its interrupt again. */
  renewInterrupt(): void {
    if (this.registers.errors !== 0 && this.registers.raisesInterrupts) this.#interrupts.raise(RiscvIpsr.FIP.lo);
  }

  /** In any order: software goes by `fqt`, which moves after this. */
  #fill(at: number, request: Request, cause: number, detail: number): void {
    const { header } = RiscvFaultRecord;
    const hasProcess = request.processId !== NO_PROCESS;
    const low = cause | lowHalf(header.PID, hasProcess ? request.processId : 0);
    const high =
      highHalf(header.PV, hasProcess ? 1 : 0) |
      highHalf(header.PRIV, request.privileged ? 1 : 0) |
      highHalf(header.TTYP, request.transactionType) |
      highHalf(header.DID, request.deviceId);
    const words = [
      low,
      high,
      0,
      0,
      request.address,
      Math.floor(request.address * 2 ** -32),
      detail,
      Math.floor(detail * 2 ** -32),
    ];
    for (let word = 0; word < words.length; word++) this.#memory.store32(at + word * 4, words[word] >>> 0);
  }
}
