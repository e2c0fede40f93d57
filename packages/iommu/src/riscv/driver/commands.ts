import { blockOrder, blockStart } from '../../core/unit/aligned-block.ts';
import { halves, highHalf, highMask, lowHalf, lowMask } from '../../spec/bits.ts';
import {
  RiscvAtsCommand,
  RiscvAtsFunc,
  RiscvAtsInvalidation,
  RiscvIodir,
  RiscvIodirFunc,
  RiscvIotinval,
  RiscvIotinvalFunc,
  RiscvOpcode,
} from '../../spec/riscv-commands.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import type { CommandRing } from './command-ring.ts';

const { qw0, qw1 } = RiscvIotinval;
const VMA_LOW = RiscvOpcode.IOTINVAL | lowHalf(qw0.FUNC, RiscvIotinvalFunc.VMA);
const GVMA_LOW = RiscvOpcode.IOTINVAL | lowHalf(qw0.FUNC, RiscvIotinvalFunc.GVMA);
const AV = lowMask(qw0.AV);
const PSCV = highMask(qw0.PSCV);
const NL = highMask(qw0.NL);
const RANGE = lowMask(qw1.S);
/** spec gap: how many pages are too many for one command each is not said; 2 MiB of them, a whole table. */
const MOST_PAGES = 512;

/** The commands that Linux submits (spec H100), in its words. Each is only queued; the caller ends the batch. */
export class Commands {
  readonly ring: CommandRing;
  readonly #capabilities: RiscvCapabilities;

  constructor(ring: CommandRing, capabilities: RiscvCapabilities) {
    this.ring = ring;
    this.#capabilities = capabilities;
  }

  allDeviceContexts(): void {
    this.ring.push(RiscvOpcode.IODIR | lowHalf(RiscvIodir.qw0.FUNC, RiscvIodirFunc.INVAL_DDT), 0, 0, 0);
  }

  deviceContext(deviceId: number): void {
    const high = highMask(RiscvIodir.qw0.DV) | highHalf(RiscvIodir.qw0.DID, deviceId);
    this.ring.push(RiscvOpcode.IODIR | lowHalf(RiscvIodir.qw0.FUNC, RiscvIodirFunc.INVAL_DDT), high, 0, 0);
  }

  allTranslations(): void {
    this.ring.push(VMA_LOW, 0, 0, 0);
    if (this.#capabilities.secondStageLevels !== 0) this.ring.push(GVMA_LOW, 0, 0, 0);
  }

  /** Everything of a PSCID, tables on the way included. */
  addressSpace(pscid: number): void {
    this.ring.push(VMA_LOW | lowHalf(qw0.PSCID, pscid), PSCV, 0, 0);
  }

  /**
   * Pages from `start` to `end`, both inclusive: one by one, or as a range where the unit takes ranges, or the whole
   * PSCID when they are too many, or when a table went and the unit can't be told so (spec H6, H100).
   */
  pages(pscid: number, start: number, end: number, leafOnly: boolean): void {
    const first = Math.floor(start / 4096);
    const last = Math.floor(end / 4096);
    const { nonLeafInvalidation, rangeInvalidation } = this.#capabilities;
    const high = leafOnly ? PSCV : PSCV | NL;
    if (!leafOnly && !nonLeafInvalidation) this.addressSpace(pscid);
    else if (rangeInvalidation && first !== last) this.#range(pscid, start, end, high);
    else if (last - first >= MOST_PAGES) this.addressSpace(pscid);
    else for (let page = first; page <= last; page++) this.#page(pscid, page, high, 0);
  }

  /** 2^order pages of a device's own TLB, from an address that is aligned to them (spec H13). */
  deviceTlb(deviceId: number, address: number, order: number): void {
    const { RID, DSV, DSEG, FUNC } = RiscvAtsCommand.qw0;
    const segment = deviceId >>> 16;
    const high = highHalf(RID, deviceId & 0xffff) | highHalf(DSEG, segment) | (segment === 0 ? 0 : highMask(DSV));
    const ones = order === 0 ? 0n : ((1n << BigInt(order - 1)) - 1n) << BigInt(RiscvAtsInvalidation.ADDR.lo);
    const { low: low1, high: high1 } = halves((BigInt(address) | ones) & 0x7fff_ffff_ffff_ffffn);
    const range = order === 0 ? 0 : lowMask(RiscvAtsInvalidation.S);
    const low = RiscvOpcode.ATS | lowHalf(FUNC, RiscvAtsFunc.INVAL);
    this.ring.push(low, high, (low1 | range) >>> 0, high1);
  }

  /** A range's page number ends in a zero bit and ones, which name its size. */
  #range(pscid: number, start: number, end: number, high: number): void {
    const order = blockOrder(start, end);
    this.#page(pscid, blockStart(start, order) / 4096 + 2 ** (order - 1) - 1, high, RANGE);
  }

  #page(pscid: number, page: number, high: number, range: number): void {
    this.ring.push(
      VMA_LOW | AV | (pscid << qw0.PSCID.lo),
      high,
      (page << qw1.ADDR.lo) | range,
      Math.floor(page * 2 ** -22),
    );
  }
}
