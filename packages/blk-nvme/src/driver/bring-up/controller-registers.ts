import { EIO, ENODEV } from '../../block/bio/errno.ts';
import { get, high32, low32, put, set } from '../../spec/bits.ts';
import { CQES_LOG2 } from '../../spec/cqe.ts';
import {
  CAP_CSS_ALL_SETS,
  CapHigh,
  CapLow,
  CC_CSS_ALL_SETS,
  CC_CSS_NVM,
  Cc,
  Crto,
  Csts,
  Register,
  SHST_COMPLETE,
} from '../../spec/registers.ts';
import { SQES_LOG2 } from '../../spec/sqe.ts';
import { NVME_AQ_DEPTH } from '../constants.ts';
import type { DeviceBacking } from '../device-backing.ts';
import type { DriverLog } from '../driver-log.ts';

const ALL_ONES = 0xffffffff;
const POLL_NANOS = 1e6;
const READY_UNIT_NANOS = 500e6;

/** The registers that bring a controller up and down, in the order in which Linux touches them (spec N56). */
export class ControllerRegisters {
  capLow = 0;
  capHigh = 0;
  version = 0;
  /** Last configuration written. */
  #cc = 0;
  readonly #backing: DeviceBacking;
  readonly #log: DriverLog;

  constructor(backing: DeviceBacking, log: DriverLog) {
    this.#backing = backing;
    this.#log = log;
  }

  get strideBytes(): number {
    return 4 << get(this.capHigh, CapHigh.DSTRD);
  }

  /** Entries that a queue may have. */
  get maxQueueEntries(): number {
    return get(this.capLow, CapLow.MQES) + 1;
  }

  status(): number {
    return this.#backing.readRegister(Register.CSTS);
  }

  isGone(): boolean {
    return this.status() === ALL_ONES;
  }

  /** Ready and not fatal: commands still have an effect (spec N96). */
  isUsable(): boolean {
    const csts = this.status();
    return get(csts, Csts.RDY) === 1 && get(csts, Csts.CFS) === 0;
  }

  /** Stopped for a while, to activate firmware (spec N95); a device that is gone is not. */
  isPaused(): boolean {
    const csts = this.status();
    return csts !== ALL_ONES && get(csts, Csts.PP) === 1;
  }

  /** Fatal, or reset behind the driver's back (spec N94). */
  isFatal(): boolean {
    const csts = this.status();
    const wasReset = get(this.capHigh, CapHigh.NSSRS) === 1 && get(csts, Csts.NSSRO) === 1;
    return get(csts, Csts.CFS) === 1 || wasReset;
  }

  /** Step 3. */
  readVersion(): void {
    this.version = this.#backing.readRegister(Register.VS);
    if (this.version >= 0x00010100 && get(this.capHigh, CapHigh.NSSRS) === 1) {
      const csts = this.status();
      if (get(csts, Csts.NSSRO) === 1) this.#backing.writeRegister(Register.CSTS, put(Csts.NSSRO, 1));
    }
  }

  readCapabilities(): void {
    this.capLow = this.#backing.readRegister(Register.CAP);
    this.capHigh = this.#backing.readRegister(Register.CAP + 4);
  }

  /** Step 4: EN and SHN off, then wait for RDY to go: 0, or -ENODEV. */
  disable(): number {
    this.#writeConfiguration(set(set(this.#cc, Cc.SHN, 0), Cc.EN, 0));
    return this.#waitReady(0, get(this.capLow, CapLow.TO));
  }

  /** Step 6: where the admin queues are. */
  setAdminQueues(sq: number, cq: number): void {
    this.#backing.writeRegister(Register.AQA, ((NVME_AQ_DEPTH - 1) << 16) | (NVME_AQ_DEPTH - 1));
    this.#write64(Register.ASQ, sq);
    this.#write64(Register.ACQ, cq);
    this.readCapabilities();
  }

  /** Steps 6 to 8: the configuration first without EN, then with it; waits for RDY. 0, or -ENODEV. */
  enable(): number {
    if (get(this.capHigh, CapHigh.MPSMIN) > 0) {
      const bytes = 4096 << get(this.capHigh, CapHigh.MPSMIN);
      this.#log.error(`Minimum device page size ${bytes} too large for host (4096)`);
      return ENODEV;
    }
    const allSets = (get(this.capHigh, CapHigh.CSS) & CAP_CSS_ALL_SETS) !== 0;
    const cc =
      put(Cc.CSS, allSets ? CC_CSS_ALL_SETS : CC_CSS_NVM) | put(Cc.IOSQES, SQES_LOG2) | put(Cc.IOCQES, CQES_LOG2);
    this.#writeConfiguration(cc);
    this.readCapabilities();
    let timeout = get(this.capLow, CapLow.TO);
    if (get(this.capHigh, CapHigh.CRWMS) === 1) {
      const crto = this.#backing.readRegister(Register.CRTO);
      timeout = Math.max(timeout, get(crto, Crto.CRWMT));
    }
    this.#writeConfiguration(set(cc, Cc.EN, 1));
    return this.#waitReady(1, timeout);
  }

  /** Normal shutdown with EN kept (spec N96): 0, or -EIO when the device takes too long. */
  shutDown(timeoutSeconds: number): number {
    this.#writeConfiguration(set(this.#cc, Cc.SHN, 1));
    for (let waited = 0; waited <= timeoutSeconds * 1e9; waited += POLL_NANOS) {
      if (get(this.status(), Csts.SHST) === SHST_COMPLETE) return 0;
      this.#backing.advance(POLL_NANOS);
    }
    this.#log.error('Device shutdown incomplete; abort shutdown');
    return EIO;
  }

  #writeConfiguration(cc: number): void {
    this.#cc = cc >>> 0;
    this.#backing.writeRegister(Register.CC, this.#cc);
  }

  #waitReady(ready: number, timeout: number): number {
    const limit = (timeout + 1) * READY_UNIT_NANOS;
    for (let waited = 0; waited <= limit; waited += POLL_NANOS) {
      const csts = this.status();
      if (csts === ALL_ONES) return ENODEV;
      if (get(csts, Csts.RDY) === ready) return 0;
      this.#backing.advance(POLL_NANOS);
    }
    const word = ready === 1 ? 'initialisation' : 'reset';
    this.#log.error(`Device not ready; aborting ${word}, CSTS=0x${this.status().toString(16)}`);
    return ENODEV;
  }

  /** Low half first (spec N56). */
  #write64(offset: number, value: number): void {
    this.#backing.writeRegister(offset, low32(value));
    this.#backing.writeRegister(offset + 4, high32(value));
  }
}
