import type { SendMessage } from '../../core/unit/iommu-unit.ts';
import {
  AMD_REG,
  AmdControl,
  AmdDeviceTableBase,
  AmdExclusionBase,
  AmdExclusionLimit,
  AmdRingBase,
  AmdStatus,
} from '../../spec/amd-registers.ts';
import { type Field, get, getAddress, halves, lowMask } from '../../spec/bits.ts';
import type { CommandBuffer } from './command-buffer.ts';
import type { EventLog } from './event-log.ts';
import type { Translator } from './translator.ts';

const EVENT_OVERFLOW = lowMask(AmdStatus.EVENT_OVERFLOW);
const EVENT_LOG_INT = lowMask(AmdStatus.EVENT_LOG_INT);
const COM_WAIT_INT = lowMask(AmdStatus.COM_WAIT_INT);
const POINTER = 0x7fff0;
/** Offsets up to here are plain words; head and tail registers stand above. */
const PLAIN_BYTES = 0x200;

/** The registers of a unit by offset (spec H32): reads answer from state, writes say what they change at once. */
export class RegisterFile {
  /** EventLogInt and ComWaitInt. */
  #interrupts = 0;
  readonly #words = new Uint32Array(PLAIN_BYTES / 4);
  readonly #commands: CommandBuffer;
  readonly #events: EventLog;
  readonly #translator: Translator;
  readonly #send: SendMessage;

  constructor(
    efr: number | bigint,
    commands: CommandBuffer,
    events: EventLog,
    translator: Translator,
    send: SendMessage,
  ) {
    this.#commands = commands;
    this.#events = events;
    this.#translator = translator;
    this.#send = send;
    const { low, high } = halves(efr);
    this.#words[AMD_REG.EFR >>> 2] = low;
    this.#words[(AMD_REG.EFR >>> 2) + 1] = high;
    // All tables and rings at their smallest, so that a unit that is turned on unprogrammed reads nothing else.
    this.#words[(AMD_REG.COMMAND_BUFFER >>> 2) + 1] = 8 << 24;
    this.#words[(AMD_REG.EVENT_LOG >>> 2) + 1] = 8 << 24;
  }

  read(offset: number): number {
    switch (offset) {
      case AMD_REG.STATUS:
        return this.#status();
      case AMD_REG.COMMAND_HEAD:
        return this.#commands.head;
      case AMD_REG.COMMAND_TAIL:
        return this.#commands.tail;
      case AMD_REG.EVENT_HEAD:
        return this.#events.head;
      case AMD_REG.EVENT_TAIL:
        return this.#events.tail;
      default:
        return offset >= 0 && offset < PLAIN_BYTES ? this.#words[offset >>> 2] : 0;
    }
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case AMD_REG.COMMAND_TAIL:
        this.#commands.setTail(value & POINTER);
        break;
      case AMD_REG.COMMAND_HEAD:
        this.#commands.setHead(value & POINTER);
        break;
      case AMD_REG.EVENT_HEAD:
        this.#events.setHead(value & POINTER);
        break;
      case AMD_REG.EVENT_TAIL:
        this.#events.setTail(value & POINTER);
        break;
      case AMD_REG.STATUS:
        this.#clearStatus(value);
        break;
      default:
        this.#store(offset, value >>> 0);
    }
  }

  /** An event was logged or lost (spec H40). */
  raiseEvent(): void {
    this.#interrupts |= EVENT_LOG_INT;
    if (this.#control(AmdControl.EVENT_INT_EN)) this.#interrupt();
  }

  /** A COMPLETION_WAIT asked to be told (spec H41). */
  raiseCompletion(): void {
    this.#interrupts |= COM_WAIT_INT;
    if (this.#control(AmdControl.COM_WAIT_INT_EN)) this.#interrupt();
  }

  #status(): number {
    let status = this.#interrupts;
    if (this.#events.overflow) status |= EVENT_OVERFLOW;
    if (this.#events.running) status |= lowMask(AmdStatus.EVENT_LOG_RUN);
    if (this.#commands.running) status |= lowMask(AmdStatus.CMD_BUF_RUN);
    return status;
  }

  #clearStatus(value: number): void {
    this.#interrupts &= ~value;
    if ((value & EVENT_OVERFLOW) !== 0) this.#events.overflow = false;
  }

  /** A 64-bit register is written low half first; a base counts from its first half on, and again with the second. */
  #store(offset: number, value: number): void {
    if (offset < 0 || offset >= PLAIN_BYTES) return;
    const register = offset & ~7;
    if (register === AMD_REG.EFR || register === AMD_REG.EFR2) return;
    this.#words[offset >>> 2] = value;
    const low = this.#words[register >>> 2];
    const high = this.#words[(register >>> 2) + 1];
    switch (register) {
      case AMD_REG.DEVICE_TABLE:
        this.#translator.table.setBase(
          getAddress(low, high, AmdDeviceTableBase.BASE),
          get(low, high, AmdDeviceTableBase.SIZE) + 1,
        );
        break;
      case AMD_REG.COMMAND_BUFFER:
        this.#commands.setBase(getAddress(low, high, AmdRingBase.BASE), ringEntries(low, high));
        break;
      case AMD_REG.EVENT_LOG:
        this.#events.setBase(getAddress(low, high, AmdRingBase.BASE), ringEntries(low, high));
        break;
      case AMD_REG.CONTROL:
        this.#applyControl();
        break;
      case AMD_REG.EXCLUSION_BASE:
      case AMD_REG.EXCLUSION_LIMIT:
        this.#applyExclusion();
    }
  }

  #applyControl(): void {
    const enabled = this.#control(AmdControl.IOMMU_EN);
    this.#events.interruptEnabled = this.#control(AmdControl.EVENT_INT_EN);
    this.#events.setEnabled(enabled && this.#control(AmdControl.EVENT_LOG_EN));
    this.#commands.setEnabled(enabled && this.#control(AmdControl.CMD_BUF_EN));
    this.#translator.table.guestEnabled = this.#control(AmdControl.GT_EN);
    if (enabled !== this.#translator.enabled) this.#translator.setEnabled(enabled);
  }

  #applyExclusion(): void {
    const base = this.#pair(AMD_REG.EXCLUSION_BASE);
    const limit = this.#pair(AMD_REG.EXCLUSION_LIMIT);
    const start = getAddress(...base, AmdExclusionBase.BASE);
    const end = get(...base, AmdExclusionBase.EN) === 1 ? getAddress(...limit, AmdExclusionLimit.LIMIT) + 4096 : 0;
    this.#translator.setExclusion(start, end, get(...base, AmdExclusionBase.ALLOW) === 1);
  }

  #pair(register: number): [low: number, high: number] {
    return [this.#words[register >>> 2], this.#words[(register >>> 2) + 1]];
  }

  #control(field: Field): boolean {
    return get(...this.#pair(AMD_REG.CONTROL), field) === 1;
  }

  #interrupt(): void {
    const address = this.#words[AMD_REG.MSI_ADDRESS_HIGH >>> 2] * 2 ** 32 + this.#words[AMD_REG.MSI_ADDRESS_LOW >>> 2];
    if (address !== 0) this.#send(address, this.#words[AMD_REG.MSI_DATA >>> 2]);
  }
}

/** Entries of a ring: 2^8 to 2^15, fewer than 2^8 being reserved (spec H32). */
function ringEntries(low: number, high: number): number {
  return 2 ** Math.max(8, get(low, high, AmdRingBase.LENGTH));
}
