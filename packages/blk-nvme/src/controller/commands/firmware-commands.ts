import { get } from '../../spec/bits.ts';
import { AER_NOTICE_FW_ACT_STARTING, AsyncEventType, LogPage } from '../../spec/log-pages.ts';
import { Csts } from '../../spec/registers.ts';
import { FirmwareCommitCdw10, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { receiveData } from '../data/data-transfer.ts';
import type { ControllerState } from '../state/controller-state.ts';

/** Commit actions: into a slot; the same and active after a reset; active after a reset; active now. */
const REPLACE = 0;
const ACTIVATE_AFTER_RESET = 2;
const ACTIVATE_NOW = 3;
/** Slots; the first holds the only revision that runs, and is read-only. */
export const FIRMWARE_SLOTS = 2;
export const FIRMWARE_SLOT_READ_ONLY = 1;
export const FIRMWARE_REVISION_BYTES = 8;

/** Images: how much of one was downloaded, and the slot that runs. */
export class FirmwareState {
  downloadedBytes = 0;
  activeSlot = FIRMWARE_SLOT_READ_ONLY;
}

/** Firmware Image Download (spec N150, outline): the bytes are taken and counted, never run. */
export function downloadFirmware(c: ControllerState, sqe: Uint32Array): number {
  const lengthBytes = (sqe[SqeWord.CDW10] + 1) * 4;
  const offset = sqe[SqeWord.CDW11] * 4;
  if (lengthBytes > c.mdtsBytes) return dnr(Status.INVALID_FIELD);
  // Pieces that overlap or leave a hole make no image; a piece at 0 starts a new one.
  if (offset !== 0 && offset !== c.firmware.downloadedBytes) return dnr(Status.OVERLAPPING_RANGE);
  const status = receiveData(c, sqe, c.stagingOf(lengthBytes), lengthBytes);
  if (status === 0) c.firmware.downloadedBytes = offset + lengthBytes;
  return status;
}

/** Firmware Commit (spec N150, outline): an image becomes active at the next reset, or after a pause where that is on offer. */
export function commitFirmware(c: ControllerState, sqe: Uint32Array): number {
  const slot = get(sqe[SqeWord.CDW10], FirmwareCommitCdw10.FS);
  const action = get(sqe[SqeWord.CDW10], FirmwareCommitCdw10.CA);
  if (action > ACTIVATE_NOW) return dnr(Status.INVALID_FIELD);
  const stores = action !== ACTIVATE_AFTER_RESET;
  if (slot > FIRMWARE_SLOTS || (stores && slot === FIRMWARE_SLOT_READ_ONLY)) return dnr(Status.FIRMWARE_SLOT);
  if (stores && c.firmware.downloadedBytes === 0) return dnr(Status.FIRMWARE_IMAGE);
  c.firmware.downloadedBytes = 0;
  if (action === ACTIVATE_NOW && c.config.activationNanos > 0) return activate(c, slot);
  return action === REPLACE ? Status.SUCCESS : Status.FW_NEEDS_RESET;
}

/** Without a reset: the controller says so, stops for a while, and goes on from that slot (spec N95, N120 CSTS.PP). */
function activate(c: ControllerState, slot: number): number {
  if (c.wantsFirmwareNotices) {
    c.events.raise(AsyncEventType.NOTICE, AER_NOTICE_FW_ACT_STARTING, LogPage.FW_SLOT);
  }
  c.registers.setStatus(Csts.PP, 1);
  c.background.start(c.nowNanos, c.config.activationNanos, () => {
    c.firmware.activeSlot = slot;
    c.registers.setStatus(Csts.PP, 0);
  });
  return Status.SUCCESS;
}
