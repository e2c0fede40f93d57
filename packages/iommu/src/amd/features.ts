import { AmdEfr } from '../spec/amd-registers.ts';
import { bits, type Field, get, halves } from '../spec/bits.ts';

/** Header of the unit's PCI capability, what it says beyond its kind (spec H32). */
const Capability = { IOTLB_SUP: bits(24), NP_CACHE: bits(26), EFR_SUP: bits(27) } as const;

/** What EFR and the PCI capability say, decoded once. The model is built from it; the driver reads it out. */
export class AmdFeatures {
  /** Most levels of a host table (EFR.HATS); 0 where there are none. */
  readonly hostLevels: number;
  /** Most levels of a guest table (EFR.GATS); 0 without guest translation. */
  readonly guestLevels: number;
  /** Most levels of a GCR3 table (EFR.GLX). */
  readonly gcr3Levels: number;
  /** Width of a PASID, 0 when requests can't carry one. */
  readonly pasidBits: number;
  readonly prefetch: boolean;
  /** INVALIDATE_IOMMU_ALL exists. */
  readonly invalidatesAll: boolean;
  readonly accessed: boolean;
  readonly dirty: boolean;
  /** The unit's message address and data are among its registers, not in its configuration space alone. */
  readonly messageRegisters: boolean;
  /** Devices may have TLBs of their own (ATS). */
  readonly deviceTlbs: boolean;
  /** Absent entries may be cached (spec H41). */
  readonly npCache: boolean;

  /**
   * @param efr the register's 64 bits
   * @param capability first dword of the PCI capability
   */
  constructor(efr: number | bigint, capability: number) {
    const { low, high } = halves(efr);
    const f = (field: Field) => get(low, high, field);
    const c = (field: Field) => get(capability, 0, field) === 1;
    const guest = f(AmdEfr.GT) === 1;
    this.hostLevels = f(AmdEfr.HATS) === 3 ? 0 : f(AmdEfr.HATS) + 4;
    this.guestLevels = guest ? (f(AmdEfr.GATS) === 1 ? 5 : 4) : 0;
    this.gcr3Levels = f(AmdEfr.GLX) + 1;
    this.pasidBits = guest ? f(AmdEfr.PAS_MAX) + 1 : 0;
    this.prefetch = f(AmdEfr.PREF) === 1;
    this.invalidatesAll = f(AmdEfr.IA) === 1;
    this.accessed = f(AmdEfr.HA) === 1;
    this.dirty = f(AmdEfr.HD) === 1;
    this.messageRegisters = f(AmdEfr.MSI_CAP_MMIO) === 1;
    this.deviceTlbs = c(Capability.IOTLB_SUP);
    this.npCache = c(Capability.NP_CACHE);
  }
}

/** EFR and PCI capability of units that are known to exist; QEMU's as observed (spec H110). */
export const AMD_PRESETS = {
  /** `-device amd-iommu,dma-remap=on`: six levels, ATS, NpCache. */
  qemu: { efr: 0x29d3n, capability: 0x1f03000f },
  /** Everything this model has: guest tables of 4 and 5 levels behind GCR3 tables of 3, accessed and dirty bits. */
  full: { efr: 0x0012_400f_0000_99d1n, capability: 0x0b03000f },
} as const;
