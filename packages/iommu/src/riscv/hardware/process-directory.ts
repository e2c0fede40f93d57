import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get } from '../../spec/bits.ts';
import { RiscvCause } from '../../spec/riscv-faults.ts';
import { RISCV_PROCESS_CONTEXT_BYTES, RiscvDirectoryEntry, RiscvProcessContext } from '../../spec/riscv-tables.ts';
import type { DeviceContext } from './device-context.ts';
import type { TableReach } from './paging-walk.ts';
import { hasReserved, reservedBits } from './reserved-bits.ts';
import type { TranslationContext } from './translation-context.ts';
import { WalkFault } from './walk-fault.ts';

const DIRECTORY_RESERVED = reservedBits(RiscvDirectoryEntry);
const TA_RESERVED = reservedBits(RiscvProcessContext.ta);
const FSC_RESERVED = reservedBits(RiscvProcessContext.fsc);
/** Bits of a process id that each level takes, leaf first (spec H95). */
const LEVEL_BITS = [8, 9, 3] as const;

/** The process directory of a device: its tables are at guest physical addresses (spec H95). */
export class ProcessDirectory {
  readonly #memory: UnitMemory;
  readonly #reach: TableReach;

  constructor(memory: UnitMemory, reach: TableReach) {
    this.#memory = memory;
    this.#reach = reach;
  }

  /** 0 with the context filled in; the cause of the fault; or a negative {@link WalkFault} of the second stage. */
  lookup(device: DeviceContext, context: TranslationContext, processId: number): number {
    const levels = device.processDirectoryMode;
    const idBits = LEVEL_BITS.slice(0, levels).reduce((sum, bits) => sum + bits, 0);
    if (processId >= 2 ** idBits) return RiscvCause.TYPE_DISALLOWED;
    let table = device.processDirectory;
    for (let level = levels - 1; level > 0; level--) {
      const at = this.#entryAt(context, table + indexAt(processId, level) * 8);
      if (at < 0) return faultOf(at);
      const low = this.#memory.load32(at);
      const high = this.#memory.load32(at + 4);
      if (get(low, high, RiscvDirectoryEntry.V) === 0) return RiscvCause.PDT_NOT_VALID;
      if (hasReserved(low, high, DIRECTORY_RESERVED)) return RiscvCause.PDT_MISCONFIGURED;
      table = get(low, high, RiscvDirectoryEntry.PPN) * 4096;
    }
    const at = this.#entryAt(context, table + indexAt(processId, 0) * RISCV_PROCESS_CONTEXT_BYTES);
    return at < 0 ? faultOf(at) : this.#decode(device, context, at);
  }

  #decode(device: DeviceContext, context: TranslationContext, at: number): number {
    const [taLow, taHigh, fscLow, fscHigh] = [0, 4, 8, 12].map((word) => this.#memory.load32(at + word));
    const { ta, fsc } = RiscvProcessContext;
    if (get(taLow, taHigh, ta.V) === 0) return RiscvCause.PDT_NOT_VALID;
    if (hasReserved(taLow, taHigh, TA_RESERVED) || hasReserved(fscLow, fscHigh, FSC_RESERVED))
      return RiscvCause.PDT_MISCONFIGURED;
    if (!device.decodeFirstStage(context, get(fscLow, fscHigh, fsc.PPN), get(fscLow, fscHigh, fsc.MODE))) {
      return RiscvCause.PDT_MISCONFIGURED;
    }
    context.pscid = get(taLow, taHigh, ta.PSCID);
    context.supervisorRequests = get(taLow, taHigh, ta.ENS) === 1;
    context.supervisorUserAccess = get(taLow, taHigh, ta.SUM) === 1;
    return 0;
  }

  #entryAt(context: TranslationContext, at: number): number {
    return this.#reach.entryAt(context, at, false);
  }
}

function indexAt(processId: number, level: number): number {
  const below = LEVEL_BITS.slice(0, level).reduce((sum, bits) => sum + bits, 0);
  return (processId >>> below) & (2 ** LEVEL_BITS[level] - 1);
}

/** Memory that doesn't answer has a cause of its own here; guest page faults stay what they are. */
function faultOf(fault: number): number {
  return fault === WalkFault.ACCESS ? RiscvCause.PDT_LOAD : fault;
}
