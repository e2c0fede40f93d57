import { NO_PASID } from '../../hardware/address-spaces.ts';
import { ALLOWS_READ, ALLOWS_WRITE } from '../../hardware/translation-array.ts';
import type { TranslationCaches } from '../../hardware/translation-caches.ts';
import type { TranslationRequest } from '../../hardware/translation-request.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { AmdEventCode, AmdEventFlag } from '../../spec/amd-events.ts';
import type { AmdDeviations } from './deviations.ts';
import type { DeviceEntry } from './device-entry.ts';
import { faultWord } from './fault-word.ts';
import { type GuestReach, GuestTables } from './guest-tables.ts';
import { HostTables } from './host-tables.ts';

const UNREADABLE = faultWord(AmdEventCode.PAGE_TAB_HARDWARE_ERROR, AmdEventFlag.GN);

/** The paging that a device's entry asks for: host tables, or guest tables on top of them (spec H38, H39). */
export class Paging implements GuestReach {
  pageShift = 12;
  /** Rights that the page may be cached with. */
  pageRights = 0;
  /** Address of the entry that could not be read. */
  faultAddress = 0;
  readonly #memory: UnitMemory;
  readonly #caches: TranslationCaches;
  readonly host: HostTables;
  readonly #guest: GuestTables;

  constructor(memory: UnitMemory, caches: TranslationCaches, deviations: AmdDeviations) {
    this.#memory = memory;
    this.#caches = caches;
    this.host = new HostTables(memory, caches, deviations);
    this.#guest = new GuestTables(memory, this);
  }

  /** Physical address of the page that translates a request, or a negative fault word. */
  walk(device: DeviceEntry, pasid: number, request: TranslationRequest): number {
    if (pasid === NO_PASID) return this.#walkHost(device, request.address, request.right);
    const page = this.#guest.walk(device, pasid, request);
    if (page < 0) return page;
    const { pageShift, pageRights } = this.#guest;
    const guest = page + (request.address % 2 ** pageShift);
    const host = this.#walkHost(device, guest, request.right);
    if (host < 0) return host;
    const byte = host + (guest % 2 ** this.pageShift);
    // The page is the smaller of the two stages' pages, with the rights of both.
    this.pageShift = device.mode === 0 ? pageShift : Math.min(pageShift, this.pageShift);
    this.pageRights &= pageRights;
    return byte - (byte % 2 ** this.pageShift);
  }

  guestEntry(device: DeviceEntry, at: number): number {
    const page = this.#walkHost(device, at, ALLOWS_READ | ALLOWS_WRITE);
    if (page < 0) return page;
    const host = page + (at % 2 ** this.pageShift);
    if (this.#memory.canAccess(host)) return host;
    this.faultAddress = host;
    return -UNREADABLE;
  }

  #walkHost(device: DeviceEntry, address: number, right: number): number {
    const tag = this.#caches.spaces.tagOfSpace(device.hostSpace);
    const page = this.host.walk(device, tag, address, right);
    this.pageShift = this.host.pageShift;
    this.pageRights = this.host.pageRights;
    this.faultAddress = this.host.faultAddress;
    return page;
  }
}
