import { type DumpMemory, TableDump } from './table-dump.ts';
import type { WalkUnit } from './walk-unit.ts';

/**
 * Source ids of all devices that the tables know, ascending.
 * @throws {WalkError} `ERR_WALK_TABLE_ABSENT`
 */
export function listDevices(memory: DumpMemory, unit: WalkUnit): number[] {
  return unit.listDevices(new TableDump(memory));
}
