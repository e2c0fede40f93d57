import { ArmStage1Format } from '../../page-table/arm-stage1-format.ts';
import { ArmStage2Format } from '../../page-table/arm-stage2-format.ts';
import { readContext } from '../../smmuv3/hardware/context.ts';
import type { StageTables } from '../../smmuv3/hardware/stage-tables.ts';
import { readStream, type Stream, usesStage1 } from '../../smmuv3/hardware/stream.ts';
import { TlbSpaces } from '../../smmuv3/hardware/tlb-spaces.ts';
import { Stage1Descriptor, Stage2Descriptor } from '../../spec/smmuv3-paging.ts';
import { DefaultSubstream, StreamConfig } from '../../spec/smmuv3-tables.ts';
import { formatDevice } from '../device-address.ts';
import type { TableDump } from '../table-dump.ts';
import { WalkError } from '../walk-error.ts';
import type { WalkStep } from '../walk-step.ts';
import type { DeviceTables, DeviceTranslation, PagingFormat, WalkUnit } from '../walk-unit.ts';
import { findContext } from './context-entries.ts';
import type { SmmuRegisters } from './smmuv3-registers.ts';
import { findStreamEntry, listStreams, noStream } from './stream-entries.ts';

/** The tables of an SMMUv3 stream, with their shape; absent for pass-through. */
interface SmmuTables extends DeviceTables {
  readonly shape?: StageTables;
}

/** Arm SMMUv3: linear and two-level stream tables, either stage in every granule; of nested streams, the entries alone. */
export class SmmuWalkUnit implements WalkUnit<SmmuTables> {
  readonly disabledNote =
    'CR0 says that translation is off: devices reach memory untranslated or not at all (GBPA), whatever the tables hold';
  readonly #registers: SmmuRegisters;
  /** Entries are decoded as hardware decodes them, which tags them; nothing is cached here. */
  readonly #spaces = new TlbSpaces(() => {});

  constructor(registers: SmmuRegisters) {
    this.#registers = registers;
  }

  get translationEnabled(): boolean {
    return this.#registers.translationEnabled;
  }

  listDevices(dump: TableDump): number[] {
    return listStreams(dump, this.#registers);
  }

  deviceTables(dump: TableDump, sourceId: number): SmmuTables {
    const entry = findStreamEntry(dump, this.#registers, sourceId);
    const stream = readStream(sourceId, entry.words, this.#registers.capabilities, this.#spaces);
    if (stream === undefined) throw noStream(sourceId, 'its stream table entry asks for what the unit has not');
    if (stream.config < StreamConfig.BYPASS) throw noStream(sourceId, 'its stream table entry aborts');
    const { vmid, stage2 } = stream;
    if (stream.config === StreamConfig.BYPASS || skipsStage1(stream)) {
      if (stage2 !== undefined) return tablesOf(stream, 'second-stage', stage2, vmid, entry.steps);
      return { sourceId, translation: 'pass-through', domainId: vmid, levels: 0, root: 0, steps: entry.steps };
    }
    if (!usesStage1(stream.config)) return tablesOf(stream, 'second-stage', stage2!, vmid, entry.steps);
    // Behind a second stage, context descriptors lie at addresses that it translates.
    if (stage2 !== undefined) return tablesOf(stream, 'nested', stage2, vmid, entry.steps);
    if (stream.contextBits > 0 && stream.defaultSubstream === DefaultSubstream.TERMINATE) {
      throw noStream(sourceId, 'requests without PASID are terminated (S1DSS)');
    }
    const found = findContext(dump, sourceId, entry);
    const context = readContext(found.words, stream, this.#registers.capabilities, this.#spaces);
    if (context?.tables === undefined) throw noStream(sourceId, 'its context descriptor is not valid');
    return tablesOf(stream, 'first-stage', context.tables, context.asid, found.steps);
  }

  pagingFormat({ sourceId, translation, shape }: SmmuTables): PagingFormat {
    if (translation === 'nested') {
      const device = formatDevice(sourceId);
      const message = `device ${device} has nested translation, which this walk does not follow`;
      throw new WalkError('ERR_WALK_NESTED', message);
    }
    const { granuleShift, inputLimit, startLevel } = shape!;
    const inputBits = Math.log2(inputLimit);
    if (translation === 'first-stage') {
      return { format: new ArmStage1Format(granuleShift, inputBits), layout: Stage1Descriptor, limit: inputLimit };
    }
    const format = new ArmStage2Format(granuleShift, inputBits, true, 4 - startLevel);
    return { format, layout: Stage2Descriptor, limit: inputLimit };
  }
}

function skipsStage1({ config, contextBits, defaultSubstream }: Stream): boolean {
  return usesStage1(config) && contextBits > 0 && defaultSubstream === DefaultSubstream.BYPASS;
}

function tablesOf(
  { streamId }: Stream,
  translation: DeviceTranslation,
  shape: StageTables,
  domainId: number,
  steps: readonly WalkStep[],
): SmmuTables {
  return { sourceId: streamId, translation, domainId, levels: 4 - shape.startLevel, root: shape.root, shape, steps };
}
