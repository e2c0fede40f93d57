/**
 * How a request can fail, as a device sees it: negative, so that one compare tells. Writes are posted on the wire; their
 * fate is told all the same, since a model has to be able to show it. A failed read fills its buffer with ones.
 */

/** Nobody claims the address, or the way there is closed (bus master clear on a bridge, spec T3). */
export const FAULT_UNSUPPORTED_REQUEST = -1;
/** The target claims the address but cannot serve the access. */
export const FAULT_COMPLETER_ABORT = -2;
/** The function may not issue requests: bus master is clear (spec T3). */
export const FAULT_NOT_BUS_MASTER = -3;
/** A port dropped the request because of its ACS settings (spec T16, T17). */
export const FAULT_ACS_VIOLATION = -4;
/** The IOMMU refused; its fault registers say why (spec T20). */
export const FAULT_TRANSLATION = -5;
/** The function, or a bridge above it, was pulled out. */
export const FAULT_REMOVED = -6;

const NAMES: readonly string[] = [
  'success',
  'unsupported request',
  'completer abort',
  'bus master is off',
  'ACS violation',
  'translation fault',
  'removed',
];

/** The fault in words, for reports. */
export function faultName(fault: number): string {
  return NAMES[-fault] ?? `fault ${fault}`;
}
