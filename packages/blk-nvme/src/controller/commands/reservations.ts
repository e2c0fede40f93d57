import { get } from '../../spec/bits.ts';
import { Feature } from '../../spec/features.ts';
import { NvmOpcode } from '../../spec/opcodes.ts';
import { ReservationCdw10, ReservationReport, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { receiveData, sendData } from '../data/data-transfer.ts';
import type { Namespace } from '../media/namespace.ts';
import type { ReservationKey } from '../media/reservation.ts';
import type { ControllerState } from '../state/controller-state.ts';

const KEYS_BYTES = 16;
const REGISTER = 0;
const UNREGISTER = 1;
const REPLACE = 2;
const ACQUIRE = 0;
const PREEMPT_AND_ABORT = 2;
const RELEASE = 0;
const CLEAR = 1;
/** CPTPL: reservations that persist over a loss of power, which is not on offer. */
const PERSIST = 3;
const EXTENDED_REPORT = 1;
const HOLDS_RESERVATION = 1;

/** Reservation Register, Acquire, Release and Report (spec N160, outline), for the one host that there is. */
export function reservationCommand(c: ControllerState, ns: Namespace, opcode: number, sqe: Uint32Array): number {
  if (opcode === NvmOpcode.RESV_REPORT) return report(c, ns, sqe);
  const status = receiveData(c, sqe, c.stagingOf(KEYS_BYTES), KEYS_BYTES);
  if (status !== 0) return status;
  const [low, high, otherLow, otherHigh] = new Uint32Array(c.staging.buffer, 0, KEYS_BYTES / 4);
  const outcome = change(ns, opcode, sqe[SqeWord.CDW10], { low, high }, { low: otherLow, high: otherHigh });
  return outcome === Status.SUCCESS ? outcome : dnr(outcome);
}

function change(ns: Namespace, opcode: number, cdw10: number, key: ReservationKey, other: ReservationKey): number {
  const { reservation } = ns;
  const action = get(cdw10, ReservationCdw10.ACTION);
  const type = get(cdw10, ReservationCdw10.RTYPE);
  if (opcode === NvmOpcode.RESV_REGISTER) return register(ns, cdw10, key, other);
  if (!reservation.isRegistered(key)) return Status.RESERVATION_CONFLICT;
  if (opcode === NvmOpcode.RESV_ACQUIRE) {
    if (action > PREEMPT_AND_ABORT) return Status.INVALID_FIELD;
    return action === ACQUIRE ? reservation.acquire(type) : reservation.preempt(other, type);
  }
  if (action === RELEASE) return reservation.release(type);
  if (action !== CLEAR) return Status.INVALID_FIELD;
  reservation.clear();
  return Status.SUCCESS;
}

function register({ reservation }: Namespace, cdw10: number, current: ReservationKey, next: ReservationKey): number {
  if (get(cdw10, ReservationCdw10.CPTPL) === PERSIST) return Status.INVALID_FIELD;
  const checked = get(cdw10, ReservationCdw10.IEKEY) === 1 ? null : current;
  switch (get(cdw10, ReservationCdw10.ACTION)) {
    case REGISTER:
      return reservation.register(next);
    case UNREGISTER:
      return reservation.unregister(checked);
    case REPLACE:
      return reservation.replace(checked, next);
    default:
      return Status.INVALID_FIELD;
  }
}

function report(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  // Host identifiers have 8 bytes here, for which there is the short form alone.
  if ((sqe[SqeWord.CDW11] & EXTENDED_REPORT) !== 0) return dnr(Status.HOSTID_INCONSISTENT);
  const lengthBytes = (sqe[SqeWord.CDW10] + 1) * 4;
  if (lengthBytes > c.mdtsBytes) return dnr(Status.INVALID_FIELD);
  const { generation, type, key } = ns.reservation;
  const page = new Uint8Array(Math.max(lengthBytes, ReservationReport.BYTES));
  const view = new DataView(page.buffer);
  view.setUint32(ReservationReport.GEN, generation, true);
  view.setUint8(ReservationReport.RTYPE, type);
  if (key !== null) {
    view.setUint16(ReservationReport.REGCTL, 1, true);
    view.setUint8(ReservationReport.RCSTS, type === 0 ? 0 : HOLDS_RESERVATION);
    page.set(c.features.data(Feature.HOST_ID).subarray(0, 8), ReservationReport.HOSTID);
    view.setUint32(ReservationReport.RKEY, key.low, true);
    view.setUint32(ReservationReport.RKEY + 4, key.high, true);
  }
  return sendData(c, sqe, page, 0, lengthBytes);
}
