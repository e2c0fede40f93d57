import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { AMD_EVENT_FLAGS, AmdEvent, AmdEventCode, AmdEventFlag } from '../../spec/amd-events.ts';
import { AMD_RING_ENTRY_BYTES } from '../../spec/amd-registers.ts';
import { highHalf, lowHalf } from '../../spec/bits.ts';
import type { AmdDeviations } from './deviations.ts';
import { faultCode, faultFlags } from './fault-word.ts';

/** A request that an event is about; reused, so that a fault allocates nothing. */
export class EventDetails {
  deviceId = 0;
  domainId = 0;
  /** -1: none. With GN among the flags it takes the domain's place. */
  pasid = -1;
  address = 0;
  isWrite = false;
  isTranslationRequest = false;
}

/** The event log: a ring that the unit writes and software empties (spec H32, H40). */
export class EventLog {
  /** EventOverflow: nothing is logged until software has cleared it and started the log again. */
  overflow = false;
  #base = 0;
  #bytes = 4096;
  #head = 0;
  #tail = 0;
  #enabled = false;
  #running = false;
  /** EventIntEn. */
  interruptEnabled = false;
  readonly #memory: UnitMemory;
  readonly #isQemu: boolean;
  readonly #notify: () => void;

  /** @param notify an event was logged, or lost: EventLogInt */
  constructor(memory: UnitMemory, deviations: AmdDeviations, notify: () => void) {
    this.#memory = memory;
    this.#isQemu = deviations === 'qemu';
    this.#notify = notify;
  }

  get running(): boolean {
    return this.#running;
  }

  get head(): number {
    return this.#head;
  }

  get tail(): number {
    return this.#tail;
  }

  /** Writing the base starts the ring anew (spec H121). */
  setBase(base: number, entries: number): void {
    this.#base = base;
    this.#bytes = entries * AMD_RING_ENTRY_BYTES;
    this.#head = 0;
    this.#tail = 0;
  }

  setHead(offset: number): void {
    this.#head = offset % this.#bytes;
  }

  setTail(offset: number): void {
    this.#tail = offset % this.#bytes;
  }

  /** Control.EventLogEn: its rising edge starts a log that an overflow stopped. */
  setEnabled(enabled: boolean): void {
    if (!enabled) this.#running = false;
    else if (!this.#enabled && !this.overflow) this.#running = true;
    this.#enabled = enabled;
  }

  /** Logs what became of a request. */
  recordRequest(word: number, details: EventDetails): void {
    const { deviceId, address } = details;
    if (this.#isQemu && faultCode(word) === AmdEventCode.IO_PAGE_FAULT) {
      // As observed: NX for a write, GN for a read, and I; no domain, no address, no bus (spec H56).
      const flags = AmdEventFlag.I | (details.isWrite ? AmdEventFlag.NX : AmdEventFlag.GN);
      this.#append(AmdEventCode.IO_PAGE_FAULT, flags, deviceId & 0xff, 0, 0);
      return;
    }
    const asked = details.isTranslationRequest ? AmdEventFlag.TR : 0;
    const flags = faultFlags(word) | asked | (details.isWrite ? AmdEventFlag.RW : 0);
    const code = faultCode(word);
    const isAboutTables = code === AmdEventCode.IO_PAGE_FAULT || code === AmdEventCode.PAGE_TAB_HARDWARE_ERROR;
    const namesDomain = isAboutTables && (flags & AmdEventFlag.GN) === 0;
    const pasid = Math.max(details.pasid, 0);
    const low = deviceId | lowHalf(AmdEvent.PASID_HIGH, namesDomain ? 0 : pasid >>> 16);
    this.#append(code, flags, low, namesDomain ? details.domainId : pasid & 0xffff, address);
  }

  /** Logs what became of a command: its address, and the device that a time-out is about. */
  recordCommand(code: number, at: number, deviceId = 0): void {
    this.#append(code, 0, deviceId, 0, at);
  }

  #append(code: number, flags: number, low: number, domainId: number, address: number): void {
    if (!this.#running) return;
    const next = (this.#tail + AMD_RING_ENTRY_BYTES) % this.#bytes;
    if (next === this.#head) {
      this.#overflowed();
      return;
    }
    const high = highHalf(AmdEvent.CODE, code) | highHalf(AMD_EVENT_FLAGS, flags) | domainId;
    const at = this.#base + this.#tail;
    if (this.#memory.canAccess(at)) {
      this.#memory.store32(at + 8, address >>> 0);
      this.#memory.store32(at + 12, Math.floor(address / 2 ** 32));
      this.#memory.store32(at, low);
      this.#memory.store32(at + 4, high >>> 0);
    }
    this.#tail = next;
    this.#notify();
  }

  #overflowed(): void {
    if (this.#isQemu && !this.interruptEnabled) return; // lost in silence (spec H40)
    this.overflow = true;
    this.#running = false;
    this.#notify();
  }
}
