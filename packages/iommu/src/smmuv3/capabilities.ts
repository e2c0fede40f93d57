import { get } from '../spec/bits.ts';
import {
  SMMU_ADDRESS_BITS,
  SMMU_NO_STALL,
  SMMU_TTF_AARCH64,
  SmmuHttu,
  SmmuIdr0,
  SmmuIdr1,
  SmmuIdr3,
  SmmuIdr5,
} from '../spec/smmuv3-registers.ts';

/** The id registers that say what a unit has (spec H57). */
export interface SmmuIdRegisters {
  readonly idr0: number;
  readonly idr1: number;
  readonly idr3: number;
  readonly idr5: number;
}

/** What IDR0, IDR1, IDR3 and IDR5 say, decoded once. The model is built from it; the driver reads it out of the registers. */
export class SmmuCapabilities {
  readonly stage1: boolean;
  readonly stage2: boolean;
  /** Tables in the 64-bit format (TTF): the only ones that driver and model know. */
  readonly aarch64Tables: boolean;
  readonly coherent: boolean;
  /** Hardware sets the access flag (HTTU). */
  readonly updatesAccess: boolean;
  /** Hardware marks pages as dirty (HTTU). */
  readonly updatesDirty: boolean;
  /** EL2 streams and their TLB commands. */
  readonly hypervisor: boolean;
  readonly ats: boolean;
  /** Message-signalled interrupts, also of a SYNC. */
  readonly messages: boolean;
  readonly pageRequests: boolean;
  /** ASIDs and VMIDs are below these. */
  readonly asids: number;
  readonly vmids: number;
  readonly twoLevelContexts: boolean;
  readonly twoLevelStreams: boolean;
  /** Faults never stall a device (STALL_MODEL). */
  readonly neverStalls: boolean;
  /** Faults always abort: they can't read as zero (TERM_MODEL). */
  readonly alwaysAborts: boolean;
  readonly streamIdBits: number;
  /** Width of a substream id, 0 when requests can't carry one. */
  readonly substreamIdBits: number;
  /** log2 of the most entries. */
  readonly commandQueueBits: number;
  readonly eventQueueBits: number;
  /** TLB invalidation by range (RIL). */
  readonly rangeInvalidation: boolean;
  /** Stage 2 tells execution at EL0 from EL1 (XNX). */
  readonly separatesExecution: boolean;
  /** Width of physical addresses (OAS). */
  readonly outputBits: number;
  /** Sum of the granules, 4096, 16384 and 65536. */
  readonly granules: number;

  constructor(registers: SmmuIdRegisters) {
    const { idr0, idr1, idr3, idr5 } = registers;
    this.stage1 = get(idr0, 0, SmmuIdr0.S1P) === 1;
    this.stage2 = get(idr0, 0, SmmuIdr0.S2P) === 1;
    this.aarch64Tables = (get(idr0, 0, SmmuIdr0.TTF) & SMMU_TTF_AARCH64) !== 0;
    this.coherent = get(idr0, 0, SmmuIdr0.COHACC) === 1;
    this.updatesAccess = get(idr0, 0, SmmuIdr0.HTTU) >= SmmuHttu.ACCESS;
    this.updatesDirty = get(idr0, 0, SmmuIdr0.HTTU) === SmmuHttu.ACCESS_DIRTY;
    this.hypervisor = get(idr0, 0, SmmuIdr0.HYP) === 1;
    this.ats = get(idr0, 0, SmmuIdr0.ATS) === 1;
    this.messages = get(idr0, 0, SmmuIdr0.MSI) === 1;
    this.pageRequests = get(idr0, 0, SmmuIdr0.PRI) === 1;
    this.asids = get(idr0, 0, SmmuIdr0.ASID16) === 1 ? 0x10000 : 0x100;
    this.vmids = get(idr0, 0, SmmuIdr0.VMID16) === 1 ? 0x10000 : 0x100;
    this.twoLevelContexts = get(idr0, 0, SmmuIdr0.CD2L) === 1;
    this.twoLevelStreams = get(idr0, 0, SmmuIdr0.ST_LEVEL) === 1;
    this.neverStalls = get(idr0, 0, SmmuIdr0.STALL_MODEL) === SMMU_NO_STALL;
    this.alwaysAborts = get(idr0, 0, SmmuIdr0.TERM_MODEL) === 1;
    this.streamIdBits = get(idr1, 0, SmmuIdr1.SIDSIZE);
    this.substreamIdBits = get(idr1, 0, SmmuIdr1.SSIDSIZE);
    this.commandQueueBits = get(idr1, 0, SmmuIdr1.CMDQS);
    this.eventQueueBits = get(idr1, 0, SmmuIdr1.EVENTQS);
    this.rangeInvalidation = get(idr3, 0, SmmuIdr3.RIL) === 1;
    this.separatesExecution = get(idr3, 0, SmmuIdr3.XNX) === 1;
    this.outputBits = SMMU_ADDRESS_BITS[get(idr5, 0, SmmuIdr5.OAS)] ?? SMMU_ADDRESS_BITS[0];
    this.granules =
      get(idr5, 0, SmmuIdr5.GRAN4K) * 2 ** 12 +
      get(idr5, 0, SmmuIdr5.GRAN16K) * 2 ** 14 +
      get(idr5, 0, SmmuIdr5.GRAN64K) * 2 ** 16;
  }
}

/** Id registers of units that are known to exist; QEMU's as observed (spec H110). */
export const SMMU_PRESETS = {
  /** QEMU 11, `-M virt,iommu=smmuv3`: both stages, no ATS, no substreams, no messages. */
  qemu: { idr0: 0x0d44101b, idr1: 0x02730010, idr3: 0x1414, idr5: 0x74 },
  /** Everything this model has: ATS of both stages at once, substreams, messages, EL2, updates, 52-bit addresses. */
  full: { idr0: 0x0d4c3e9b, idr1: 0x02730510, idr3: 0x1414, idr5: 0x76 },
} as const;
