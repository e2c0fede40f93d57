import type { UnitFault } from '../unit/iommu-unit-driver.ts';
import { hexDigits } from './format.ts';

/** What a RISC-V fault record says (spec H99). */
export interface RiscvFault extends UnitFault {
  readonly cause: number;
  /** `ttyp`: what kind of transaction it was. */
  readonly transactionType: number;
  /** Null for a request without process id. */
  readonly processId: number | null;
  /** `iotval2`: the guest's address for guest page faults. */
  readonly detail: bigint;
}

/**
 * The line for one record.
 * spec gap: no rule and no published log says how Linux words it.
 */
export function riscvFaultLine(iommuName: string, { cause, sourceId, address, detail }: RiscvFault): string {
  const values = `iotval: ${hexDigits(address)} iotval2: ${hexDigits(detail)}`;
  return `riscv,iommu ${iommuName}: Fault ${cause} devid: 0x${hexDigits(sourceId)} ${values}`;
}
