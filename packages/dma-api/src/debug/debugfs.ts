import { directionName } from '../types/direction.ts';
import { hex, hex16 } from '../types/hex.ts';
import type { DmaDebug } from './dma-debug.ts';
import { bucketOf } from './store/entry-table.ts';
import { CHECK_STATE_NAMES, ENTRY_TYPE_NAMES } from './store/entry-type.ts';

/** The read-only values of `/sys/kernel/debug/dma-api` (spec D86). `all_errors`, `num_errors` and the filter are settable on their owner. */
export interface DebugfsValues {
  readonly disabled: 'Y' | 'N';
  readonly error_count: number;
  readonly all_errors: number;
  readonly num_errors: number;
  readonly num_free_entries: number;
  readonly min_free_entries: number;
  readonly nr_total_entries: number;
  readonly driver_filter: string;
}

export function debugfsValues(debug: DmaDebug): DebugfsValues {
  const { entries, findings } = debug;
  return {
    disabled: debug.disabled ? 'Y' : 'N',
    error_count: findings.errorCount,
    all_errors: findings.allErrors ? 1 : 0,
    num_errors: findings.numErrors,
    num_free_entries: entries.freeEntries,
    min_free_entries: entries.minFreeEntries,
    nr_total_entries: entries.totalEntries,
    driver_filter: findings.filter.read(),
  };
}

/** The `dump` file: a line for each live mapping, by bucket, then by age (spec D87). */
export function debugfsDump(debug: DmaDebug): string {
  return debug.entries
    .live()
    .map((entry) => {
      const dev = debug.devices[debug.entries.device[entry]];
      return `${dev.boundDriver ?? 'NULL'} ${dev.name} ${dumpEntry(debug, entry)}\n`;
    })
    .join('');
}

/** The in-kernel dump, whose log prefix names the device; limited to one device, or all (spec D87). */
export function debugDumpMappings(debug: DmaDebug, deviceId?: number): string[] {
  const { entries } = debug;
  const wanted = entries.live().filter((entry) => deviceId === undefined || entries.device[entry] === deviceId);
  return wanted.map((entry) => dumpEntry(debug, entry));
}

function dumpEntry(debug: DmaDebug, entry: number): string {
  const { entries } = debug;
  return [
    ENTRY_TYPE_NAMES[entries.type(entry)],
    `idx ${bucketOf(entries.address[entry])}`,
    `P=0x${hex16(entries.phys[entry])}`,
    `D=${hex(entries.address[entry])}`,
    `L=${hex(entries.size[entry])}`,
    `cln=0x${hex16(debug.cachelineOf(entry))}`,
    `DMA_${directionName(entries.dir(entry))}`,
    CHECK_STATE_NAMES[entries.state(entry)],
    `attrs=0x${hex(entries.attrs[entry])}`,
  ].join(' ');
}
