import { get, join64 } from '../../spec/bits.ts';
import { AdminOpcode } from '../../spec/opcodes.ts';
import { AbortCdw10, Cdw0, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { sendData } from '../data/data-transfer.ts';
import { STAGE_POST } from '../queues/outstanding-commands.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { directiveReceive, directiveSend } from './directives.ts';
import { getFeatures, setFeatures } from './feature-commands.ts';
import { commitFirmware, downloadFirmware } from './firmware-commands.ts';
import { formatNvm } from './format.ts';
import { getLogPage } from './get-log-page.ts';
import { identify } from './identify.ts';
import { getLbaStatus } from './lba-status.ts';
import { attachNamespace, manageNamespace } from './namespace-commands.ts';
import { NO_COMPLETION } from './no-completion.ts';
import { createCq, createSq, deleteCq, deleteSq } from './queue-commands.ts';
import { sanitize } from './sanitize.ts';
import { selfTest } from './self-test.ts';

/** Executes one admin command (spec N150): its status, or {@link NO_COMPLETION}. */
export function executeAdmin(c: ControllerState, sqe: Uint32Array): number {
  const opcode = get(sqe[SqeWord.CDW0], Cdw0.OPC);
  const fields = get(sqe[SqeWord.CDW0], Cdw0.FUSE) | get(sqe[SqeWord.CDW0], Cdw0.PSDT);
  // An unknown opcode is told before a bad field, and admin commands use PRPs on PCIe (spec N140).
  if (fields !== 0 && COMMANDS[opcode] !== undefined) return dnr(Status.INVALID_FIELD);
  if (c.sanitize.isRunning && NOT_WHILE_SANITIZING.has(opcode)) return dnr(Status.SANITIZE_IN_PROGRESS);
  const command = COMMANDS[opcode];
  return command === undefined ? dnr(Status.INVALID_OPCODE) : command(c, sqe);
}

const COMMANDS: Readonly<Record<number, (c: ControllerState, sqe: Uint32Array) => number>> = {
  [AdminOpcode.DELETE_SQ]: deleteSq,
  [AdminOpcode.CREATE_SQ]: createSq,
  [AdminOpcode.GET_LOG_PAGE]: getLogPage,
  [AdminOpcode.DELETE_CQ]: deleteCq,
  [AdminOpcode.CREATE_CQ]: createCq,
  [AdminOpcode.IDENTIFY]: identify,
  [AdminOpcode.ABORT_CMD]: abort,
  [AdminOpcode.SET_FEATURES]: setFeatures,
  [AdminOpcode.GET_FEATURES]: getFeatures,
  [AdminOpcode.ASYNC_EVENT]: asyncEventRequest,
  [AdminOpcode.NS_MGMT]: (c, sqe) =>
    c.config.unallocatedBytes > 0 ? manageNamespace(c, sqe) : dnr(Status.INVALID_OPCODE),
  [AdminOpcode.NS_ATTACH]: (c, sqe) =>
    c.config.unallocatedBytes > 0 ? attachNamespace(c, sqe) : dnr(Status.INVALID_OPCODE),
  [AdminOpcode.ACTIVATE_FW]: commitFirmware,
  [AdminOpcode.DOWNLOAD_FW]: downloadFirmware,
  [AdminOpcode.KEEP_ALIVE]: keepAlive,
  [AdminOpcode.DBBUF]: doorbellBufferConfig,
  [AdminOpcode.FORMAT_NVM]: formatNvm,
  [AdminOpcode.SANITIZE_NVM]: sanitize,
  [AdminOpcode.DEV_SELF_TEST]: selfTest,
  [AdminOpcode.DIRECTIVE_SEND]: directiveSend,
  [AdminOpcode.DIRECTIVE_RECV]: directiveReceive,
  [AdminOpcode.GET_LBA_STATUS]: getLbaStatus,
  [AdminOpcode.SECURITY_SEND]: () => dnr(Status.INVALID_FIELD),
  [AdminOpcode.SECURITY_RECV]: securityReceive,
};

/** What would get in the way of a sanitize, or of its being complete (spec N170, 01Dh). */
const NOT_WHILE_SANITIZING: ReadonlySet<number> = new Set([
  AdminOpcode.SANITIZE_NVM,
  AdminOpcode.FORMAT_NVM,
  AdminOpcode.NS_MGMT,
  AdminOpcode.NS_ATTACH,
  AdminOpcode.ACTIVATE_FW,
  AdminOpcode.DOWNLOAD_FW,
  AdminOpcode.DEV_SELF_TEST,
]);

/** Keep Alive starts the timer anew (spec N150). */
function keepAlive(c: ControllerState): number {
  c.restartKeepAlive();
  return Status.SUCCESS;
}

/** Abort (spec N150): bit 0 of the result says that the command was not found in time. */
function abort(c: ControllerState, sqe: Uint32Array): number {
  const sqid = get(sqe[SqeWord.CDW10], AbortCdw10.SQID);
  const cid = get(sqe[SqeWord.CDW10], AbortCdw10.CID);
  if (sqid === 0 && c.events.cancel(cid)) {
    c.outstanding.add(STAGE_POST, 0, sqe, 0, Status.ABORT_REQ, 0, cid);
    return Status.SUCCESS;
  }
  const slot = c.outstanding.find(sqid, cid);
  if (slot >= 0) c.outstanding.abort(slot, Status.ABORT_REQ);
  c.result = slot >= 0 ? 0 : 1;
  return Status.SUCCESS;
}

function asyncEventRequest(c: ControllerState, sqe: Uint32Array): number {
  return c.events.hold(get(sqe[SqeWord.CDW0], Cdw0.CID)) ? NO_COMPLETION : dnr(Status.ASYNC_LIMIT);
}

/** Doorbell Buffer Config (spec N135, N150). */
function doorbellBufferConfig(c: ControllerState, sqe: Uint32Array): number {
  if (!c.config.shadowDoorbells) return dnr(Status.INVALID_OPCODE);
  const shadow = join64(sqe[SqeWord.PRP1], sqe[SqeWord.PRP1 + 1]);
  const indexes = join64(sqe[SqeWord.PRP2], sqe[SqeWord.PRP2 + 1]);
  if (shadow % c.pageBytes !== 0 || indexes % c.pageBytes !== 0) return dnr(Status.INVALID_FIELD);
  c.shadowDoorbells = shadow;
  c.eventIndexes = indexes;
  return Status.SUCCESS;
}

/** Security Receive: protocol 0 answers with the list of protocols, which holds only itself (spec N150). */
function securityReceive(c: ControllerState, sqe: Uint32Array): number {
  const protocol = sqe[SqeWord.CDW10] >>> 24;
  const lengthBytes = sqe[SqeWord.CDW11];
  if (protocol !== 0 || lengthBytes === 0 || lengthBytes > c.mdtsBytes) return dnr(Status.INVALID_FIELD);
  const answer = new Uint8Array(lengthBytes);
  if (lengthBytes > 8) answer[7] = 1;
  return sendData(c, sqe, answer, 0, lengthBytes);
}
