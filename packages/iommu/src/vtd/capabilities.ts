import { type Field, get, halves } from '../spec/bits.ts';
import { Cap, Ecap } from '../spec/vtd-registers.ts';

/** What CAP and ECAP say, decoded once. The model is built from it; the driver reads it out of the registers. */
export class VtdCapabilities {
  /** Most domain ids (CAP.ND). */
  readonly domainIds: number;
  readonly cachingMode: boolean;
  readonly writeBufferFlush: boolean;
  /** CAP.SAGAW: bit n set means n + 2 levels. */
  readonly sagaw: number;
  /** Width of an untranslated request's address (CAP.MGAW + 1). */
  readonly guestAddressBits: number;
  readonly zeroLengthRead: boolean;
  /** Byte offset of fault record 0. */
  readonly faultRecordOffset: number;
  readonly faultRecords: number;
  /** Sum of second-stage leaf sizes. */
  readonly secondStagePageSizes: number;
  /** Sum of first-stage leaf sizes. */
  readonly firstStagePageSizes: number;
  readonly pageSelective: boolean;
  /** Largest order of a page-selective invalidation (CAP.MAMV). */
  readonly maxAddressMask: number;
  readonly drainWrites: boolean;
  readonly drainReads: boolean;
  /** First-stage tables of 5 levels. */
  readonly firstStageLevels5: boolean;
  /** Setting the root table pointer invalidates everything (CAP.ESRTPS). */
  readonly invalidatesOnRootTable: boolean;
  readonly coherent: boolean;
  readonly queuedInvalidation: boolean;
  readonly deviceTlbs: boolean;
  readonly passThrough: boolean;
  readonly snoopControl: boolean;
  readonly supervisorRequests: boolean;
  readonly executeRequests: boolean;
  readonly scalable: boolean;
  readonly firstStage: boolean;
  readonly secondStage: boolean;
  readonly nested: boolean;
  readonly secondStageAccessedDirty: boolean;
  readonly extendedAccessed: boolean;
  /** Walks of first-stage and PASID tables can snoop (ECAP.SMPWC). */
  readonly snoopsWalks: boolean;
  /** Width of a PASID, 0 when requests can't carry one. */
  readonly pasidBits: number;
  /** Byte offset of the IVA register; IOTLB follows it. */
  readonly iotlbOffset: number;

  /** @param cap,ecap the registers' 64-bit values */
  constructor(cap: number | bigint, ecap: number | bigint) {
    const c = reader(cap);
    const e = reader(ecap);
    this.domainIds = 2 ** (4 + 2 * c(Cap.ND));
    this.cachingMode = c(Cap.CM) === 1;
    this.writeBufferFlush = c(Cap.RWBF) === 1;
    this.sagaw = c(Cap.SAGAW);
    this.guestAddressBits = c(Cap.MGAW) + 1;
    this.zeroLengthRead = c(Cap.ZLR) === 1;
    this.faultRecordOffset = c(Cap.FRO) * 16;
    this.faultRecords = c(Cap.NFR) + 1;
    this.secondStagePageSizes = 2 ** 12 + (c(Cap.SSLPS) & 1) * 2 ** 21 + ((c(Cap.SSLPS) >> 1) & 1) * 2 ** 30;
    this.firstStagePageSizes = 2 ** 12 + 2 ** 21 + c(Cap.FS1GP) * 2 ** 30;
    this.pageSelective = c(Cap.PSI) === 1;
    this.maxAddressMask = c(Cap.MAMV);
    this.drainWrites = c(Cap.DWD) === 1;
    this.drainReads = c(Cap.DRD) === 1;
    this.firstStageLevels5 = c(Cap.FS5LP) === 1;
    this.invalidatesOnRootTable = c(Cap.ESRTPS) === 1;
    this.coherent = e(Ecap.C) === 1;
    this.queuedInvalidation = e(Ecap.QI) === 1;
    this.deviceTlbs = e(Ecap.DT) === 1;
    this.passThrough = e(Ecap.PT) === 1;
    this.snoopControl = e(Ecap.SC) === 1;
    this.supervisorRequests = e(Ecap.SRS) === 1;
    this.executeRequests = e(Ecap.ERS) === 1;
    this.scalable = e(Ecap.SMTS) === 1;
    this.firstStage = e(Ecap.FSTS) === 1;
    this.secondStage = e(Ecap.SSTS) === 1;
    this.nested = e(Ecap.NEST) === 1;
    this.secondStageAccessedDirty = e(Ecap.SSADS) === 1;
    this.snoopsWalks = e(Ecap.SMPWC) === 1;
    this.extendedAccessed = e(Ecap.EAFS) === 1;
    this.pasidBits = e(Ecap.PASID) === 1 ? e(Ecap.PSS) + 1 : 0;
    this.iotlbOffset = e(Ecap.IRO) * 16;
  }

  /** Can second-stage tables have that many levels? */
  allowsLevels(levels: number): boolean {
    return levels >= 3 && levels <= 5 && ((this.sagaw >> (levels - 2)) & 1) === 1;
  }
}

function reader(register: number | bigint): (field: Field) => number {
  const { low, high } = halves(register);
  return (field) => get(low, high, field);
}

/** CAP and ECAP of units that are known to exist; QEMU's as observed (spec H110). */
export const VTD_PRESETS = {
  /** `-device intel-iommu,intremap=off`: legacy mode, second stage of 3 and 4 levels, one fault record. */
  qemuLegacy: { cap: 0x80d2008c222f0606n, ecap: 0xf42n },
  /** `scalable-mode=on`: second stage and pass-through. */
  qemuScalable: { cap: 0x80d2008c222f0606n, ecap: 0x480080f00f4an },
  /** `scalable-mode=on,fsts=on`: first stage and pass-through. */
  qemuFirstStage: { cap: 0x81d2008c222f0606n, ecap: 0x880000f00f4an },
  /** Everything this model has: 3 to 5 levels, both stages, nesting, PASIDs, ATS, 8 fault records. */
  full: { cap: 0x91d2078c22380e06n, ecap: 0x1ed9ec4f00fcen },
} as const;
