import type { RegisterBacking } from '@dmalab/phys-memory';

/** What a record says, whatever the unit. */
export interface RecordedFault {
  /** VT-d's reason, SMMUv3's event. */
  readonly reason: number;
  readonly sourceId: number;
  /** Of the page. */
  readonly address: number;
  readonly isRead: boolean;
}

/**
 * Whether an IOMMU recorded a fault, by its registers alone: what decides if an access passed, since QEMU's nvme reports
 * success either way (spec B53).
 */
export interface FaultWindow {
  /** A record that nobody took yet. */
  isRecorded(): boolean;
  /** The first record, or null; all are forgotten. */
  take(): RecordedFault | null;
  /** Forgets what is recorded, so that the next fault is. */
  clear(): void;
}

const CAP_HIGH = 0x0c;
const CAP_LOW = 0x08;
const FSTS = 0x34;
const PFO_AND_PPF = 3;
const PPF = 2;
const RECORD_BYTES = 16;
const F = 0x8000_0000;
/** T1. */
const READ = 0x4000_0000;

/** VT-d's fault records (spec H24, B51). */
export class VtdFaultWindow implements FaultWindow {
  readonly #registers: RegisterBacking;
  readonly #lastWords: readonly number[];

  constructor(registers: RegisterBacking) {
    this.#registers = registers;
    const [low, high] = [registers.readRegister(CAP_LOW), registers.readRegister(CAP_HIGH)];
    const first = 16 * ((((high & 3) << 8) | (low >>> 24)) >>> 0);
    const records = ((high >>> 8) & 0xff) + 1;
    this.#lastWords = Array.from({ length: records }, (_, i) => first + i * RECORD_BYTES + 12);
  }

  isRecorded(): boolean {
    return (this.#registers.readRegister(FSTS) & PPF) !== 0;
  }

  take(): RecordedFault | null {
    const status = this.#registers.readRegister(FSTS);
    if ((status & PPF) === 0) return null;
    const last = this.#lastWords[(status >>> 8) & 0xff];
    const [low0, high0, low1, high1] = [12, 8, 4, 0].map((back) => this.#registers.readRegister(last - back));
    this.clear();
    const address = high0 * 2 ** 32 + low0;
    return { reason: high1 & 0xff, sourceId: low1 & 0xffff, address, isRead: (high1 & READ) !== 0 };
  }

  clear(): void {
    if (!this.isRecorded()) return;
    for (const at of this.#lastWords) this.#registers.writeRegister(at, F);
    this.#registers.writeRegister(FSTS, PFO_AND_PPF);
  }
}
