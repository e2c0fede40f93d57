import { NO_PASID } from '../../hardware/address-spaces.ts';
import { ALLOWS_READ, ALLOWS_WRITE } from '../../hardware/translation-array.ts';
import { TranslationCaches } from '../../hardware/translation-caches.ts';
import { AddressType, TranslationRequest } from '../../hardware/translation-request.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { AmdEventCode, AmdEventFlag } from '../../spec/amd-events.ts';
import { AmdInterruptControl } from '../../spec/amd-tables.ts';
import { INTERRUPT_WINDOW_FIRST, INTERRUPT_WINDOW_LAST } from '../../spec/vtd-paging.ts';
import type { AmdFeatures } from '../features.ts';
import type { AmdDeviations } from './deviations.ts';
import { DeviceCache } from './device-cache.ts';
import { DeviceEntry } from './device-entry.ts';
import { DeviceTable } from './device-table.ts';
import { EventDetails, type EventLog } from './event-log.ts';
import { faultCode, faultFlags, faultWord } from './fault-word.ts';
import { Paging } from './paging.ts';

/** The request was dropped without an event: TV = 0, a read of the interrupt window, or an interrupt that is refused. */
export const AMD_BLOCKED = -0x1000;

/** Bits 31:20 of the window's addresses; a few above 4 GiB share them, and take the long way. */
const INTERRUPT_WINDOW_MIB = INTERRUPT_WINDOW_FIRST >>> 20;
const RIGHTS = ALLOWS_READ | ALLOWS_WRITE;
const INVALID_REQUEST = faultWord(AmdEventCode.INVALID_DEVICE_REQUEST, 0);
/** log2 of pages: from here on they are all that there are. */
export const ORDER_ALL = 52;

/** Translates requests (spec H39): hit path, lookups on a miss, and the event that a blocked request leaves behind. */
export class Translator {
  readonly devices: DeviceCache;
  readonly caches: TranslationCaches;
  readonly table: DeviceTable;
  // The columns that a hit reads, one load away instead of four, and an answer that isn't boxed: see VT-d's Translator.
  readonly #tagOf: Int32Array;
  readonly #pages: Float64Array;
  readonly #tags: Int32Array;
  readonly #rights: Uint8Array;
  readonly #targets: Float64Array;
  readonly #mask: number = 0;
  /** The address that a miss is about, then its answer. */
  readonly #answer = new Float64Array(1);
  readonly #plain = new TranslationRequest();
  readonly #details = new EventDetails();
  readonly #paging: Paging;
  readonly #events: EventLog;
  readonly #npCache: boolean;
  readonly #isQemu: boolean;
  /** QEMU: devices whose entry was invalidated while it was valid; the others pass (spec H121). */
  readonly #switched = new Set<number>();
  #enabled = false;
  #exclusionBase = 0;
  /** One past the range; 0 while there is none. */
  #exclusionEnd = 0;
  #exclusionForAll = false;
  /** Why the latest {@link deviceFor} found nothing. */
  #lookupFault = 0;

  constructor(
    memory: UnitMemory,
    features: AmdFeatures,
    events: EventLog,
    deviations: AmdDeviations,
    iotlbEntries: number,
  ) {
    this.caches = new TranslationCaches(iotlbEntries, () => this.devices.clear());
    this.devices = new DeviceCache(this.caches.spaces);
    this.table = new DeviceTable(memory, features, deviations);
    this.#tagOf = this.devices.tagOf;
    this.#pages = this.caches.pages.pages;
    this.#tags = this.caches.pages.tags;
    this.#rights = this.caches.pages.rights;
    this.#targets = this.caches.pages.targets;
    this.#mask = this.caches.pages.mask;
    this.#paging = new Paging(memory, this.caches, deviations);
    this.#events = events;
    this.#isQemu = deviations === 'qemu';
    this.#npCache = features.npCache && !this.#isQemu;
  }

  /** Control.IommuEn. While off, requests pass untranslated. */
  setEnabled(enabled: boolean): void {
    this.#enabled = enabled;
    // Without tags nothing hits, so that the hit path needn't ask. What is cached stays, for when they come back.
    if (enabled) this.devices.renewTags();
    else this.devices.tagOf.fill(0);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Addresses from `base` to before `end` pass untranslated, for all devices or those whose entry says so. */
  setExclusion(base: number, end: number, forAll: boolean): void {
    this.#exclusionBase = base;
    this.#exclusionEnd = end;
    this.#exclusionForAll = forAll;
  }

  /** See {@link AmdUnit.translate}. A hit comes first, even before the interrupt window, which is never cached. */
  translate(deviceId: number, address: number, isWrite: number): number {
    const tag = this.#tagOf[deviceId];
    const slot = ((address >>> 12) ^ tag) & this.#mask;
    const offset = address & 0xfff;
    if (
      this.#pages[slot] === address - offset &&
      this.#tags[slot] === tag &&
      (this.#rights[slot] & (isWrite + 1)) !== 0
    ) {
      return this.#targets[slot] + offset;
    }
    this.#answer[0] = address;
    this.#miss(deviceId, isWrite + 1);
    return this.#answer[0];
  }

  /** Finds the address in `#answer` and puts what became of it there. */
  #miss(deviceId: number, right: number): void {
    if (!this.#enabled) return;
    const address = this.#answer[0];
    const tag = address >>> 20 === INTERRUPT_WINDOW_MIB ? 0 : this.#quickTagOf(deviceId);
    const { host } = this.#paging;
    if (host.walkQuickly(tag, address, right)) {
      const page = host.quickPage[0];
      this.caches.pages.insert(tag, address, page, host.pageRights);
      this.#answer[0] = page + (address & 0xfff);
      return;
    }
    this.#plain.setPlain(deviceId, address, right);
    this.#answer[0] = this.translateRequest(this.#plain);
  }

  /** Tag of a device whose requests go through host tables with nothing else to look at; 0 for others. */
  #quickTagOf(deviceId: number): number {
    const isExcluding = this.#exclusionEnd !== 0;
    return this.#npCache || this.#isQemu || isExcluding ? 0 : this.#tagOf[deviceId];
  }

  /** Any request while translation is on: a physical address, a negative event code, or {@link AMD_BLOCKED}. */
  translateRequest(request: TranslationRequest): number {
    const { address, pasid } = request;
    const device = this.deviceFor(request);
    if (device === undefined) return this.#lookupFault;
    if (!device.valid) return address;
    if (address >= INTERRUPT_WINDOW_FIRST && address <= INTERRUPT_WINDOW_LAST && pasid === NO_PASID) {
      return takesInterrupt(device) && request.right === ALLOWS_WRITE ? address : AMD_BLOCKED;
    }
    if (this.#isExcluded(device, address)) return address;
    if (!device.translationValid) return AMD_BLOCKED;
    if (request.addressType === AddressType.TRANSLATED) return address;
    const result = this.resolve(device, request);
    return result < 0 ? this.fault(device, request, -result) : result;
  }

  /**
   * The entry that the request goes by, from the cache or the table. Undefined when it blocks the request: the event is
   * logged then, also for ATS requests of a device that may not use it (spec H11).
   */
  deviceFor(request: TranslationRequest): DeviceEntry | undefined {
    const cached = this.#isQemu ? undefined : this.devices.find(request.sourceId);
    const device = cached ?? new DeviceEntry();
    let word = cached === undefined ? this.#lookup(request.sourceId, device) : 0;
    const needsTables = device.valid && device.translationValid && word === 0;
    const usesAts = request.addressType !== AddressType.UNTRANSLATED;
    // spec gap: H39 names no event for a PASID without guest tables; it is as invalid a request as ATS without leave.
    const isInvalid = (usesAts && !device.allowsAts) || (request.pasid !== NO_PASID && !device.guest);
    if (needsTables && isInvalid) word = INVALID_REQUEST;
    if (word === 0) return device;
    this.#lookupFault = this.fault(device, request, word);
    return undefined;
  }

  #lookup(deviceId: number, device: DeviceEntry): number {
    const word = this.table.lookup(deviceId, device);
    if (word !== 0) return word;
    if (this.#isQemu && !this.#switched.has(deviceId)) device.valid = false;
    if (device.valid && device.translationValid) {
      const { spaces } = this.caches;
      device.hostSpace = spaces.intern(device.domainId, NO_PASID);
      // Translations are shared by domain, rights of a device's own aren't: with fewer than all, nothing is cached.
      const isCached = device.rights === RIGHTS && (device.mode !== 0 || device.plainPasid !== NO_PASID);
      if (isCached) device.plainSpace = spaces.intern(device.domainId, device.plainPasid);
    }
    this.devices.insert(device);
    return 0;
  }

  /** Translates by an entry, recording nothing: a physical address or a negative fault word. */
  resolve(device: DeviceEntry, request: TranslationRequest): number {
    const { address, right } = request;
    const pasid = request.pasid === NO_PASID ? device.plainPasid : request.pasid;
    const tag = this.#tagFor(device, pasid, request);
    const cached = this.caches.lookup(tag, address, right);
    if (cached >= 0) return cached;
    if (this.#npCache && pasid === NO_PASID) {
      const word = this.caches.absenceOf(tag, address);
      if (word !== 0) return -word;
    }
    const page = this.#paging.walk(device, pasid, request);
    if (page < 0) {
      this.#cacheAbsence(tag, pasid, address, -page);
      return page;
    }
    const { pageShift, pageRights } = this.#paging;
    const byte = page + (address % 2 ** pageShift);
    // Larger pages than the caches have are cached in pieces.
    const shift = pageShift >= 30 ? 30 : pageShift >= 21 ? 21 : 12;
    this.caches.insertPage(tag, address, shift, byte - (byte % 2 ** shift), pageRights);
    return byte;
  }

  /** What a supervisor or a fetch may do says nothing about other requests, and the caches hold no such rights. */
  #tagFor(device: DeviceEntry, pasid: number, { privileged, execute }: TranslationRequest): number {
    if (privileged || execute || device.rights !== RIGHTS) return 0;
    const { spaces } = this.caches;
    if (pasid !== NO_PASID) return spaces.tagOfSpace(spaces.intern(device.domainId, pasid));
    return device.mode === 0 ? 0 : spaces.tagOfSpace(device.hostSpace);
  }

  /** An address that no entry was present for may be remembered as such (spec H41, NpCache). */
  #cacheAbsence(tag: number, pasid: number, address: number, word: number): void {
    if (!this.#npCache || pasid !== NO_PASID || tag === 0) return;
    const isAbsent = faultCode(word) === AmdEventCode.IO_PAGE_FAULT && (faultFlags(word) & AmdEventFlag.PR) === 0;
    if (isAbsent) this.caches.insertAbsence(tag, address, word);
  }

  #isExcluded(device: DeviceEntry, address: number): boolean {
    if (address < this.#exclusionBase || address >= this.#exclusionEnd) return false;
    return this.#exclusionForAll || device.excludes;
  }

  /** Logs the event (spec H40) and returns the negative of its code. */
  fault(device: DeviceEntry, request: TranslationRequest, word: number): number {
    const code = faultCode(word);
    if (code === AmdEventCode.IO_PAGE_FAULT && device.suppressesFaults) return -code;
    if (this.#isQemu && device.mode === 7) return AMD_BLOCKED;
    const details = this.#details;
    details.deviceId = request.sourceId;
    details.domainId = device.domainId;
    details.pasid = request.pasid === NO_PASID ? device.plainPasid : request.pasid;
    details.address = this.#addressOf(code, request.address);
    details.isWrite = (request.right & ALLOWS_WRITE) !== 0;
    details.isTranslationRequest = request.addressType === AddressType.TRANSLATION_REQUEST;
    this.#events.recordRequest(word, details);
    if (device.logsOnce) device.suppressesFaults = true;
    return -code;
  }

  /** What an event names: the request's address, or the entry that was bad or couldn't be read (spec H40). */
  #addressOf(code: number, address: number): number {
    if (code === AmdEventCode.PAGE_TAB_HARDWARE_ERROR) return this.#paging.faultAddress;
    const isTable = code === AmdEventCode.DEV_TAB_HARDWARE_ERROR || code === AmdEventCode.ILLEGAL_DEV_TABLE_ENTRY;
    return isTable && this.table.faultAddress >= 0 ? this.table.faultAddress : address;
  }

  /** INVALIDATE_DEVTAB_ENTRY. */
  dropDevice(deviceId: number): void {
    this.devices.drop(deviceId);
    if (!this.#isQemu) return;
    const entry = new DeviceEntry();
    if (this.table.lookup(deviceId, entry) === 0 && entry.valid) this.#switched.add(deviceId);
    else this.#switched.delete(deviceId);
  }

  /** INVALIDATE_IOMMU_ALL. */
  dropEverything(): void {
    this.caches.flushAll();
    this.devices.clear();
  }

  /** Everything that is cached for a domain, with PASIDs and without. */
  dropDomain(domainId: number): void {
    this.caches.flushDomain(domainId);
    this.devices.renewTags();
  }

  /**
   * INVALIDATE_IOMMU_PAGES: 2^order pages.
   * @param pasid of guest translations; -1: host translations, and what was translated with them
   * @param leafOnly spares the paging-structure caches (PDE = 0)
   */
  dropPages(domainId: number, pasid: number, address: number, order: number, leafOnly: boolean): void {
    if (order < ORDER_ALL) {
      if (pasid !== NO_PASID) this.caches.flushPasidPages(domainId, pasid, address, order, leafOnly);
      else if (this.caches.flushPages(domainId, address, order, leafOnly)) this.devices.renewTags();
      return;
    }
    if (pasid === NO_PASID) this.caches.flushDomain(domainId);
    else this.caches.flushPasid(domainId, pasid);
    this.devices.renewTags();
  }
}

/** A message of a device that may be one (spec H39 step 2); a remapped one passes, for its vector is found elsewhere. */
function takesInterrupt({ interruptValid, interruptControl }: DeviceEntry): boolean {
  return !interruptValid || interruptControl !== AmdInterruptControl.ABORT;
}
