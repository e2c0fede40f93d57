import type { RegisterBacking } from '@dmalab/phys-memory';
import { FaultRateLimit } from '../../core/faults/fault-rate-limit.ts';
import { type RiscvFault, riscvFaultLine } from '../../core/faults/riscv-fault-lines.ts';
import type { WritableTables } from '../../page-table/table-memory.ts';
import { get, lowMask } from '../../spec/bits.ts';
import { RISCV_FAULT_RECORD_BYTES, RiscvFaultRecord, RiscvTtyp } from '../../spec/riscv-faults.ts';
import { RISCV_REG, RiscvFqcsr, RiscvIpsr } from '../../spec/riscv-registers.ts';

/** One page. */
const ENTRIES = 4096 / RISCV_FAULT_RECORD_BYTES;
const ERRORS = lowMask(RiscvFqcsr.FQMF) | lowMask(RiscvFqcsr.FQOF);
const FIP = lowMask(RiscvIpsr.FIP);

/** The driver's end of the fault queue (spec H99): takes the records, clears what stopped the unit, and logs. */
export class FaultHandler {
  readonly phys: number;
  /** log2 of the entries, minus one: the size field of `fqb`. */
  readonly sizeField = Math.log2(ENTRIES) - 1;
  readonly #registers: RegisterBacking;
  readonly #memory: WritableTables;
  readonly #name: string;
  readonly #log: (line: string) => void;
  readonly #limit = new FaultRateLimit();

  /** @param phys page of the queue */
  constructor(
    registers: RegisterBacking,
    memory: WritableTables,
    phys: number,
    name: string,
    log: (line: string) => void,
  ) {
    this.#registers = registers;
    this.#memory = memory;
    this.phys = phys;
    this.#name = name;
    this.#log = log;
  }

  /** Takes every record; logs under one rate limit, which drops lines but no records. */
  handle(nowNanos: number): RiscvFault[] {
    this.#registers.writeRegister(RISCV_REG.IPSR, FIP); // first: what comes from here on raises it again
    const faults: RiscvFault[] = [];
    const tail = this.#registers.readRegister(RISCV_REG.FQT);
    let head = this.#registers.readRegister(RISCV_REG.FQH);
    for (; head !== tail; head = (head + 1) % ENTRIES) {
      const fault = this.#decode(this.phys + head * RISCV_FAULT_RECORD_BYTES);
      faults.push(fault);
      if (this.#limit.allow(nowNanos)) this.#log(riscvFaultLine(this.#name, fault));
    }
    if (faults.length > 0) this.#registers.writeRegister(RISCV_REG.FQH, head);
    const status = this.#registers.readRegister(RISCV_REG.FQCSR);
    if ((status & ERRORS) !== 0) this.#registers.writeRegister(RISCV_REG.FQCSR, status);
    return faults;
  }

  #decode(at: number): RiscvFault {
    const { CAUSE, PID, PV, TTYP, DID } = RiscvFaultRecord.header;
    const low = this.#memory.load32(at);
    const high = this.#memory.load32(at + 4);
    const transactionType = get(low, high, TTYP);
    return {
      sourceId: get(low, high, DID),
      address: this.#word64(at + 16),
      isRead: transactionType !== RiscvTtyp.WRITE && transactionType !== RiscvTtyp.TRANSLATED_WRITE,
      cause: get(low, high, CAUSE),
      transactionType,
      processId: get(low, high, PV) === 1 ? get(low, high, PID) : null,
      detail: this.#word64(at + 24),
    };
  }

  #word64(at: number): bigint {
    return (BigInt(this.#memory.load32(at + 4)) << 32n) | BigInt(this.#memory.load32(at));
  }
}
