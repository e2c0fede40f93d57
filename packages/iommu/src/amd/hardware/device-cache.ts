import { type AddressSpaces, NO_SPACE } from '../../hardware/address-spaces.ts';
import type { DeviceEntry } from './device-entry.ts';

/** Device table entries that the unit has read (spec H4): they stay, stale or not, until invalidated. */
export class DeviceCache {
  /** Tag of the space of requests without PASID, by device id; 0 when not cached: read by the unit's hit path. */
  readonly tagOf = new Int32Array(0x10000);
  readonly #spaces: AddressSpaces;
  readonly #entries = new Map<number, DeviceEntry>();

  /** Made once: `forEach` over it leaves no garbage, and lazy domains come here often. */
  readonly #renewTag = ({ deviceId, plainSpace }: DeviceEntry): void => {
    this.tagOf[deviceId] = plainSpace === NO_SPACE ? 0 : this.#spaces.tagOfSpace(plainSpace);
  };

  constructor(spaces: AddressSpaces) {
    this.#spaces = spaces;
  }

  find(deviceId: number): DeviceEntry | undefined {
    return this.#entries.get(deviceId);
  }

  insert(entry: DeviceEntry): void {
    this.#entries.set(entry.deviceId, entry);
    this.#renewTag(entry);
  }

  /** Takes the tags over that a flush changed. */
  renewTags(): void {
    this.#entries.forEach(this.#renewTag);
  }

  drop(deviceId: number): void {
    this.#entries.delete(deviceId);
    this.tagOf[deviceId] = 0;
  }

  clear(): void {
    this.#entries.clear();
    this.tagOf.fill(0);
  }
}
