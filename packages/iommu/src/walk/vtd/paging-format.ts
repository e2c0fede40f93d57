import { FirstStageFormat } from '../page-table/first-stage-format.ts';
import type { PageTableFormat } from '../page-table/page-table-format.ts';
import { SecondStageFormat } from '../page-table/second-stage-format.ts';
import type { Field } from '../spec/bits.ts';
import { FirstStageEntry, levelShift, SecondStageEntry } from '../spec/vtd-paging.ts';
import { formatDevice } from './device-address.ts';
import type { DeviceTables } from './device-tables.ts';
import type { UnitRegisters } from './unit-registers.ts';
import { WalkError } from './walk-error.ts';

/** How a device's paging tables are read. */
export interface PagingFormat {
  readonly format: PageTableFormat;
  readonly layout: Readonly<Record<string, Field>>;
  /** First address that no entry translates. */
  readonly limit: number;
}

/**
 * @throws {WalkError} `ERR_WALK_NESTED` when a second stage lies behind the first, `ERR_WALK_NO_CONTEXT` when the entry
 * names a table of a depth that doesn't exist
 */
export function pagingFormat(tables: DeviceTables, registers: UnitRegisters): PagingFormat {
  const { capabilities } = registers;
  const { levels } = tables;
  const device = formatDevice(tables.sourceId);
  if (tables.translation === 'nested') {
    throw new WalkError('ERR_WALK_NESTED', `device ${device} has nested translation, which this walk does not follow`);
  }
  if (levels < 3 || levels > 5) {
    throw new WalkError('ERR_WALK_NO_CONTEXT', `the entry of device ${device} asks for ${levels} levels: 3 to 5 exist`);
  }
  if (tables.translation === 'first-stage') {
    const format = new FirstStageFormat(levels, capabilities.firstStagePageSizes, levelShift(levels + 1));
    return { format, layout: FirstStageEntry, limit: format.apertureEnd + 1 };
  }
  const format = new SecondStageFormat(levels, capabilities.secondStagePageSizes, capabilities.guestAddressBits);
  return { format, layout: SecondStageEntry, limit: format.apertureEnd + 1 };
}
