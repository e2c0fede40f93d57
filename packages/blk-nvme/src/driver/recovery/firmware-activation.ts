import { LogPage } from '../../spec/log-pages.ts';
import { getLog } from '../bring-up/startup-commands.ts';
import { NVME_ADMIN_TIMEOUT_NANOS } from '../constants.ts';
import type { NvmeDriver } from '../nvme-driver.ts';

const POLL_NANOS = 100e6;
const MTFA_NANOS = 100e6;
const SLOT_LOG_BYTES = 512;

/**
 * The controller stops for new firmware (spec N95): I/O is held back while it says so. One that takes longer than it
 * promised is reset.
 */
export function awaitFirmwareActivation(driver: NvmeDriver): void {
  const { state, ioPath, registers, backing, identity } = driver;
  if (!state.change('RESETTING')) return;
  ioPath.quiesced = true;
  const limit = identity!.mtfa > 0 ? identity!.mtfa * MTFA_NANOS : NVME_ADMIN_TIMEOUT_NANOS;
  for (let waited = 0; registers.isPaused(); waited += POLL_NANOS) {
    if (waited >= limit) {
      driver.restart();
      return;
    }
    backing.advance(POLL_NANOS);
  }
  state.change('CONNECTING');
  ioPath.unquiesce();
  state.change('LIVE');
  getLog(driver, LogPage.FW_SLOT, 0, SLOT_LOG_BYTES);
}
