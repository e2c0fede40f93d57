import { type BitField, get, join64, put, set } from '../../spec/bits.ts';
import {
  Aqa,
  CAP_CSS_ALL_SETS,
  CAP_CSS_NVM,
  CapHigh,
  CapLow,
  Cc,
  Cmbloc,
  Cmbmsc,
  Cmbsz,
  CSTS_NSSRO,
  PMRWBM_READ_STATUS,
  Pmrcap,
  Pmrsts,
  Register,
} from '../../spec/registers.ts';
import type { ControllerConfig } from '../options.ts';

/** CAP.TO: 7.5 s, what QEMU offers. */
const READY_TIMEOUT = 15;
/** Largest page size on offer is 64 KiB: CC.MPS 0 to 4. */
const MPS_MAX = 4;
const CMB_BAR = 2;
const CMB_UNIT_1MIB = 2;
const PMR_BAR = 4;
const PMRCAP: number =
  put(Pmrcap.RDS, 1) |
  put(Pmrcap.WDS, 1) |
  put(Pmrcap.BIR, PMR_BAR) |
  put(Pmrcap.PMRWBM, PMRWBM_READ_STATUS) |
  put(Pmrcap.CMSS, 1);

/** The values behind BAR0's registers (spec N120). Reads are pure; what a write sets off is the controller's business. */
export class RegisterFile {
  readonly capLow: number;
  readonly capHigh: number;
  readonly version: number;
  readonly #cmbloc: number;
  readonly #cmbsz: number;
  cc = 0;
  csts = 0;
  /** Interrupt mask of INTMS and INTMC. */
  interruptMask = 0;
  aqa = 0;
  asqLow = 0;
  asqHigh = 0;
  acqLow = 0;
  acqHigh = 0;
  cmbmscLow = 0;
  cmbmscHigh = 0;
  /** Persistent memory region; its registers read 0 where there is none. */
  pmrctl = 0;
  pmrmscLow = 0;
  pmrmscHigh = 0;
  readonly #pmrcap: number;

  constructor(config: ControllerConfig) {
    this.capLow =
      put(CapLow.MQES, config.queueEntries - 1) |
      put(CapLow.CQR, 1) |
      put(CapLow.AMS, config.weightedArbitration ? 1 : 0) |
      put(CapLow.TO, READY_TIMEOUT);
    this.capHigh =
      put(CapHigh.DSTRD, config.doorbellStride) |
      put(CapHigh.NSSRS, config.subsystemReset ? 1 : 0) |
      put(CapHigh.CSS, CAP_CSS_NVM | CAP_CSS_ALL_SETS) |
      put(CapHigh.MPSMAX, MPS_MAX) |
      put(CapHigh.PMRS, config.pmrBytes > 0 ? 1 : 0) |
      put(CapHigh.CMBS, config.cmbBytes > 0 ? 1 : 0);
    this.version = config.version;
    const hasCmb = config.cmbBytes > 0;
    this.#cmbloc = hasCmb ? (put(Cmbloc.BIR, CMB_BAR) | put(Cmbloc.CDPMLS, 1) | put(Cmbloc.CDPCILS, 1)) >>> 0 : 0;
    this.#cmbsz = hasCmb ? cmbSize(config.cmbBytes) : 0;
    this.#pmrcap = config.pmrBytes > 0 ? PMRCAP : 0;
  }

  /** Register value, unsigned; reserved and absent registers read 0. */
  read(offset: number): number {
    switch (offset) {
      case Register.CAP:
        return this.capLow >>> 0;
      case Register.CAP + 4:
        return this.capHigh >>> 0;
      case Register.VS:
        return this.version;
      case Register.INTMS:
      case Register.INTMC:
        return this.interruptMask >>> 0;
      case Register.CC:
        return this.cc;
      case Register.CSTS:
        return this.csts;
      case Register.AQA:
        return this.aqa;
      case Register.ASQ:
        return this.asqLow;
      case Register.ASQ + 4:
        return this.asqHigh;
      case Register.ACQ:
        return this.acqLow;
      case Register.ACQ + 4:
        return this.acqHigh;
      case Register.CMBMSC:
        return this.cmbmscLow;
      case Register.CMBMSC + 4:
        return this.cmbmscHigh;
      case Register.PMRCAP:
        return this.#pmrcap;
      case Register.PMRCTL:
        return this.pmrctl;
      case Register.PMRSTS:
        return this.#pmrcap === 0 ? 0 : put(Pmrsts.NRDY, this.pmrctl === 0 ? 1 : 0);
      case Register.PMRMSCL:
        return this.pmrmscLow;
      case Register.PMRMSCU:
        return this.pmrmscHigh;
      // Hidden until the host asks for it (spec N120).
      case Register.CMBLOC:
        return get(this.cmbmscLow, Cmbmsc.CRE) ? this.#cmbloc : 0;
      case Register.CMBSZ:
        return get(this.cmbmscLow, Cmbmsc.CRE) ? this.#cmbsz : 0;
      default:
        return 0;
    }
  }

  /** Registers that only hold a value; the rest is refused with false. */
  writeHeld(offset: number, value: number): boolean {
    switch (offset) {
      case Register.INTMS:
        this.interruptMask |= value;
        return true;
      case Register.INTMC:
        this.interruptMask &= ~value;
        return true;
      case Register.AQA:
        this.aqa = value & ~(put(Aqa.RSVD0, -1) | put(Aqa.RSVD1, -1));
        return true;
      case Register.ASQ:
        this.asqLow = value;
        return true;
      case Register.ASQ + 4:
        this.asqHigh = value;
        return true;
      case Register.ACQ:
        this.acqLow = value;
        return true;
      case Register.ACQ + 4:
        this.acqHigh = value;
        return true;
      case Register.CSTS:
        this.csts &= ~(value & CSTS_NSSRO);
        return true;
      default:
        return false;
    }
  }

  get asq(): number {
    return join64(this.asqLow, this.asqHigh);
  }

  get acq(): number {
    return join64(this.acqLow, this.acqHigh);
  }

  /** Bytes in a memory page as CC.MPS says. */
  get pageBytes(): number {
    return 4096 << get(this.cc, Cc.MPS);
  }

  setStatus(field: BitField, value: number): void {
    this.csts = set(this.csts, field, value);
  }

  /** The values that a function level or conventional reset leaves (spec N124). */
  powerOnDefaults(): void {
    this.cc = 0;
    this.csts = 0;
    this.interruptMask = 0;
    this.aqa = 0;
    this.asqLow = 0;
    this.asqHigh = 0;
    this.acqLow = 0;
    this.acqHigh = 0;
    this.cmbmscLow = 0;
    this.cmbmscHigh = 0;
    this.pmrctl = 0;
    this.pmrmscLow = 0;
    this.pmrmscHigh = 0;
  }
}

function cmbSize(bytes: number): number {
  return (
    put(Cmbsz.SQS, 1) |
    put(Cmbsz.LISTS, 1) |
    put(Cmbsz.RDS, 1) |
    put(Cmbsz.WDS, 1) |
    put(Cmbsz.SZU, CMB_UNIT_1MIB) |
    put(Cmbsz.SZ, bytes / 2 ** 20)
  );
}
