import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get } from '../../spec/bits.ts';
import { RiscvCause } from '../../spec/riscv-faults.ts';
import { RISCV_MSI_PTE_BYTES, RiscvMrifPte, RiscvMsiMode, RiscvMsiPte } from '../../spec/riscv-tables.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import { hasReserved, reservedBits } from './reserved-bits.ts';
import type { TranslationContext } from './translation-context.ts';

/** An interrupt file in memory: 2048 interrupts, 64 to a pair of pending and enable words. */
const MRIF_INTERRUPTS = 2048;
const BASIC_RESERVED = reservedBits(RiscvMsiPte);
const MRIF_RESERVED = [reservedBits(RiscvMrifPte.qw0), reservedBits(RiscvMrifPte.qw1)] as const;

/** Where an MSI goes when its page is an interrupt file in memory (spec H102). */
export interface InterruptFile {
  readonly address: number;
  /** Page that the notice goes to, and its number. */
  readonly noticePage: number;
  readonly noticeId: number;
}

/** The per-device MSI page table: writes to guest pages that are interrupt files go through it (spec H102). */
export class MsiTable {
  /** The interrupt file that the latest {@link lookup} found, when it found one in memory. */
  file: InterruptFile | undefined;
  readonly #memory: UnitMemory;
  readonly #hasMrif: boolean;

  constructor(memory: UnitMemory, capabilities: RiscvCapabilities) {
    this.#memory = memory;
    this.#hasMrif = capabilities.msiMrif;
  }

  /** Is the page of that guest physical address an interrupt file of the context's device? */
  covers({ msiTable, msiMask, msiPattern }: TranslationContext, guest: number): boolean {
    return msiTable >= 0 && ((BigInt(Math.floor(guest / 4096)) ^ msiPattern) & ~msiMask) === 0n;
  }

  /** Page that the guest's page stands for, -1 for {@link file}, or the cause of the fault in `cause`. */
  lookup({ msiTable, msiMask }: TranslationContext, guest: number): { readonly page: number; readonly cause: number } {
    this.file = undefined;
    const at = msiTable + packBits(BigInt(Math.floor(guest / 4096)), msiMask) * RISCV_MSI_PTE_BYTES;
    if (!this.#memory.canAccess(at)) return failed(RiscvCause.MSI_PTE_LOAD);
    const [low, high, low1, high1] = [0, 4, 8, 12].map((word) => this.#memory.load32(at + word));
    if (get(low, high, RiscvMsiPte.V) === 0) return failed(RiscvCause.MSI_PTE_NOT_VALID);
    const mode = get(low, high, RiscvMsiPte.M);
    if (get(low, high, RiscvMsiPte.C) === 1) return failed(RiscvCause.MSI_PTE_MISCONFIGURED);
    if (mode === RiscvMsiMode.BASIC && !hasReserved(low, high, BASIC_RESERVED)) {
      return { page: get(low, high, RiscvMsiPte.PPN) * 4096, cause: 0 };
    }
    const { qw0, qw1 } = RiscvMrifPte;
    const isFile = mode === RiscvMsiMode.MRIF && this.#hasMrif;
    if (!isFile || hasReserved(low, high, MRIF_RESERVED[0]) || hasReserved(low1, high1, MRIF_RESERVED[1])) {
      return failed(RiscvCause.MSI_PTE_MISCONFIGURED);
    }
    this.file = {
      address: get(low, high, qw0.ADDR) * 512,
      noticePage: get(low1, high1, qw1.NPPN) * 4096,
      noticeId: get(low1, high1, qw1.NID_LOW) + get(low1, high1, qw1.NID_HIGH) * 1024,
    };
    return { page: -1, cause: 0 };
  }

  /** Notes an interrupt in a file, and sends the notice if the file has it enabled: 0, or the cause of the fault. */
  deliver(file: InterruptFile, interruptId: number): number {
    if (interruptId >= MRIF_INTERRUPTS) return 0;
    const pair = file.address + 16 * Math.floor(interruptId / 64);
    const at = pair + 4 * (Math.floor(interruptId / 32) % 2);
    if (!this.#memory.canAccess(at)) return RiscvCause.MRIF_ACCESS;
    const bit = 2 ** (interruptId % 32);
    this.#memory.store32(at, (this.#memory.load32(at) | bit) >>> 0);
    if ((this.#memory.load32(at + 8) & bit) === 0) return 0;
    if (!this.#memory.canAccess(file.noticePage)) return RiscvCause.MSI_WRITE;
    this.#memory.store32(file.noticePage, file.noticeId);
    return 0;
  }
}

function failed(cause: number): { page: number; cause: number } {
  return { page: -1, cause };
}

/** The bits of a value that a mask selects, packed from bit 0 on. */
function packBits(value: bigint, mask: bigint): number {
  let packed = 0;
  for (let bit = 0n, to = 0; mask >> bit !== 0n; bit++) {
    if (((mask >> bit) & 1n) === 0n) continue;
    if (((value >> bit) & 1n) === 1n) packed += 2 ** to;
    to++;
  }
  return packed;
}
