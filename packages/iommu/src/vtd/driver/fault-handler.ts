import type { RegisterBacking } from '@dmalab/phys-memory';
import { FaultRateLimit } from '../../core/faults/fault-rate-limit.ts';
import { type VtdFault, vtdFaultLine, vtdFaultStatusLine } from '../../core/faults/vtd-fault-lines.ts';
import { get, highHalf, lowMask } from '../../spec/bits.ts';
import { FAULT_RECORD_BYTES, FaultRecord } from '../../spec/vtd-faults.ts';
import { Fsts, VTD_REG } from '../../spec/vtd-registers.ts';
import type { VtdCapabilities } from '../capabilities.ts';

const F = highHalf(FaultRecord.qw1.F, 1);
const CLEAR = lowMask(Fsts.PFO) | lowMask(Fsts.PPF);

/** What the driver does on a fault event (spec I172, I173): reads the records, clears them, and logs. */
export class FaultHandler {
  readonly #registers: RegisterBacking;
  readonly #capabilities: VtdCapabilities;
  readonly #segment: number;
  readonly #log: (line: string) => void;
  readonly #limit = new FaultRateLimit();

  constructor(registers: RegisterBacking, capabilities: VtdCapabilities, segment: number, log: (line: string) => void) {
    this.#registers = registers;
    this.#capabilities = capabilities;
    this.#segment = segment;
    this.#log = log;
  }

  /** Takes every pending record, from the first on; logs under one rate limit, which drops lines but no records. */
  handle(nowNanos: number): VtdFault[] {
    const status = this.#registers.readRegister(VTD_REG.FSTS);
    if (status === 0) return [];
    this.#print(nowNanos, vtdFaultStatusLine(status));
    const faults: VtdFault[] = [];
    let index = get(status, 0, Fsts.FRI);
    for (let fault = this.#take(index); fault !== undefined; fault = this.#take(index)) {
      faults.push(fault);
      this.#print(nowNanos, vtdFaultLine(fault));
      index = (index + 1) % this.#capabilities.faultRecords;
    }
    this.#registers.writeRegister(VTD_REG.FSTS, CLEAR);
    return faults;
  }

  #take(index: number): VtdFault | undefined {
    const at = this.#capabilities.faultRecordOffset + index * FAULT_RECORD_BYTES;
    const [low0, high0, low1, high1] = [0, 4, 8, 12].map((word) => this.#registers.readRegister(at + word));
    if ((high1 & F) >>> 0 !== F) return undefined;
    this.#registers.writeRegister(at + 12, F);
    const { qw1 } = FaultRecord;
    return {
      segment: this.#segment,
      sourceId: get(low1, high1, qw1.SID),
      reason: get(low1, high1, qw1.FR),
      address: (BigInt(high0) << 32n) | BigInt(low0),
      isRead: get(low1, high1, qw1.T1) === 1,
      pasid: get(low1, high1, qw1.PP) === 1 ? get(low1, high1, qw1.PASID) : null,
    };
  }

  #print(nowNanos: number, line: string): void {
    if (this.#limit.allow(nowNanos)) this.#log(line);
  }
}
