import type { RegisterBacking } from '@dmalab/phys-memory';
import {
  type AmdPageFault,
  amdDeviceTableLines,
  amdEventLine,
  amdPageFaultLine,
} from '../../core/faults/amd-event-lines.ts';
import { FaultRateLimit } from '../../core/faults/fault-rate-limit.ts';
import { hex, hexDigits, requester } from '../../core/faults/format.ts';
import type { UnitFault } from '../../core/unit/iommu-unit-driver.ts';
import type { WritableTables } from '../../page-table/table-memory.ts';
import { AMD_EVENT_FLAGS, AmdEvent, AmdEventCode, AmdEventFlag } from '../../spec/amd-events.ts';
import { AMD_REG, AMD_RING_ENTRY_BYTES, AmdControl, AmdStatus } from '../../spec/amd-registers.ts';
import { get, lowMask } from '../../spec/bits.ts';
import type { DeviceTable } from './device-table.ts';

const EVENT_OVERFLOW = lowMask(AmdStatus.EVENT_OVERFLOW);
const EVENT_LOG_EN = lowMask(AmdControl.EVENT_LOG_EN);
const NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(AmdEventCode).map(([name, code]) => [code, name]),
);

/** A record of the event log (spec H40): a blocked request, or what else went wrong. */
export interface AmdFault extends UnitFault, AmdPageFault {
  /** `AmdEventCode`. */
  readonly code: number;
  readonly address: bigint;
  /** Domain id, or the PASID's low 16 bits. */
  readonly domainId: number;
  readonly pasid: number;
}

export interface EventHandlerOptions {
  readonly registers: RegisterBacking;
  readonly memory: WritableTables;
  /** Page that the event log is in. */
  readonly ring: number;
  readonly table: DeviceTable;
  readonly segment: number;
  readonly iommuName: string;
  readonly deviceName: (sourceId: number) => string | null;
  readonly log: (line: string) => void;
}

/** What the driver does on an event interrupt (spec I176, I177): reads the records, logs them, and starts a full log again. */
export class EventHandler {
  readonly #options: EventHandlerOptions;
  /** Page faults are limited by device (spec I176). */
  readonly #limits = new Map<number, FaultRateLimit>();
  #head = 0;

  constructor(options: EventHandlerOptions) {
    this.#options = options;
  }

  /** The unit starts at the beginning of the ring. */
  reset(): void {
    this.#head = 0;
  }

  /** Takes every record. Rate limits drop lines but no records. */
  handle(nowNanos: number): AmdFault[] {
    const { registers } = this.#options;
    const faults: AmdFault[] = [];
    const tail = registers.readRegister(AMD_REG.EVENT_TAIL);
    while (this.#head !== tail) {
      const fault = this.#take(this.#head);
      faults.push(fault);
      this.#print(fault, nowNanos);
      this.#head = (this.#head + AMD_RING_ENTRY_BYTES) % 4096;
    }
    registers.writeRegister(AMD_REG.EVENT_HEAD, this.#head);
    this.#acknowledge();
    return faults;
  }

  #take(offset: number): AmdFault {
    const { memory, ring, segment } = this.#options;
    const at = ring + offset;
    const low = memory.load32(at);
    const high = memory.load32(at + 4);
    const address = (BigInt(memory.load32(at + 12)) << 32n) | BigInt(memory.load32(at + 8));
    memory.store64(at, 0, 0);
    memory.store64(at + 8, 0, 0);
    const flags = get(low, high, AMD_EVENT_FLAGS);
    return {
      segment,
      code: get(low, high, AmdEvent.CODE),
      sourceId: get(low, high, AmdEvent.DEVICE_ID),
      domainId: get(low, high, AmdEvent.DOMAIN_ID),
      pasid: get(low, high, AmdEvent.PASID_HIGH) * 2 ** 16 + get(low, high, AmdEvent.DOMAIN_ID),
      address,
      flags,
      isRead: (flags & AmdEventFlag.RW) === 0,
    };
  }

  /** Clears what the status register says; a log that overflowed is turned off and on (spec H40). */
  #acknowledge(): void {
    const { registers } = this.#options;
    const status = registers.readRegister(AMD_REG.STATUS);
    const isOverflow = (status & EVENT_OVERFLOW) !== 0;
    const control = registers.readRegister(AMD_REG.CONTROL);
    if (isOverflow) registers.writeRegister(AMD_REG.CONTROL, (control & ~EVENT_LOG_EN) >>> 0);
    registers.writeRegister(AMD_REG.STATUS, status & (EVENT_OVERFLOW | lowMask(AmdStatus.EVENT_LOG_INT)));
    if (isOverflow) registers.writeRegister(AMD_REG.CONTROL, control);
  }

  #print(fault: AmdFault, nowNanos: number): void {
    const { log, deviceName, iommuName } = this.#options;
    if (fault.code === AmdEventCode.IO_PAGE_FAULT) {
      if (this.#limitOf(fault.sourceId).allow(nowNanos)) log(amdPageFaultLine(fault, deviceName(fault.sourceId)));
      return;
    }
    log(amdEventLine(iommuName, NAMES[fault.code] ?? 'UNKNOWN', eventFields(fault)));
    if (fault.code === AmdEventCode.ILLEGAL_DEV_TABLE_ENTRY) this.#printEntry(fault.sourceId);
  }

  #printEntry(sourceId: number): void {
    const { registers, table, log } = this.#options;
    if (!table.has(sourceId)) return;
    const high = registers.readRegister(AMD_REG.CONTROL + 4);
    const control = (BigInt(high) << 32n) | BigInt(registers.readRegister(AMD_REG.CONTROL));
    for (const line of amdDeviceTableLines(control, table.words(sourceId))) log(line);
  }

  #limitOf(sourceId: number): FaultRateLimit {
    const known = this.#limits.get(sourceId);
    if (known !== undefined) return known;
    const limit = new FaultRateLimit();
    this.#limits.set(sourceId, limit);
    return limit;
  }
}

/** The fields of an event's line, in the kernel's order (spec I177). */
function eventFields(fault: AmdFault): Record<string, string> {
  const device = `${hexDigits(fault.segment, 4)}:${requester(fault.sourceId)}`;
  const address = hex(fault.address);
  const flags = hex(fault.flags, 4);
  switch (fault.code) {
    case AmdEventCode.ILLEGAL_COMMAND_ERROR:
      return { address };
    case AmdEventCode.COMMAND_HARDWARE_ERROR:
      return { address, flags };
    case AmdEventCode.IOTLB_INV_TIMEOUT:
      return { device, address };
    case AmdEventCode.PAGE_TAB_HARDWARE_ERROR:
      return { device, pasid: hex(fault.pasid, 4), address, flags };
    default:
      return { device, pasid: hex(fault.pasid, 5), address, flags };
  }
}
