import { get, getAddress } from '../../spec/bits.ts';
import { TranslationTableMode } from '../../spec/vtd-registers.ts';
import * as layout from '../../spec/vtd-tables.ts';
import type { TableDump } from '../table-dump.ts';
import type { VtdRegisters } from './vtd-registers.ts';

/**
 * Source ids of all devices with a present context entry, ascending (spec H16, H17, H20).
 * @throws {WalkError} `ERR_WALK_TABLE_ABSENT`
 */
export function listDevices(dump: TableDump, registers: VtdRegisters): number[] {
  const scalable = registers.tableMode === TranslationTableMode.SCALABLE;
  const roots = dump.load(registers.rootTable, 'the root table');
  const found: number[] = [];
  // A scalable root entry is two pointers, each to the contexts of 128 functions; a legacy one is one to all 256.
  const functionsEach = scalable ? 128 : 256;
  const entryWords = scalable ? layout.SCALABLE_CONTEXT_ENTRY_BYTES / 4 : layout.CONTEXT_ENTRY_BYTES / 4;
  for (let first = 0; first < 0x10000; first += functionsEach) {
    const at = (first / functionsEach) * (scalable ? 2 : 4);
    if (get(roots[at], 0, layout.RootEntry.P) === 0) continue;
    const contexts = dump.load(getAddress(roots[at], roots[at + 1], layout.RootEntry.CTP), 'a context table');
    for (let index = 0; index < functionsEach; index++) {
      if (get(contexts[index * entryWords], 0, layout.ContextEntry.qw0.P) === 1) found.push(first + index);
    }
  }
  return found;
}
