import { EIO } from '../../block/bio/errno.ts';
import { Feature } from '../../spec/features.ts';
import { Cns, CTRATT_ELBAS, OACS_DBBUF, OACS_SECURITY, ONCS_TIMESTAMP } from '../../spec/identify.ts';
import { LogPage } from '../../spec/log-pages.ts';
import { AdminOpcode } from '../../spec/opcodes.ts';
import { NSID_ALL } from '../../spec/sqe.ts';
import type { NvmeDriver } from '../nvme-driver.ts';
import { ShadowDoorbells } from '../queues/shadow-doorbells.ts';
import { scanNamespaces } from './namespace-scan.ts';

const LPA_EFFECTS = 1 << 1;
const PAGE = 4096;
const SMART_BYTES = 512;
const SECURITY_BYTES = 2048;
/** OAES bits that Linux enables (spec N57, row 13). */
const SUPPORTED_EVENTS = (1 << 8) | (1 << 9) | (1 << 11) | (1 << 31);

/** The admin commands of a probe or a reset, in the order of spec N57: 0, or a negative errno. */
export function startupCommands(driver: NvmeDriver, first: boolean): number {
  const { admin } = driver;
  const status = admin.identify(Cns.CTRL);
  if (status !== 0) {
    driver.log.error(`Identify Controller failed (${status})`);
    return EIO;
  }
  driver.adopt(admin.data(PAGE));
  tellHost(driver, first);
  const failed = allocateShadow(driver) || driver.hmb.setUp() || driver.ioQueues.setUp();
  if (failed !== 0) return failed < 0 ? failed : EIO;
  configureShadow(driver);
  driver.state.change('LIVE');
  enableEvents(driver);
  driver.keepAlive.start();
  return scanNamespaces(driver);
}

/** Rows 2 to 7: what the controller should know of its host, and what the host wants to know first. */
function tellHost(driver: NvmeDriver, first: boolean): void {
  const { admin } = driver;
  const identity = driver.identity!;
  if (first && (identity.lpa & LPA_EFFECTS) !== 0) getLog(driver, LogPage.CMD_EFFECTS, 0, PAGE);
  if (identity.apsta !== 0) admin.setFeatures(Feature.AUTO_PST, 0, new Uint8Array(256));
  if ((identity.oncs & ONCS_TIMESTAMP) !== 0) admin.setFeatures(Feature.TIMESTAMP, 0, timestamp(driver));
  const retryDelays = identity.crdtMillis[0] !== 0;
  const extendedFormats = (identity.ctratt & CTRATT_ELBAS) !== 0;
  if (retryDelays || extendedFormats) {
    const behaviour = new Uint8Array(512);
    behaviour[0] = retryDelays ? 1 : 0;
    behaviour[2] = extendedFormats ? 1 : 0;
    admin.setFeatures(Feature.HOST_BEHAVIOR, 0, behaviour);
  }
  if ((identity.oacs & OACS_SECURITY) !== 0) {
    admin.run({
      opcode: AdminOpcode.SECURITY_RECV,
      cdw10: 0x01000001,
      cdw11: SECURITY_BYTES,
      dataBytes: SECURITY_BYTES,
    });
  }
  if (first) getLog(driver, LogPage.SMART, NSID_ALL, SMART_BYTES);
}

/** 48 bits of milliseconds, from the machine's clock. */
function timestamp(driver: NvmeDriver): Uint8Array {
  const millis = Math.floor(driver.context.kernel.nowNanos / 1e6);
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, millis % 2 ** 32, true);
  view.setUint16(4, Math.floor(millis / 2 ** 32), true);
  return bytes;
}

export function getLog(driver: NvmeDriver, lid: number, nsid: number, lengthBytes: number): number {
  const cdw10 = lid | ((lengthBytes / 4 - 1) << 16);
  return driver.admin.run({ opcode: AdminOpcode.GET_LOG_PAGE, nsid, cdw10, dataBytes: lengthBytes });
}

/** Row 8: memory only; the device is told after the queues exist (spec N66). */
function allocateShadow(driver: NvmeDriver): number {
  if ((driver.identity!.oacs & OACS_DBBUF) === 0) return 0;
  driver.shadow ??= ShadowDoorbells.alloc(driver.device, driver.ioQueues.allocated, driver.registers.strideBytes);
  driver.shadow?.reset();
  return 0;
}

/** Row 12: a refusal leaves plain doorbells. */
function configureShadow(driver: NvmeDriver): void {
  const { shadow, admin, ioPath } = driver;
  if (shadow === null) return;
  const status = admin.run({
    opcode: AdminOpcode.DBBUF,
    prp1: shadow.doorbells.dmaAddr,
    prp2: shadow.eventIndexes.dmaAddr,
  });
  if (status !== 0) {
    shadow.free();
    driver.shadow = null;
    driver.log.warn('unable to set dbbuf');
  }
  for (const queue of ioPath.queues) queue.shadow = driver.shadow;
}

/** Rows 13 and 14. */
function enableEvents(driver: NvmeDriver): void {
  const supported = (driver.identity!.oaes & SUPPORTED_EVENTS) >>> 0;
  if (supported === 0) return;
  driver.admin.setFeatures(Feature.ASYNC_EVENT, supported);
  driver.events.arm();
}
