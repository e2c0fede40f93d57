import type { UnitFault } from '../unit/iommu-unit-driver.ts';
import { hex, requester } from './format.ts';

/** What a VT-d fault record says (spec H24), as far as the kernel prints it. */
export interface VtdFault extends UnitFault {
  /** PCI segment of the unit. */
  readonly segment: number;
  readonly reason: number;
  /** Byte address; for an interrupt-remapping fault the index in bits 63:48. */
  readonly address: number | bigint;
  /** Null for a request without PASID. */
  readonly pasid: number | null;
}

const LEGACY_TEXTS = [
  'Software',
  'Present bit in root entry is clear',
  'Present bit in context entry is clear',
  'Invalid context entry',
  'Access beyond MGAW',
  'PTE Write access is not set',
  'PTE Read access is not set',
  'Next page table ptr is invalid',
  'Root table address invalid',
  'Context table ptr is invalid',
  'non-zero reserved fields in RTP',
  'non-zero reserved fields in CTP',
  'non-zero reserved fields in PTE',
  'PCE for translation request specifies blocking',
];

/**
 * spec gap: I174 gives the ranges of the other texts, not their words. These stand in kernel logs that people published;
 * a reason that is missing here prints as `Unknown`.
 */
const OTHER_TEXTS: ReadonlyMap<number, string> = new Map([
  [0x26, 'Blocked an interrupt request due to source-id verification failure'],
  [0x71, 'SM: Present bit in first-level paging entry is clear'],
]);

const FIRST_INTERRUPT_REASON = 0x20;
const LAST_INTERRUPT_REASON = 0x26;

/** The kernel's words for a fault reason (spec I174). */
export function vtdFaultReasonText(reason: number): string {
  return LEGACY_TEXTS[reason] ?? OTHER_TEXTS.get(reason) ?? 'Unknown';
}

/** Printed once for each fault interrupt with a status (spec I172). */
export function vtdFaultStatusLine(status: number): string {
  return `DMAR: DRHD: handling fault status reg ${status.toString(16)}`;
}

/** The line that Linux 7.3 prints for one record (spec I173). */
export function vtdFaultLine(fault: VtdFault): string {
  const device = `[${fault.segment.toString(16).padStart(4, '0')}:${requester(fault.sourceId)}]`;
  const reason = `[fault reason ${hex(fault.reason, 2)}] ${vtdFaultReasonText(fault.reason)}`;
  const address = BigInt(fault.address);
  if (fault.reason >= FIRST_INTERRUPT_REASON && fault.reason <= LAST_INTERRUPT_REASON) {
    return `DMAR: [INTR-REMAP] Request device ${device} fault index ${hex(address >> 48n)} ${reason}`;
  }
  const kind = fault.isRead ? 'DMA Read' : 'DMA Write';
  const pasid = fault.pasid === null ? 'NO_PASID' : `PASID ${hex(fault.pasid)}`;
  const page = hex(address - (address & 0xfffn));
  return `DMAR: [${kind} ${pasid}] Request device ${device} fault addr ${page} ${reason}`;
}
