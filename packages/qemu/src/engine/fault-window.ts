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
  /** Forgets what is recorded, so that the next fault is. */
  clear(): void;
}

/** One that also reads what it finds. */
export interface FaultReader extends FaultWindow {
  /** The first record, or null. */
  first(): RecordedFault | null;
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
export class VtdFaultWindow implements FaultReader {
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

  first(): RecordedFault | null {
    const status = this.#registers.readRegister(FSTS);
    if ((status & PPF) === 0) return null;
    const last = this.#lastWords[(status >>> 8) & 0xff];
    const [low0, high0, low1, high1] = [12, 8, 4, 0].map((back) => this.#registers.readRegister(last - back));
    const address = high0 * 2 ** 32 + low0;
    return { reason: high1 & 0xff, sourceId: low1 & 0xffff, address, isRead: (high1 & READ) !== 0 };
  }

  clear(): void {
    if (!this.isRecorded()) return;
    for (const at of this.#lastWords) this.#registers.writeRegister(at, F);
    this.#registers.writeRegister(FSTS, PFO_AND_PPF);
  }
}

const EVENTQ_BASE = 0xa0;
const EVENTQ_PROD = 0x1_00a8;
const EVENTQ_CONS = 0x1_00ac;
const EVENT_BYTES = 32;

/** SMMUv3's event queue (spec H58, H71): one record for each 4 bytes of a transfer on QEMU (spec B52). */
export class SmmuFaultWindow implements FaultReader {
  readonly #registers: RegisterBacking;
  readonly #load32: (at: number) => number;
  readonly #ignoredPage: number;

  /**
   * @param load32 reads the memory that the queue is in
   * @param ignoredPage accesses to that page are none that {@link first} is about
   */
  constructor(registers: RegisterBacking, load32: (at: number) => number, ignoredPage = -1) {
    this.#registers = registers;
    this.#load32 = load32;
    this.#ignoredPage = ignoredPage;
  }

  isRecorded(): boolean {
    return this.#registers.readRegister(EVENTQ_PROD) !== this.#registers.readRegister(EVENTQ_CONS);
  }

  first(): RecordedFault | null {
    const [low, high] = [EVENTQ_BASE, EVENTQ_BASE + 4].map((at) => this.#registers.readRegister(at));
    const entries = 2 ** (low & 0x1f);
    const queue = (high & 0xf_ffff) * 2 ** 32 + ((low & ~0x1f) >>> 0);
    const prod = this.#registers.readRegister(EVENTQ_PROD) % (2 * entries); // the wrap bit is part of the pointer
    let cons = this.#registers.readRegister(EVENTQ_CONS) % (2 * entries);
    for (; cons !== prod; cons = (cons + 1) % (2 * entries)) {
      const fault = this.#event(queue + (cons % entries) * EVENT_BYTES);
      if (fault.address !== this.#ignoredPage) return fault;
    }
    return null;
  }

  clear(): void {
    this.#registers.writeRegister(EVENTQ_CONS, this.#registers.readRegister(EVENTQ_PROD));
  }

  #event(at: number): RecordedFault {
    const [id, sourceId, , flags, addressLow, addressHigh] = [0, 4, 8, 12, 16, 20].map((word) =>
      this.#load32(at + word),
    );
    const address = addressHigh * 2 ** 32 + addressLow;
    return { reason: id & 0xff, sourceId, address: address - (address % 4096), isRead: (flags & 8) !== 0 };
  }
}

/** A log that hardware appends to and software takes from: two registers tell whether something is in it. */
class LogWindow implements FaultWindow {
  readonly #registers: RegisterBacking;
  readonly #head: number;
  readonly #tail: number;

  constructor(registers: RegisterBacking, head: number, tail: number) {
    this.#registers = registers;
    this.#head = head;
    this.#tail = tail;
  }

  isRecorded(): boolean {
    return this.#registers.readRegister(this.#tail) !== this.#registers.readRegister(this.#head);
  }

  clear(): void {
    this.#registers.writeRegister(this.#head, this.#registers.readRegister(this.#tail));
  }
}

/** AMD-Vi's event log (spec H32). */
export function amdFaultWindow(registers: RegisterBacking): FaultWindow {
  return new LogWindow(registers, 0x2010, 0x2018);
}

/** RISC-V's fault queue (spec H90). */
export function riscvFaultWindow(registers: RegisterBacking): FaultWindow {
  return new LogWindow(registers, 0x30, 0x34);
}
