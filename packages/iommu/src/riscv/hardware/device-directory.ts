import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get } from '../../spec/bits.ts';
import { RiscvCause } from '../../spec/riscv-faults.ts';
import * as layout from '../../spec/riscv-tables.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import type { DeviceContext } from './device-context.ts';
import { hasReserved, reservedBits } from './reserved-bits.ts';

const INDEX_BITS = 9;
const RESERVED = reservedBits(layout.RiscvDirectoryEntry);

/** The device directory: one to three levels to the context of a device (spec H92). */
export class DeviceDirectory {
  readonly #memory: UnitMemory;
  readonly #extended: boolean;
  /** Bits of a device id that index the last level. */
  readonly #leafBits: number;

  constructor(memory: UnitMemory, capabilities: RiscvCapabilities) {
    this.#memory = memory;
    this.#extended = capabilities.msiFlat;
    this.#leafBits = capabilities.msiFlat ? 6 : 7;
  }

  /** 0 with the words of the context read, or the cause of the fault. */
  find(root: number, levels: number, deviceId: number, context: DeviceContext): number {
    const idBits = Math.min(this.#leafBits + INDEX_BITS * (levels - 1), 24);
    if (deviceId >= 2 ** idBits) return RiscvCause.TYPE_DISALLOWED;
    let table = root;
    for (let level = levels - 1; level > 0; level--) {
      const index = (deviceId >>> (this.#leafBits + INDEX_BITS * (level - 1))) & (2 ** INDEX_BITS - 1);
      const at = table + index * 8;
      if (!this.#memory.canAccess(at)) return RiscvCause.DDT_LOAD;
      const low = this.#memory.load32(at);
      const high = this.#memory.load32(at + 4);
      if (get(low, high, layout.RiscvDirectoryEntry.V) === 0) return RiscvCause.DDT_NOT_VALID;
      if (hasReserved(low, high, RESERVED)) return RiscvCause.DDT_MISCONFIGURED;
      table = get(low, high, layout.RiscvDirectoryEntry.PPN) * 4096;
    }
    const bytes = this.#extended ? layout.RISCV_EXTENDED_CONTEXT_BYTES : layout.RISCV_BASE_CONTEXT_BYTES;
    const at = table + (deviceId & (2 ** this.#leafBits - 1)) * bytes;
    if (!this.#memory.canAccess(at)) return RiscvCause.DDT_LOAD;
    for (let word = 0; word < bytes / 4; word++) context.words[word] = this.#memory.load32(at + word * 4);
    return 0;
  }
}
