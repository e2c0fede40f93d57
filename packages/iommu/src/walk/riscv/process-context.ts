import { get } from '../../spec/bits.ts';
import { RISCV_PROCESS_CONTEXT_BYTES, RiscvDirectoryEntry, RiscvProcessContext } from '../../spec/riscv-tables.ts';
import { formatDevice } from '../device-address.ts';
import type { TableDump } from '../table-dump.ts';
import { WalkError } from '../walk-error.ts';
import { type WalkStep, walkStep } from '../walk-step.ts';

/** `iosatp` and PSCID of a process, and the entries that led to them. */
export interface FoundProcess {
  readonly low: number;
  readonly high: number;
  readonly pscid: number;
  readonly steps: readonly WalkStep[];
}

/**
 * The context of process 0, which requests without process id use where the device says so (spec H95): the first entry of
 * every table of the process directory.
 * @throws {WalkError} `ERR_WALK_NO_CONTEXT` when an entry on the way is not valid, `ERR_WALK_TABLE_ABSENT`
 */
export function findDefaultProcess(dump: TableDump, sourceId: number, directory: number, levels: number): FoundProcess {
  const steps: WalkStep[] = [];
  let table = directory;
  for (let level = levels; level > 1; level--) {
    const [low, high] = load(dump, sourceId, table);
    steps.push(
      walkStep({ table: 'process-directory', level, index: 0, at: table }, Uint32Array.of(low, high), 0, [
        RiscvDirectoryEntry,
      ]),
    );
    if (get(low, high, RiscvDirectoryEntry.V) === 0) throw notValid(sourceId, table);
    table = get(low, high, RiscvDirectoryEntry.PPN) * 4096;
  }
  const words = load(dump, sourceId, table);
  const { ta, fsc } = RiscvProcessContext;
  steps.push(walkStep({ table: 'process-context', level: 0, index: 0, at: table }, words, 0, [ta, fsc]));
  if (get(words[0], words[1], ta.V) === 0) throw notValid(sourceId, table);
  return { low: words[2], high: words[3], pscid: get(words[0], words[1], ta.PSCID), steps };
}

function load(dump: TableDump, sourceId: number, table: number): Uint32Array {
  const page = dump.load(table, `the process directory of ${formatDevice(sourceId)}`);
  return page.subarray(0, RISCV_PROCESS_CONTEXT_BYTES / 4);
}

function notValid(sourceId: number, at: number): WalkError {
  const device = formatDevice(sourceId);
  const message = `device ${device} has no valid context for process 0 (0x${at.toString(16)}): its requests are blocked`;
  return new WalkError('ERR_WALK_NO_CONTEXT', message);
}
