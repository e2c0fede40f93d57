import { LegacyFault, ScalableFault } from '../../spec/vtd-faults.ts';

/** Whose numbers fault records carry: the specification's, or those QEMU 11.1 reports in their place (spec H26). */
export type FaultCodes = 'spec' | 'qemu';

/** The reason for each way that a request can fail, in one translation mode. */
export interface FaultReasons {
  readonly rootAccess: number;
  readonly rootNotPresent: number;
  readonly rootReserved: number;
  readonly contextAccess: number;
  readonly contextNotPresent: number;
  readonly contextReserved: number;
  readonly contextInvalid: number;
  readonly atsBlocked: number;
  readonly secondRootAccess: number;
  readonly secondAccess: number;
  readonly secondNoRead: number;
  readonly secondNoWrite: number;
  readonly secondReserved: number;
  readonly secondBeyondLimit: number;
  readonly secondInterruptRange: number;
}

const LEGACY: FaultReasons = {
  rootAccess: LegacyFault.ROOT_ACCESS,
  rootNotPresent: LegacyFault.ROOT_NOT_PRESENT,
  rootReserved: LegacyFault.ROOT_RESERVED,
  contextAccess: LegacyFault.CONTEXT_ACCESS,
  contextNotPresent: LegacyFault.CONTEXT_NOT_PRESENT,
  contextReserved: LegacyFault.CONTEXT_RESERVED,
  contextInvalid: LegacyFault.CONTEXT_INVALID,
  atsBlocked: LegacyFault.ATS_BLOCKED,
  secondRootAccess: LegacyFault.PAGING_ENTRY_ACCESS,
  secondAccess: LegacyFault.PAGING_ENTRY_ACCESS,
  secondNoRead: LegacyFault.NO_READ,
  secondNoWrite: LegacyFault.NO_WRITE,
  secondReserved: LegacyFault.PAGING_ENTRY_RESERVED,
  secondBeyondLimit: LegacyFault.ADDRESS_BEYOND_LIMIT,
  secondInterruptRange: LegacyFault.INTERRUPT_RANGE,
};

/** QEMU tells the root second-stage table apart, by the reason of an invalid context entry (spec H26 step 8). */
const LEGACY_QEMU: FaultReasons = { ...LEGACY, secondRootAccess: LegacyFault.CONTEXT_INVALID };

const SCALABLE: FaultReasons = {
  rootAccess: ScalableFault.ROOT_ACCESS,
  rootNotPresent: ScalableFault.ROOT_NOT_PRESENT,
  rootReserved: ScalableFault.ROOT_RESERVED,
  contextAccess: ScalableFault.CONTEXT_ACCESS,
  contextNotPresent: ScalableFault.CONTEXT_NOT_PRESENT,
  contextReserved: ScalableFault.CONTEXT_RESERVED,
  contextInvalid: ScalableFault.CONTEXT_INVALID,
  atsBlocked: ScalableFault.ATS_BLOCKED,
  secondRootAccess: ScalableFault.SECOND_STAGE_ROOT_ACCESS,
  secondAccess: ScalableFault.SECOND_STAGE_ACCESS,
  // spec gap: H26 lists one permission reason for the second stage beside 0x85 and 0x86; the latter serve the first.
  secondNoRead: ScalableFault.SECOND_STAGE_PERMISSION,
  secondNoWrite: ScalableFault.SECOND_STAGE_PERMISSION,
  secondReserved: ScalableFault.SECOND_STAGE_RESERVED,
  secondBeyondLimit: ScalableFault.SECOND_STAGE_ADDRESS_BEYOND_LIMIT,
  secondInterruptRange: ScalableFault.INTERRUPT_RANGE,
};

/** QEMU in scalable mode keeps legacy reasons for everything but the directory, PASID entry and first stage. */
const SCALABLE_QEMU: FaultReasons = { ...LEGACY_QEMU, contextInvalid: ScalableFault.CONTEXT_INVALID };

export function faultReasons(scalable: boolean, codes: FaultCodes): FaultReasons {
  if (scalable) return codes === 'qemu' ? SCALABLE_QEMU : SCALABLE;
  return codes === 'qemu' ? LEGACY_QEMU : LEGACY;
}

const UNQUALIFIED: ReadonlySet<number> = new Set<number>([
  LegacyFault.ROOT_NOT_PRESENT,
  LegacyFault.ROOT_ACCESS,
  LegacyFault.ROOT_RESERVED,
  LegacyFault.CONTEXT_ACCESS,
  LegacyFault.CONTEXT_RESERVED,
  ScalableFault.ROOT_ADDRESS,
  ScalableFault.PASID_IN_LEGACY_MODE,
  ScalableFault.ROOT_ACCESS,
  ScalableFault.ROOT_NOT_PRESENT,
  ScalableFault.ROOT_RESERVED,
  ScalableFault.CONTEXT_ACCESS,
  ScalableFault.CONTEXT_RESERVED,
]);

/** FPD can keep this reason out of the records (spec H26, the ones marked q). */
export function isQualified(reason: number): boolean {
  return !UNQUALIFIED.has(reason);
}
