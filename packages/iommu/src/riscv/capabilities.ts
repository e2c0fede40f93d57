import { type Field, get, halves } from '../spec/bits.ts';
import { RiscvCaps } from '../spec/riscv-registers.ts';

/** What `capabilities` says, decoded once. The model is built from it; the driver reads it out of the register. */
export class RiscvCapabilities {
  /** First-stage modes: bit n set means n levels (3 Sv39, 4 Sv48, 5 Sv57). */
  readonly firstStageLevels: number;
  /** Second-stage modes, likewise (Sv39x4 to Sv57x4). */
  readonly secondStageLevels: number;
  readonly pageBasedMemoryTypes: boolean;
  /** Device contexts have the extended format, of 64 bytes (spec H92). */
  readonly msiFlat: boolean;
  readonly msiMrif: boolean;
  /** Hardware can set A and D. */
  readonly accessedDirty: boolean;
  readonly ats: boolean;
  readonly translatedGuestAddresses: boolean;
  readonly messageInterrupts: boolean;
  readonly wiredInterrupts: boolean;
  readonly debug: boolean;
  /** Width of a physical address. */
  readonly physicalAddressBits: number;
  readonly pd8: boolean;
  readonly pd17: boolean;
  readonly pd20: boolean;
  /** IOTINVAL can take table entries along with leaves. */
  readonly nonLeafInvalidation: boolean;
  /** IOTINVAL takes ranges. */
  readonly rangeInvalidation: boolean;

  /** @param capabilities the register's 64-bit value */
  constructor(capabilities: number | bigint) {
    const { low, high } = halves(capabilities);
    const c = (field: Field) => get(low, high, field);
    const has = (field: Field) => c(field) === 1;
    this.firstStageLevels = (c(RiscvCaps.SV39) << 3) | (c(RiscvCaps.SV48) << 4) | (c(RiscvCaps.SV57) << 5);
    this.secondStageLevels = (c(RiscvCaps.SV39X4) << 3) | (c(RiscvCaps.SV48X4) << 4) | (c(RiscvCaps.SV57X4) << 5);
    this.pageBasedMemoryTypes = has(RiscvCaps.SVPBMT);
    this.msiFlat = has(RiscvCaps.MSI_FLAT);
    this.msiMrif = has(RiscvCaps.MSI_MRIF);
    this.accessedDirty = has(RiscvCaps.AMO_HWAD);
    this.ats = has(RiscvCaps.ATS);
    this.translatedGuestAddresses = has(RiscvCaps.T2GPA);
    this.messageInterrupts = c(RiscvCaps.IGS) !== 1;
    this.wiredInterrupts = c(RiscvCaps.IGS) !== 0;
    this.debug = has(RiscvCaps.DBG);
    this.physicalAddressBits = c(RiscvCaps.PAS);
    this.pd8 = has(RiscvCaps.PD8);
    this.pd17 = has(RiscvCaps.PD17);
    this.pd20 = has(RiscvCaps.PD20);
    this.nonLeafInvalidation = has(RiscvCaps.NL);
    this.rangeInvalidation = has(RiscvCaps.S);
  }
}

/** `capabilities` of units that are known to exist; QEMU's as observed (spec H110). */
export const RISCV_PRESETS = {
  /** `-device riscv-iommu-pci`: extended device contexts, 8-bit process ids, no hardware A and D. */
  qemuPci: 0x78c2cf4f10n,
  /** The same with `intremap=off`: base device contexts. */
  qemuBase: 0x78c20f4f10n,
  /** `iommu-sys=on`: interrupts by message or by wire. */
  qemuSys: 0x78e2cf4f10n,
  /** Everything this model has: hardware A and D, memory types, process ids of 20 bits, ranges and tables invalidated. */
  full: 0xdf8a7ee8e10n,
} as const;
