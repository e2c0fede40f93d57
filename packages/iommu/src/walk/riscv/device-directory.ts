import { get } from '../../spec/bits.ts';
import * as layout from '../../spec/riscv-tables.ts';
import { formatDevice } from '../device-address.ts';
import type { TableDump } from '../table-dump.ts';
import { WalkError } from '../walk-error.ts';
import { type WalkStep, walkStep } from '../walk-step.ts';
import type { RiscvRegisters } from './riscv-registers.ts';

const INDEX_BITS = 9;
const { RiscvDirectoryEntry, RiscvDeviceContext } = layout;

/** Words of a device context in a dump, and the entries that led to it. */
export interface FoundContext {
  /** Two u32 halves a qword, low first. */
  readonly words: Uint32Array;
  readonly steps: readonly WalkStep[];
}

/** The device directory of a unit, as a dump has it (spec H92). */
export class DumpedDirectory {
  readonly #dump: TableDump;
  readonly #registers: RiscvRegisters;
  readonly #leafBits: number;
  readonly #contextWords: number;

  constructor(dump: TableDump, registers: RiscvRegisters) {
    this.#dump = dump;
    this.#registers = registers;
    this.#leafBits = registers.isExtended ? 6 : 7;
    this.#contextWords =
      (registers.isExtended ? layout.RISCV_EXTENDED_CONTEXT_BYTES : layout.RISCV_BASE_CONTEXT_BYTES) / 4;
  }

  /** @throws {WalkError} `ERR_WALK_NO_CONTEXT` when an entry on the way is not valid, `ERR_WALK_TABLE_ABSENT` */
  find(deviceId: number): FoundContext {
    const { directory, levels } = this.#registers;
    const device = formatDevice(deviceId);
    if (deviceId >= 2 ** (this.#leafBits + INDEX_BITS * (levels - 1))) {
      throw new WalkError('ERR_WALK_NO_CONTEXT', `device ${device} is past what a directory of ${levels} levels holds`);
    }
    const steps: WalkStep[] = [];
    let table = directory;
    for (let level = levels; level > 1; level--) {
      const words = this.#dump.load(table, `level ${level} of the device directory`);
      const index = (deviceId >>> (this.#leafBits + INDEX_BITS * (level - 2))) % 2 ** INDEX_BITS;
      const place = { table: 'device-directory', level, index, at: table + index * 8 };
      steps.push(walkStep(place, words, index * 2, [RiscvDirectoryEntry]));
      table = pointerOf(words, index);
      if (table < 0) throw notValid(device, 'device directory entry', place.at);
    }
    return this.#context(table, deviceId, steps);
  }

  /** Ids of all devices with a valid context, ascending. */
  list(): number[] {
    const { directory, levels } = this.#registers;
    return levels === 0 ? [] : this.#listTable(directory, levels, 0);
  }

  #context(table: number, deviceId: number, before: readonly WalkStep[]): FoundContext {
    const device = formatDevice(deviceId);
    const words = this.#dump.load(table, `the device context of ${device}`);
    const index = deviceId % 2 ** this.#leafBits;
    const place = { table: 'device-context', level: 0, index, at: table + index * this.#contextWords * 4 };
    const { tc, iohgatp, ta, fsc } = RiscvDeviceContext;
    const first = index * this.#contextWords;
    const step = walkStep(place, words, first, [tc, iohgatp, ta, fsc]);
    if (get(words[first], words[first + 1], tc.V) === 0) throw notValid(device, 'device context', place.at);
    return { words: words.subarray(first, first + this.#contextWords), steps: [...before, step] };
  }

  #listTable(table: number, level: number, firstId: number): number[] {
    const words = this.#dump.load(table, `level ${level} of the device directory`);
    const found: number[] = [];
    if (level === 1) {
      for (let index = 0; index < 2 ** this.#leafBits; index++) {
        if (get(words[index * this.#contextWords], 0, RiscvDeviceContext.tc.V) === 1) found.push(firstId + index);
      }
      return found;
    }
    const ids = 2 ** (this.#leafBits + INDEX_BITS * (level - 2));
    for (let index = 0; index < 2 ** INDEX_BITS && firstId + index * ids < 2 ** 24; index++) {
      const child = pointerOf(words, index);
      if (child >= 0) found.push(...this.#listTable(child, level - 1, firstId + index * ids));
    }
    return found;
  }
}

/** The table that an entry points at, or -1. */
function pointerOf(words: Uint32Array, index: number): number {
  const [low, high] = [words[index * 2], words[index * 2 + 1]];
  return get(low, high, RiscvDirectoryEntry.V) === 0 ? -1 : get(low, high, RiscvDirectoryEntry.PPN) * 4096;
}

function notValid(device: string, what: string, at: number): WalkError {
  const message = `device ${device} has no valid ${what} (0x${at.toString(16)}): its requests are blocked`;
  return new WalkError('ERR_WALK_NO_CONTEXT', message);
}
