import { get } from '../../spec/bits.ts';
import { DirectiveCdw11, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { sendData } from '../data/data-transfer.ts';
import type { ControllerState } from '../state/controller-state.ts';

/** The one directive there is: to ask which there are. */
const IDENTIFY = 0;
const RETURN_PARAMETERS = 1;
const ENABLE = 1;
const PARAMETER_BYTES = 4096;
/** Bytes between "supported" and "enabled", a bit a directive. */
const ENABLED_AT = 32;
const ENDIR = 1;

/** Directive Receive (spec N150, outline): only the Identify directive, always enabled. */
export function directiveReceive(c: ControllerState, sqe: Uint32Array): number {
  if (!isIdentify(sqe, RETURN_PARAMETERS)) return dnr(Status.INVALID_FIELD);
  const lengthBytes = Math.min((sqe[SqeWord.CDW10] + 1) * 4, PARAMETER_BYTES);
  const page = new Uint8Array(PARAMETER_BYTES);
  page[0] = 1 << IDENTIFY;
  page[ENABLED_AT] = 1 << IDENTIFY;
  return sendData(c, sqe, page, 0, lengthBytes);
}

/** Directive Send: Identify cannot be switched off, and there is nothing else to switch. */
export function directiveSend(_c: ControllerState, sqe: Uint32Array): number {
  const target = (sqe[SqeWord.CDW12] >>> 8) & 0xff;
  const isOn = (sqe[SqeWord.CDW12] & ENDIR) !== 0;
  return isIdentify(sqe, ENABLE) && target === IDENTIFY && isOn ? Status.SUCCESS : dnr(Status.INVALID_FIELD);
}

function isIdentify(sqe: Uint32Array, operation: number): boolean {
  const cdw11 = sqe[SqeWord.CDW11];
  return get(cdw11, DirectiveCdw11.DTYPE) === IDENTIFY && get(cdw11, DirectiveCdw11.DOPER) === operation;
}
