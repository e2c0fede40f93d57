import { get } from '../../spec/bits.ts';
import { AER_SANITIZE_COMPLETED, AsyncEventType, LogPage, SanitizeLog } from '../../spec/log-pages.ts';
import { SanitizeCdw10, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import type { ControllerState } from '../state/controller-state.ts';

/** Sanitize actions (NVMe Base 2.0c, Sanitize): leave the failure mode, erase, overwrite, forget the keys. */
const EXIT_FAILURE = 1;
const ERASE_CRYPTO = 4;
const PROGRESS_NONE = 0xffff;
const STATE_COMPLETED = 1;
const STATE_RUNNING = 2;
const GLOBAL_DATA_ERASED = 1 << 8;
const TIME_NOT_TOLD = 0xffff_ffff;

/** What the controller remembers of sanitizing; outlives resets and power cuts. */
export class SanitizeState {
  status = 0;
  cdw10 = 0;
  startedNanos = 0;
  /** Host writes at its end: while no more came, nothing but erased data is there. */
  writesAtEnd = 0;

  get isRunning(): boolean {
    return this.status === STATE_RUNNING;
  }
}

/** Sanitize (spec N150, outline): all contents of all namespaces go, in the background; it never fails here. */
export function sanitize(c: ControllerState, sqe: Uint32Array): number {
  const cdw10 = sqe[SqeWord.CDW10];
  const action = get(cdw10, SanitizeCdw10.SANACT);
  if (action < EXIT_FAILURE || action > ERASE_CRYPTO) return dnr(Status.INVALID_FIELD);
  if (action === EXIT_FAILURE) return Status.SUCCESS;
  if (c.namespaces.some((ns) => ns !== undefined && ns.busyStatus !== 0)) return Status.FORMAT_IN_PROGRESS;
  c.sanitize.status = STATE_RUNNING;
  c.sanitize.cdw10 = cdw10;
  c.sanitize.startedNanos = c.nowNanos;
  for (const ns of c.namespaces) if (ns !== undefined) ns.busyStatus = Status.SANITIZE_IN_PROGRESS;
  if (c.config.sanitizeNanos > 0) c.background.start(c.nowNanos, c.config.sanitizeNanos, () => finish(c));
  else finish(c);
  return Status.SUCCESS;
}

function finish(c: ControllerState): void {
  c.durability.flush();
  for (const ns of c.namespaces) {
    if (ns === undefined) continue;
    ns.busyStatus = 0;
    ns.erase();
  }
  c.sanitize.status = STATE_COMPLETED;
  c.sanitize.writesAtEnd = c.health.writes;
  c.events.raise(AsyncEventType.IO_COMMAND_SET, AER_SANITIZE_COMPLETED, LogPage.SANITIZE);
}

/** Log page 81h (spec N154). */
export function sanitizePage({ sanitize: state, config, nowNanos, health }: ControllerState): Uint8Array {
  const page = new Uint8Array(SanitizeLog.BYTES);
  const view = new DataView(page.buffer);
  const part = state.isRunning ? (nowNanos - state.startedNanos) / config.sanitizeNanos : 1;
  const progress = state.isRunning ? Math.min(Math.floor(part * 2 ** 16), PROGRESS_NONE - 1) : PROGRESS_NONE;
  const isErased = state.status !== STATE_RUNNING && health.writes === state.writesAtEnd;
  view.setUint16(SanitizeLog.SPROG, progress, true);
  view.setUint16(SanitizeLog.SSTAT, state.status | (isErased ? GLOBAL_DATA_ERASED : 0), true);
  view.setUint32(SanitizeLog.SCDW10, state.cdw10, true);
  for (let at = SanitizeLog.ESTIMATES; at < SanitizeLog.ESTIMATES + 24; at += 4)
    view.setUint32(at, TIME_NOT_TOLD, true);
  return page;
}
