import { get, join64 } from '../../spec/bits.ts';
import {
  AsyncEventType,
  EFFECT_CONTENT,
  EFFECT_INVENTORY,
  EFFECT_SUPPORTED,
  LogPage,
  SmartLog,
} from '../../spec/log-pages.ts';
import { AdminOpcode, NvmOpcode } from '../../spec/opcodes.ts';
import { GetLogCdw10, GetLogCdw11, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { sendData } from '../data/data-transfer.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { FIRMWARE_REVISION_BYTES } from './firmware-commands.ts';
import { sanitizePage } from './sanitize.ts';
import { selfTestPage } from './self-test.ts';

const LIST_BYTES = 4096;
const FIRMWARE_LOG_BYTES = 512;
/** Bytes between the effects of admin commands and those of I/O commands. */
const IO_EFFECTS = 1024;

/** Get Log Page (spec N150, N154). */
export function getLogPage(c: ControllerState, sqe: Uint32Array): number {
  const lid = get(sqe[SqeWord.CDW10], GetLogCdw10.LID);
  const dwordsZ = get(sqe[SqeWord.CDW10], GetLogCdw10.NUMDL) + get(sqe[SqeWord.CDW11], GetLogCdw11.NUMDU) * 2 ** 16;
  const lengthBytes = (dwordsZ + 1) * 4;
  const offset = join64(sqe[SqeWord.CDW12], sqe[SqeWord.CDW13]);
  const page = PAGES[lid];
  if (page === undefined) return dnr(Status.INVALID_LOG_PAGE);
  const whole = page(c);
  if (offset % 4 !== 0 || offset > whole.length || lengthBytes > c.mdtsBytes) return dnr(Status.INVALID_FIELD);
  const answer = new Uint8Array(lengthBytes);
  answer.set(whole.subarray(offset, offset + lengthBytes));
  const status = sendData(c, sqe, answer, 0, lengthBytes);
  if (status === 0 && get(sqe[SqeWord.CDW10], GetLogCdw10.RAE) === 0) acknowledge(c, lid);
  return status;
}

/** Reading a page with RAE 0 re-enables its events; the changed-namespace list empties itself (spec N150, N154). */
function acknowledge(c: ControllerState, lid: number): void {
  if (lid === LogPage.ERROR) c.events.unmask(AsyncEventType.ERROR);
  if (lid === LogPage.SMART) c.events.unmask(AsyncEventType.SMART);
  if (lid === LogPage.SANITIZE) c.events.unmask(AsyncEventType.IO_COMMAND_SET);
  if (lid === LogPage.FW_SLOT) c.events.unmask(AsyncEventType.NOTICE);
  if (lid === LogPage.CHANGED_NS) {
    c.changedNamespaces.clear();
    c.events.unmask(AsyncEventType.NOTICE);
  }
}

const PAGES: Readonly<Record<number, (c: ControllerState) => Uint8Array>> = {
  [LogPage.SUPPORTED]: supportedPages,
  [LogPage.ERROR]: (c) => c.health.errorLog,
  [LogPage.SMART]: smartPage,
  [LogPage.FW_SLOT]: firmwarePage,
  [LogPage.CHANGED_NS]: changedNamespaces,
  [LogPage.CMD_EFFECTS]: commandEffects,
  [LogPage.SELF_TEST]: selfTestPage,
  [LogPage.SANITIZE]: sanitizePage,
};

function supportedPages(): Uint8Array {
  const page = new Uint8Array(1024);
  for (const lid of Object.keys(PAGES)) page[Number(lid) * 4] = 1;
  return page;
}

function smartPage(c: ControllerState): Uint8Array {
  const page = new Uint8Array(SmartLog.BYTES);
  c.health.writeSmart(page);
  return page;
}

/** The slot in use, and the revision that runs from it; slot 1 holds it for good. */
function firmwarePage(c: ControllerState): Uint8Array {
  const page = new Uint8Array(FIRMWARE_LOG_BYTES);
  page[0] = c.firmware.activeSlot;
  const revision = c.config.firmware.padEnd(FIRMWARE_REVISION_BYTES, ' ');
  for (const slot of [1, c.firmware.activeSlot])
    for (let i = 0; i < FIRMWARE_REVISION_BYTES; i++) page[FIRMWARE_REVISION_BYTES * slot + i] = revision.charCodeAt(i);
  return page;
}

function changedNamespaces(c: ControllerState): Uint8Array {
  const page = new Uint8Array(LIST_BYTES);
  const view = new DataView(page.buffer);
  let at = 0;
  for (const nsid of [...c.changedNamespaces].sort((a, b) => a - b)) {
    view.setUint32(at, nsid, true);
    at += 4;
  }
  return page;
}

/** Admin commands that the controller carries out. */
const SUPPORTED_ADMIN: ReadonlySet<number> = new Set([
  AdminOpcode.DELETE_SQ,
  AdminOpcode.CREATE_SQ,
  AdminOpcode.GET_LOG_PAGE,
  AdminOpcode.DELETE_CQ,
  AdminOpcode.CREATE_CQ,
  AdminOpcode.IDENTIFY,
  AdminOpcode.ABORT_CMD,
  AdminOpcode.SET_FEATURES,
  AdminOpcode.GET_FEATURES,
  AdminOpcode.ASYNC_EVENT,
  AdminOpcode.ACTIVATE_FW,
  AdminOpcode.DOWNLOAD_FW,
  AdminOpcode.KEEP_ALIVE,
  AdminOpcode.DBBUF,
  AdminOpcode.FORMAT_NVM,
  AdminOpcode.DEV_SELF_TEST,
  AdminOpcode.DIRECTIVE_SEND,
  AdminOpcode.DIRECTIVE_RECV,
  AdminOpcode.SANITIZE_NVM,
  AdminOpcode.GET_LBA_STATUS,
  AdminOpcode.SECURITY_SEND,
  AdminOpcode.SECURITY_RECV,
]);

const EFFECTS: readonly (readonly [at: number, effects: number])[] = [
  ...[...SUPPORTED_ADMIN].map((opcode) => [opcode * 4, EFFECT_SUPPORTED] as const),
  [AdminOpcode.FORMAT_NVM * 4, EFFECT_SUPPORTED | EFFECT_CONTENT | EFFECT_INVENTORY],
  [AdminOpcode.SANITIZE_NVM * 4, EFFECT_SUPPORTED | EFFECT_CONTENT],
  [IO_EFFECTS + NvmOpcode.FLUSH * 4, EFFECT_SUPPORTED | EFFECT_CONTENT],
  [IO_EFFECTS + NvmOpcode.WRITE * 4, EFFECT_SUPPORTED | EFFECT_CONTENT],
  [IO_EFFECTS + NvmOpcode.READ * 4, EFFECT_SUPPORTED],
  [IO_EFFECTS + NvmOpcode.WRITE_UNCOR * 4, EFFECT_SUPPORTED | EFFECT_CONTENT],
  [IO_EFFECTS + NvmOpcode.COMPARE * 4, EFFECT_SUPPORTED],
  [IO_EFFECTS + NvmOpcode.WRITE_ZEROES * 4, EFFECT_SUPPORTED | EFFECT_CONTENT],
  [IO_EFFECTS + NvmOpcode.DSM * 4, EFFECT_SUPPORTED | EFFECT_CONTENT],
  [IO_EFFECTS + NvmOpcode.VERIFY * 4, EFFECT_SUPPORTED],
  [IO_EFFECTS + NvmOpcode.COPY * 4, EFFECT_SUPPORTED | EFFECT_CONTENT],
  [IO_EFFECTS + NvmOpcode.RESV_REGISTER * 4, EFFECT_SUPPORTED],
  [IO_EFFECTS + NvmOpcode.RESV_REPORT * 4, EFFECT_SUPPORTED],
  [IO_EFFECTS + NvmOpcode.RESV_ACQUIRE * 4, EFFECT_SUPPORTED],
  [IO_EFFECTS + NvmOpcode.RESV_RELEASE * 4, EFFECT_SUPPORTED],
];

function commandEffects(): Uint8Array {
  const page = new Uint8Array(LIST_BYTES);
  const view = new DataView(page.buffer);
  for (const [at, effects] of EFFECTS) view.setUint32(at, effects, true);
  return page;
}
