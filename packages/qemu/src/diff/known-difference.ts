import type { QemuDifferenceId } from '../differences.ts';
import type { Operation, UnitName } from './operation.ts';

/** Where QEMU keeps VT-d's fault record, and the bits of its upper words that speak of a PASID (spec H24, B51). */
const RECORD = 0x220;
const PP = 0x8000_0000;
const PASID = 0x0fff_ff00;
const EVENT_BYTES = 32;
/** Upper half of an event's second quadword (spec H71). */
const CLASS = 0x300;

/** The row of QEMU_DIFFERENCES that explains two answers to one step, or null. */
export function knownDifference(
  unit: UnitName,
  operation: Operation,
  model: string,
  qemu: string,
): QemuDifferenceId | null {
  if (unit === 'smmuv3') return isEventClass(operation, model, qemu) ? 'smmu-event-class' : null;
  return isRecordPasid(operation, model, qemu) ? 'vtd-record-pasid' : null;
}

function isRecordPasid(operation: Operation, model: string, qemu: string): boolean {
  if (operation.kind !== 'readl') return false;
  const ignored = { [RECORD + 8]: PP, [RECORD + 12]: PASID }[operation.offset];
  return ignored !== undefined && (Number(model) | ignored) === (Number(qemu) | ignored);
}

/** A look at the fourth word of an event: which queue it is in is not known here, but events are 32 bytes. */
function isEventClass(operation: Operation, model: string, qemu: string): boolean {
  if (operation.kind !== 'read' || operation.lengthBytes !== 4 || operation.at % EVENT_BYTES !== 12) return false;
  const [ours, theirs] = [model, qemu].map((bytes) => Buffer.from(bytes, 'hex').readUInt32LE());
  return (ours & ~CLASS) === theirs;
}
