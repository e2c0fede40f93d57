import { get } from '../../spec/bits.ts';
import { Cdw0, PSDT_PRP, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import type { Media } from '../media/media.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { BIT_BUCKET } from './transfer-ranges.ts';

/** Fills the state's ranges from the command's data pointer (spec N142, N143): 0, or the status it ends with. */
export function resolveData(c: ControllerState, sqe: Uint32Array, lengthBytes: number): number {
  c.ranges.clear();
  const psdt = get(sqe[SqeWord.CDW0], Cdw0.PSDT);
  const status =
    psdt === PSDT_PRP ? c.prp.resolve(sqe, lengthBytes, c.pageBytes) : c.sgl.resolve(sqe, SqeWord.DPTR, lengthBytes);
  return status === 0 && c.memory.cmb.base >= 0 ? checkCmbUse(c) : status;
}

/** A transfer is in the controller's memory buffer as a whole or not at all (spec N144). */
function checkCmbUse(c: ControllerState): number {
  const { address, lengthBytes, count } = c.ranges;
  let inside = 0;
  for (let i = 0; i < count; i++) if (c.memory.cmb.contains(address[i], lengthBytes[i])) inside++;
  return inside === 0 || inside === count ? 0 : dnr(Status.CMB_INVALID_USE);
}

/** Media to the host's buffer. A fault ends the command with 004h, which a retry may cure (spec N141). */
export function mediaToHost(c: ControllerState, media: Media, at: number): number {
  const { address, lengthBytes, count } = c.ranges;
  for (let i = 0; i < count; i++) {
    if (address[i] !== BIT_BUCKET && media.toHost(c.memory, address[i], at, lengthBytes[i]) !== 0) {
      return Status.DATA_XFER_ERROR;
    }
    at += lengthBytes[i];
  }
  return 0;
}

/** The controller's bytes to the host's buffer. */
export function bytesToHost(c: ControllerState, bytes: Uint8Array, offset: number): number {
  const { address, lengthBytes, count } = c.ranges;
  for (let i = 0; i < count; i++) {
    if (address[i] !== BIT_BUCKET && c.memory.write(address[i], bytes, offset, lengthBytes[i]) !== 0) {
      return Status.DATA_XFER_ERROR;
    }
    offset += lengthBytes[i];
  }
  return 0;
}

/** The host's buffer to the controller's bytes: nothing is stored until all of it has arrived. */
export function hostToBytes(c: ControllerState, into: Uint8Array): number {
  const { address, lengthBytes, count } = c.ranges;
  let offset = 0;
  for (let i = 0; i < count; i++) {
    // spec gap: N143 names bit buckets for reads only. A bit bucket swallows data on the way to the host; on the way in there is nothing to take from it.
    if (address[i] === BIT_BUCKET) return dnr(Status.SGL_INVALID_TYPE);
    if (c.memory.read(address[i], into, offset, lengthBytes[i]) !== 0) return Status.DATA_XFER_ERROR;
    offset += lengthBytes[i];
  }
  return 0;
}

/** Resolves the data pointer and sends `lengthBytes` of the controller's bytes: 0, or a status. */
export function sendData(
  c: ControllerState,
  sqe: Uint32Array,
  bytes: Uint8Array,
  offset: number,
  lengthBytes: number,
): number {
  return resolveData(c, sqe, lengthBytes) || bytesToHost(c, bytes, offset);
}

/** Resolves the data pointer and takes `lengthBytes` from the host into `into`: 0, or a status. */
export function receiveData(c: ControllerState, sqe: Uint32Array, into: Uint8Array, lengthBytes: number): number {
  return resolveData(c, sqe, lengthBytes) || hostToBytes(c, into);
}
