import { ALLOWS_READ, ALLOWS_WRITE } from '../../hardware/translation-array.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { AmdEventCode, AmdEventFlag } from '../../spec/amd-events.ts';
import {
  AMD_DEVICE_ENTRY_BYTES,
  AMD_DEVICES_PER_PAGE,
  AmdDeviceEntry,
  AmdHardwareUpdates,
} from '../../spec/amd-tables.ts';
import { type Field, get, getAddress } from '../../spec/bits.ts';
import type { AmdFeatures } from '../features.ts';
import type { AmdDeviations } from './deviations.ts';
import type { DeviceEntry } from './device-entry.ts';
import { faultWord } from './fault-word.ts';

const { qw0, qw1, qw2 } = AmdDeviceEntry;

/** The device table, as the unit reads it (spec H32, H34, H39 steps 3 to 5). */
export class DeviceTable {
  /** Address that the latest failed {@link lookup} is about: of the entry in memory, or none. */
  faultAddress = -1;
  #base = 0;
  #devices = AMD_DEVICES_PER_PAGE;
  /** Control.GTEn. */
  guestEnabled = false;
  readonly #memory: UnitMemory;
  readonly #features: AmdFeatures;
  readonly #isQemu: boolean;

  constructor(memory: UnitMemory, features: AmdFeatures, deviations: AmdDeviations) {
    this.#memory = memory;
    this.#features = features;
    this.#isQemu = deviations === 'qemu';
  }

  setBase(base: number, pages: number): void {
    this.#base = base;
    this.#devices = pages * AMD_DEVICES_PER_PAGE;
  }

  /** Decodes a device's entry: 0, or a fault word. */
  lookup(deviceId: number, into: DeviceEntry): number {
    this.faultAddress = -1;
    into.deviceId = deviceId;
    if (deviceId >= this.#devices && !this.#isQemu) return faultWord(AmdEventCode.ILLEGAL_DEV_TABLE_ENTRY, 0);
    const at = this.#base + deviceId * AMD_DEVICE_ENTRY_BYTES;
    if (!this.#memory.canAccess(at)) {
      this.faultAddress = at;
      return faultWord(AmdEventCode.DEV_TAB_HARDWARE_ERROR, 0);
    }
    into.valid = this.#get(at, qw0.V) === 1;
    this.#decodeInterrupts(at, into);
    if (!into.valid) return 0;
    into.translationValid = this.#get(at, qw0.TV) === 1;
    into.allowsAts = this.#get(at + 8, qw1.I) === 1;
    this.#decodeHost(at, into);
    this.#decodeGuest(at, into);
    if (this.#isLegal(at, into)) return 0;
    if (this.#isQemu) this.faultAddress = at;
    return faultWord(AmdEventCode.ILLEGAL_DEV_TABLE_ENTRY, AmdEventFlag.RZ);
  }

  #decodeHost(at: number, into: DeviceEntry): void {
    const updates = this.#get(at, qw0.HAD);
    into.mode = this.#get(at, qw0.MODE);
    into.root = getAddress(this.#memory.load32(at), this.#memory.load32(at + 4), qw0.ROOT);
    into.rights = (this.#get(at, qw0.IR) === 1 ? ALLOWS_READ : 0) | (this.#get(at, qw0.IW) === 1 ? ALLOWS_WRITE : 0);
    into.setsAccessed = updates !== AmdHardwareUpdates.NONE;
    into.setsDirty = updates === AmdHardwareUpdates.ACCESSED_AND_DIRTY;
    into.domainId = this.#get(at + 8, qw1.DOMAIN_ID);
    into.logsOnce = this.#get(at + 8, qw1.SE) === 1;
    into.suppressesFaults = this.#get(at + 8, qw1.SA) === 1;
    into.excludes = this.#get(at + 8, qw1.EX) === 1;
  }

  #decodeGuest(at: number, into: DeviceEntry): void {
    const root = this.#get(at, qw0.GCR3_12) * 2 ** 12 + this.#get(at + 8, qw1.GCR3_15) * 2 ** 15;
    into.guest = this.#get(at, qw0.GV) === 1 && !this.#isQemu; // QEMU advertises guest tables and walks none (H38)
    into.plainPasid = into.guest && this.#get(at, qw0.GIOV) === 1 ? 0 : -1;
    into.gcr3 = root + this.#get(at + 8, qw1.GCR3_31) * 2 ** 31;
    into.gcr3Levels = this.#get(at, qw0.GLX) + 1;
    into.guestLevels = this.#get(at + 16, qw2.GUEST_MODE) + 4;
  }

  #decodeInterrupts(at: number, into: DeviceEntry): void {
    into.interruptValid = into.valid && this.#get(at + 16, qw2.IV) === 1;
    into.interruptControl = this.#get(at + 16, qw2.INT_CTL);
  }

  /** Reserved bits, and what the unit lacks (spec H39 step 5). */
  #isLegal(at: number, entry: DeviceEntry): boolean {
    const reserved = this.#get(at, qw0.RSVD2) + this.#get(at, qw0.RSVD63) + this.#get(at + 16, qw2.RSVD52);
    if (reserved !== 0 || entry.mode > 6) return false;
    if (!entry.translationValid) return true;
    if (entry.mode > this.#features.hostLevels) return false;
    const updates = this.#get(at, qw0.HAD);
    if (updates === 2 || (updates !== 0 && !this.#features.accessed)) return false;
    if (updates === AmdHardwareUpdates.ACCESSED_AND_DIRTY && !this.#features.dirty) return false;
    return !entry.guest || this.#isLegalGuest(entry);
  }

  // spec gap: H34 doesn't say what a guest table is on a unit that has none, or that has them off: an illegal entry here.
  #isLegalGuest({ gcr3Levels, guestLevels }: DeviceEntry): boolean {
    if (!this.guestEnabled || guestLevels > this.#features.guestLevels) return false;
    return gcr3Levels <= this.#features.gcr3Levels;
  }

  #get(at: number, field: Field): number {
    return get(this.#memory.load32(at), this.#memory.load32(at + 4), field);
  }
}
