import type { BarHandler } from './bar-handler.ts';
import { FAULT_COMPLETER_ABORT, FAULT_REMOVED } from './faults.ts';
import type { PciFunction } from './pci-function.ts';

/** Copies bytes out of a BAR, as blocks where it is memory and as aligned words elsewhere: 0 or a fault. */
export function readBar(
  target: PciFunction,
  bar: number,
  from: number,
  into: Uint8Array,
  at: number,
  lengthBytes: number,
): number {
  const handler = target.handlers[bar];
  if (handler?.readBlock !== undefined && handler.readBlock(from, into, at, lengthBytes) >= 0) return 0;
  if (from % 4 !== 0 || lengthBytes % 4 !== 0) return FAULT_COMPLETER_ABORT;
  for (let done = 0; done < lengthBytes; done += 4) {
    const value = readBarRegister(target, bar, from + done);
    if (value < 0) return value;
    for (let byte = 0; byte < 4; byte++) into[at + done + byte] = value >>> (8 * byte);
  }
  return 0;
}

/** Copies bytes into a BAR: 0 or a fault. */
export function writeBar(
  target: PciFunction,
  bar: number,
  to: number,
  from: Uint8Array,
  at: number,
  lengthBytes: number,
): number {
  const handler = target.handlers[bar];
  if (handler?.writeBlock !== undefined && handler.writeBlock(to, from, at, lengthBytes) >= 0) return 0;
  if (to % 4 !== 0 || lengthBytes % 4 !== 0) return FAULT_COMPLETER_ABORT;
  for (let done = 0; done < lengthBytes; done += 4) {
    const o = at + done;
    const value = (from[o] | (from[o + 1] << 8) | (from[o + 2] << 16) | (from[o + 3] << 24)) >>> 0;
    const fault = writeBarRegister(target, bar, to + done, value);
    if (fault < 0) return fault;
  }
  return 0;
}

/** One register: unsigned, or a fault. The MSI-X table answers for its part of the BAR. */
export function readBarRegister(target: PciFunction, bar: number, offset: number): number {
  if (target.removed) return FAULT_REMOVED;
  const { msix } = target;
  if (msix !== null && msix.bar === bar && msix.covers(offset)) return msix.readRegister(offset);
  return handlerOf(target, bar)?.readRegister(offset) ?? FAULT_COMPLETER_ABORT;
}

export function writeBarRegister(target: PciFunction, bar: number, offset: number, value: number): number {
  if (target.removed) return FAULT_REMOVED;
  const { msix } = target;
  if (msix !== null && msix.bar === bar && msix.covers(offset)) {
    const vector = msix.writeRegister(offset, value);
    if (vector >= 0) sendIfDue(target, vector);
    return 0;
  }
  const handler = handlerOf(target, bar);
  if (handler === null) return FAULT_COMPLETER_ABORT;
  handler.writeRegister(offset, value);
  return 0;
}

/** Clearing the mask with the pending bit set sends the message (spec T8). */
function sendIfDue(target: PciFunction, vector: number): void {
  const { msix } = target;
  if (msix === null || !target.msixEnabled || target.msixMasked || msix.isMasked(vector)) return;
  if (msix.takePending(vector)) target.port.interrupt(vector);
}

function handlerOf(target: PciFunction, bar: number): BarHandler | null {
  return target.handlers[bar];
}
