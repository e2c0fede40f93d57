import type { KernelLog } from '../context/kernel-log.ts';
import type { DebugDevice } from './debug-device.ts';
import { DriverFilter } from './driver-filter.ts';

/** Number of a finding in spec section 9. */
export type FindingId =
  | `E${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`
  | `E1${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`
  | `E2${0 | 1 | 2 | 3 | 4}`;

/** One thing that a driver did wrong. */
export interface Finding {
  readonly id: FindingId;
  readonly device: string | null;
  readonly text: string;
  /** Address of the call, -1 where it has none. */
  readonly address: number;
  /** Where the call was made, as the feeder numbers places; 0 if it doesn't. */
  readonly site: number;
  /** Where the mapping that it met was made, 0 if none was met. */
  readonly mapSite: number;
  /** The kernel would have printed it (spec D84). */
  readonly printed: boolean;
}

export interface FindingLimits {
  /** `dma_debug_driver=`. */
  readonly driverFilter?: string;
  /** Print every finding. */
  readonly allErrors?: boolean;
  /** Findings that are printed while not all are; 1, so that by default only the first one ever shows (spec T29). */
  readonly numErrors?: number;
}

/** `err_printk` (spec D84): counts every finding, prints some. */
export class Findings {
  readonly list: Finding[] = [];
  readonly filter: DriverFilter;
  errorCount = 0;
  allErrors: boolean;
  numErrors: number;
  readonly #log: KernelLog;

  constructor(log: KernelLog, limits: FindingLimits) {
    this.#log = log;
    this.filter = new DriverFilter(limits.driverFilter);
    this.allErrors = limits.allErrors ?? false;
    this.numErrors = limits.numErrors ?? 1;
  }

  report(id: FindingId, dev: DebugDevice | null, text: string, address: number, site: number, mapSite: number): void {
    this.errorCount++;
    const printed = this.filter.passes(dev) && (this.allErrors || this.numErrors > 0);
    const device = dev?.name ?? null;
    this.list.push({ id, device, text, address, site, mapSite, printed });
    if (printed)
      this.#log.add('warn', `dma-debug ${id}`, device, `${dev?.boundDriver ?? 'NULL'} ${device ?? 'NULL'}: ${text}`);
    if (!this.allErrors && this.numErrors > 0) this.numErrors--; // also when the filter kept it back (spec T29)
  }
}
