import type { WritableTables } from '../../page-table/table-memory.ts';
import { AMD_DEVICE_ENTRY_BYTES, AMD_DEVICES_PER_PAGE, AmdDeviceEntry } from '../../spec/amd-tables.ts';
import { highHalf, lowHalf, lowMask } from '../../spec/bits.ts';

const { qw0, qw1, qw2 } = AmdDeviceEntry;
const VALID = lowMask(qw0.V);
const TRANSLATES = lowMask(qw0.V) | lowMask(qw0.TV);
const RIGHTS_HIGH = highHalf(qw0.IR, 1) | highHalf(qw0.IW, 1);

/** How a source's requests are to be translated. */
export interface DeviceSetup {
  readonly kind: 'host' | 'guest' | 'pass-through';
  readonly domainId: number;
  /** Levels of the table. */
  readonly levels: number;
  /** Root of the host table, or of the GCR3 table for guest ones; 0 for pass-through. */
  readonly root: number;
  /** The device may use ATS (spec H12). */
  readonly ats: boolean;
}

/** The device table, as the driver writes it (spec H34): one entry a device id, all of them there from the start. */
export class DeviceTable {
  readonly phys: number;
  readonly pages: number;
  readonly #memory: WritableTables;

  /** @param pages in a row from `phys` on */
  constructor(memory: WritableTables, phys: number, pages: number) {
    this.#memory = memory;
    this.phys = phys;
    this.pages = pages;
    for (let at = phys; at < phys + pages * 4096; at += AMD_DEVICE_ENTRY_BYTES) this.#block(at);
  }

  /** Can the table hold that device? */
  has(deviceId: number): boolean {
    return deviceId < this.pages * AMD_DEVICES_PER_PAGE;
  }

  /** Points a device at its table: the upper half first, then the one with V, each word in one store (spec H34). */
  set(deviceId: number, setup: DeviceSetup): void {
    const at = this.#entryAt(deviceId);
    const isGuest = setup.kind === 'guest';
    const gcr3 = isGuest ? setup.root : 0;
    const root = setup.kind === 'host' ? setup.root : 0;
    const mode = setup.kind === 'host' ? setup.levels : 0;
    const guest = gcr3 >>> 0;
    this.#memory.store64(at + 16, 0, isGuest ? highHalf(qw2.GUEST_MODE, setup.levels - 4) : 0);
    this.#memory.store64(at + 24, 0, 0);
    const high1 = (setup.ats ? highHalf(qw1.I, 1) : 0) | highHalf(qw1.GCR3_31, Math.floor(gcr3 / 2 ** 31));
    this.#memory.store64(at + 8, setup.domainId | lowHalf(qw1.GCR3_15, (guest >>> 15) & 0xffff), high1);
    const flags = isGuest ? highHalf(qw0.GV, 1) | highHalf(qw0.GIOV, 1) : 0;
    const high0 = Math.floor(root / 2 ** 32) | RIGHTS_HIGH | flags | highHalf(qw0.GCR3_12, (guest >>> 12) & 7);
    this.#memory.store64(at, root | TRANSLATES | lowHalf(qw0.MODE, mode), high0);
  }

  /** Aborts everything that a device asks: V without TV (spec H34). V = 0 would let it pass (spec H121). */
  block(deviceId: number): void {
    this.#block(this.#entryAt(deviceId));
  }

  #block(at: number): void {
    this.#memory.store64(at, VALID, 0);
    this.#memory.store64(at + 8, 0, 0);
    this.#memory.store64(at + 16, 0, 0);
    this.#memory.store64(at + 24, 0, 0);
  }

  /** The four qwords of an entry, for a log (spec I177). */
  words(deviceId: number): bigint[] {
    const at = this.#entryAt(deviceId);
    const word = (offset: number) =>
      (BigInt(this.#memory.load32(at + offset + 4)) << 32n) | BigInt(this.#memory.load32(at + offset));
    return [0, 8, 16, 24].map(word);
  }

  #entryAt(deviceId: number): number {
    return this.phys + deviceId * AMD_DEVICE_ENTRY_BYTES;
  }
}
