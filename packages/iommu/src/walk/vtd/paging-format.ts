import { FirstStageFormat } from '../../page-table/first-stage-format.ts';
import { SecondStageFormat } from '../../page-table/second-stage-format.ts';
import { FirstStageEntry, levelShift, SecondStageEntry } from '../../spec/vtd-paging.ts';
import { formatDevice } from '../device-address.ts';
import { WalkError } from '../walk-error.ts';
import type { DeviceTables, PagingFormat } from '../walk-unit.ts';
import type { VtdRegisters } from './vtd-registers.ts';

/**
 * @throws {WalkError} `ERR_WALK_NESTED` when a second stage lies behind the first, `ERR_WALK_NO_CONTEXT` when the entry
 * names a table of a depth that doesn't exist
 */
export function pagingFormat(tables: DeviceTables, registers: VtdRegisters): PagingFormat {
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
