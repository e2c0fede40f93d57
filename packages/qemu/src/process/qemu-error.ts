/**
 * What can go wrong between us and a QEMU:
 * - `ERR_QEMU_MISSING`: there is no such program
 * - `ERR_QEMU_TOO_OLD`: it lacks a device, property or accelerator that was asked for
 * - `ERR_QEMU_START`: it refused its arguments; `said` is what it printed
 * - `ERR_QEMU_DIED`: it ended in mid-run
 * - `ERR_QEMU_TIMEOUT`: it stopped answering, and was ended
 * - `ERR_QEMU_COMMAND`: it refused a command of the protocol
 */
export type QemuErrorCode =
  | 'ERR_QEMU_MISSING'
  | 'ERR_QEMU_TOO_OLD'
  | 'ERR_QEMU_START'
  | 'ERR_QEMU_DIED'
  | 'ERR_QEMU_TIMEOUT'
  | 'ERR_QEMU_COMMAND';

/** The one error of this package: what was wrong, and QEMU's own words where it had any. */
export class QemuError extends Error {
  readonly code: QemuErrorCode;
  /** What QEMU printed on its standard error, trimmed; empty where it said nothing. */
  readonly said: string;

  constructor(code: QemuErrorCode, message: string, said = '') {
    super(said === '' ? message : `${message}\n${said}`);
    this.name = 'QemuError';
    this.code = code;
    this.said = said;
  }
}
