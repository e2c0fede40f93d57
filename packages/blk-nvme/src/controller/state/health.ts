import { ErrorLogEntry, SmartLog } from '../../spec/log-pages.ts';

const ERROR_LOG_ENTRIES = 4;
const TEMPERATURE_KELVIN = 323;
const UNIT_BYTES = 512_000;

/** What the SMART and error logs report (spec N154). Survives controller resets. */
export class Health {
  readonly errorLogEntries = ERROR_LOG_ENTRIES;
  bytesRead = 0;
  bytesWritten = 0;
  reads = 0;
  writes = 0;
  mediaErrors = 0;
  powerCycles = 1;
  unsafeShutdowns = 0;
  errorCount = 0;
  criticalWarning = 0;
  readonly #errors = new Uint8Array(ERROR_LOG_ENTRIES * ErrorLogEntry.BYTES);

  /** Newest first. */
  recordError(sqid: number, cid: number, status: number, lba: number, nsid: number): void {
    this.errorCount++;
    this.#errors.copyWithin(ErrorLogEntry.BYTES, 0);
    this.#errors.fill(0, 0, ErrorLogEntry.BYTES);
    const view = new DataView(this.#errors.buffer);
    view.setBigUint64(ErrorLogEntry.COUNT, BigInt(this.errorCount), true);
    view.setUint16(ErrorLogEntry.SQID, sqid, true);
    view.setUint16(ErrorLogEntry.CID, cid, true);
    view.setUint16(ErrorLogEntry.STATUS, status << 1, true);
    view.setBigUint64(ErrorLogEntry.LBA, BigInt(lba), true);
    view.setUint32(ErrorLogEntry.NSID, nsid, true);
  }

  get errorLog(): Uint8Array {
    return this.#errors;
  }

  writeSmart(page: Uint8Array): void {
    const view = new DataView(page.buffer, page.byteOffset);
    page[SmartLog.CRITICAL_WARNING] = this.criticalWarning;
    view.setUint16(SmartLog.TEMPERATURE, TEMPERATURE_KELVIN, true);
    page[SmartLog.SPARE] = 100;
    page[SmartLog.SPARE_THRESHOLD] = 10;
    const counters: readonly (readonly [number, number])[] = [
      [SmartLog.UNITS_READ, Math.ceil(this.bytesRead / UNIT_BYTES)],
      [SmartLog.UNITS_WRITTEN, Math.ceil(this.bytesWritten / UNIT_BYTES)],
      [SmartLog.HOST_READS, this.reads],
      [SmartLog.HOST_WRITES, this.writes],
      [SmartLog.POWER_CYCLES, this.powerCycles],
      [SmartLog.UNSAFE_SHUTDOWNS, this.unsafeShutdowns],
      [SmartLog.MEDIA_ERRORS, this.mediaErrors],
      [SmartLog.ERROR_LOG_ENTRIES, this.errorCount],
    ];
    for (const [at, value] of counters) view.setBigUint64(at, BigInt(value), true);
  }
}
