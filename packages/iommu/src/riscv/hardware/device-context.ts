import { type Field, get } from '../../spec/bits.ts';
import { RiscvCause } from '../../spec/riscv-faults.ts';
import {
  RISCV_EXTENDED_CONTEXT_BYTES,
  RiscvDeviceContext,
  RiscvMsiptpMode,
  RiscvPagingMode,
  RiscvPdtpMode,
} from '../../spec/riscv-tables.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import type { RiscvDeviations } from './deviations.ts';
import { hasReserved, type ReservedBits, reservedBits } from './reserved-bits.ts';
import type { StageRoot, TranslationContext } from './translation-context.ts';

const { tc, iohgatp, ta, fsc, msiptp, msiAddrMask, msiAddrPattern } = RiscvDeviceContext;
const RESERVED = [tc, iohgatp, ta, fsc].map(reservedBits);
const EXTENDED_RESERVED = [msiptp, msiAddrMask, msiAddrPattern].map(reservedBits);

/** The words of a device context as they were read, and the rules that they must keep (spec H93, H94). */
export class DeviceContext {
  readonly words = new Uint32Array(RISCV_EXTENDED_CONTEXT_BYTES / 4);
  readonly #capabilities: RiscvCapabilities;
  readonly #deviations: RiscvDeviations;

  constructor(capabilities: RiscvCapabilities, deviations: RiscvDeviations) {
    this.#capabilities = capabilities;
    this.#deviations = deviations;
  }

  get hasProcessDirectory(): boolean {
    return this.#flag(tc.PDTV);
  }

  /** DPE: requests without process id use process 0. */
  get hasDefaultProcess(): boolean {
    return this.#flag(tc.DPE);
  }

  get processDirectory(): number {
    return this.field(3, fsc.PPN) * 4096;
  }

  /** 1 PD8, 2 PD17, 3 PD20; 0: there is none after all. */
  get processDirectoryMode(): number {
    return this.field(3, fsc.MODE);
  }

  field(qword: number, field: Field): number {
    return get(this.words[qword * 2], this.words[qword * 2 + 1], field);
  }

  /** 0 with the context filled in, or the cause of the fault. */
  decode(context: TranslationContext): number {
    if (!this.#flag(tc.V)) return RiscvCause.DDT_NOT_VALID;
    if (this.#hasReserved() || !this.#isConsistent()) return RiscvCause.DDT_MISCONFIGURED;
    const second = stageRoot(
      context.second,
      this.field(1, iohgatp.PPN),
      this.field(1, iohgatp.MODE),
      this.#secondLevels,
    );
    if (!second || context.second.root % 0x4000 !== 0) return RiscvCause.DDT_MISCONFIGURED;
    if (!this.hasProcessDirectory && !this.decodeFirstStage(context, this.field(3, fsc.PPN), this.field(3, fsc.MODE))) {
      return this.#deviations === 'qemu' ? RiscvCause.DDT_NOT_VALID : RiscvCause.DDT_MISCONFIGURED;
    }
    context.allowsAts = this.#flag(tc.EN_ATS);
    context.translatedGuestAddresses = this.#flag(tc.T2GPA);
    context.suppressesFaults = this.#flag(tc.DTF);
    context.firstAccessedDirty = this.#flag(tc.SADE);
    context.secondAccessedDirty = this.#flag(tc.GADE);
    context.gscid = this.field(1, iohgatp.GSCID);
    context.pscid = this.field(2, ta.PSCID);
    this.#decodeMsi(context);
    return 0;
  }

  /** An `iosatp`, from a device or process context: false when the unit has not that mode. */
  decodeFirstStage(context: TranslationContext, ppn: number, mode: number): boolean {
    return stageRoot(context.first, ppn, mode, this.#capabilities.firstStageLevels);
  }

  #decodeMsi(context: TranslationContext): void {
    if (!this.#capabilities.msiFlat || this.field(4, msiptp.MODE) === RiscvMsiptpMode.OFF) return;
    context.msiTable = this.field(4, msiptp.PPN) * 4096;
    context.msiMask = BigInt(this.field(5, msiAddrMask.MASK));
    context.msiPattern = BigInt(this.field(6, msiAddrPattern.PATTERN));
  }

  get #secondLevels(): number {
    return this.#capabilities.secondStageLevels;
  }

  #flag(field: Field): boolean {
    return this.field(0, field) === 1;
  }

  #hasReserved(): boolean {
    for (let i = 0; i < RESERVED.length; i++) if (this.#qwordHas(i, RESERVED[i])) return true;
    if (!this.#capabilities.msiFlat) return false;
    for (let i = 0; i < EXTENDED_RESERVED.length; i++) {
      if (this.#qwordHas(4 + i, EXTENDED_RESERVED[i])) return true;
    }
    return (this.words[14] | this.words[15]) !== 0 || this.field(4, msiptp.MODE) > RiscvMsiptpMode.FLAT;
  }

  #qwordHas(qword: number, reserved: ReservedBits): boolean {
    return hasReserved(this.words[qword * 2], this.words[qword * 2 + 1], reserved);
  }

  /** The combinations of spec H94. Big-endian tables and Sv32 aren't modelled, so SBE and SXL must be clear. */
  #isConsistent(): boolean {
    const { ats, translatedGuestAddresses, accessedDirty } = this.#capabilities;
    const enAts = this.#flag(tc.EN_ATS);
    const enPri = this.#flag(tc.EN_PRI);
    const t2gpa = this.#flag(tc.T2GPA);
    const prpr = this.#flag(tc.PRPR);
    if ((enAts || enPri || prpr) && !ats) return false;
    if (t2gpa && (!translatedGuestAddresses || this.field(1, iohgatp.MODE) === RiscvPagingMode.BARE)) return false;
    if ((t2gpa || enPri) && !enAts) return false;
    if (prpr && !enPri) return false;
    if ((this.#flag(tc.GADE) || this.#flag(tc.SADE)) && !accessedDirty) return false;
    if (this.#flag(tc.SBE) || this.#flag(tc.SXL)) return false;
    return this.#flag(tc.PDTV) ? this.#hasKnownPdtp() : !this.#flag(tc.DPE);
  }

  #hasKnownPdtp(): boolean {
    const { pd8, pd17, pd20 } = this.#capabilities;
    const mode = this.processDirectoryMode;
    if (mode === RiscvPdtpMode.BARE) return true;
    return (
      (mode === RiscvPdtpMode.PD8 && pd8) ||
      (mode === RiscvPdtpMode.PD17 && pd17) ||
      (mode === RiscvPdtpMode.PD20 && pd20)
    );
  }
}

/** Fills in where a stage's tables are: false when the unit has not that mode. */
function stageRoot(stage: StageRoot, ppn: number, mode: number, levelsAllowed: number): boolean {
  stage.levels = mode === RiscvPagingMode.BARE ? 0 : mode - RiscvPagingMode.SV39 + 3;
  stage.root = mode === RiscvPagingMode.BARE ? 0 : ppn * 4096;
  if (mode === RiscvPagingMode.BARE) return true;
  return mode >= RiscvPagingMode.SV39 && mode <= RiscvPagingMode.SV57 && ((levelsAllowed >> stage.levels) & 1) === 1;
}
