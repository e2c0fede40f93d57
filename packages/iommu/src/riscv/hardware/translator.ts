import { ATS_NOT_TRANSLATABLE, ATS_UNSUPPORTED, type AtsCompletion, type AtsRequest } from '../../core/unit/ats.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { RiscvCause } from '../../spec/riscv-faults.ts';
import { RiscvDdtpMode } from '../../spec/riscv-registers.ts';
import { RiscvPdtpMode } from '../../spec/riscv-tables.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import { ANY } from './address-spaces.ts';
import { ContextCache } from './context-cache.ts';
import type { RiscvDeviations } from './deviations.ts';
import { DeviceContext } from './device-context.ts';
import { DeviceDirectory } from './device-directory.ts';
import type { FaultQueue } from './fault-queue.ts';
import { MsiTable } from './msi-table.ts';
import { ProcessDirectory } from './process-directory.ts';
import { NO_PROCESS, READS, Request, WRITES } from './request.ts';
import { Stages } from './stages.ts';
import { TranslationCaches } from './translation-caches.ts';
import { TranslationContext } from './translation-context.ts';
import { causeOf, WalkFault } from './walk-fault.ts';

/** The write is an interrupt for a file in memory, which has no address to pass on: `writeMessage` delivers it (spec H102). */
export const RISCV_INTERRUPT_FILE = -0x1000;

/** Causes that DTF does not keep out of the records (spec H99). */
const ALWAYS_RECORDED: ReadonlySet<number> = new Set<number>([
  RiscvCause.ALL_DISALLOWED,
  RiscvCause.DDT_LOAD,
  RiscvCause.DDT_NOT_VALID,
  RiscvCause.DDT_MISCONFIGURED,
  RiscvCause.DDT_CORRUPTION,
  RiscvCause.INTERNAL_DATAPATH,
  RiscvCause.MSI_WRITE,
]);

export interface TranslatorOptions {
  readonly hostAddressBits: number;
  readonly deviations: RiscvDeviations;
  readonly iotlbEntries: number;
}

/** Translates requests (spec H98): hit path, lookups on a miss, and the fault that a blocked request leaves behind. */
export class Translator {
  readonly contexts: ContextCache;
  readonly caches: TranslationCaches;
  readonly stages: Stages;
  readonly #tagOf: Int32Array;
  // The columns of the IOTLB's 4 KiB pages: by them a hit takes 13 ns where `TranslationArray.find()` took 16, on a busy
  // machine (riscv.bench.ts).
  readonly #pages: Float64Array;
  readonly #tags: Int32Array;
  readonly #rights: Uint8Array;
  readonly #targets: Float64Array;
  readonly #mask: number = 0;
  /** The address that a miss is about, then its answer: as its result the double would be boxed, and every hit with it. */
  readonly #answer = new Float64Array(1);
  readonly #plain = new Request();
  readonly #directory: DeviceDirectory;
  readonly #device: DeviceContext;
  readonly #processes: ProcessDirectory;
  readonly #messages: MsiTable;
  readonly #faults: FaultQueue;
  readonly #memory: UnitMemory;
  readonly #limit: number;
  readonly #deviations: RiscvDeviations;
  #mode: number = RiscvDdtpMode.OFF;
  #root = 0;
  /** DTF of the context that the latest request was looked up for. */
  #suppressesFaults = false;

  constructor(memory: UnitMemory, capabilities: RiscvCapabilities, faults: FaultQueue, options: TranslatorOptions) {
    this.#memory = memory;
    this.#faults = faults;
    this.#limit = 2 ** options.hostAddressBits;
    this.#deviations = options.deviations;
    this.caches = new TranslationCaches(options.iotlbEntries, () => this.contexts.clear());
    this.contexts = new ContextCache(this.caches.spaces);
    this.stages = new Stages(memory, this.caches, capabilities, options.deviations);
    this.#directory = new DeviceDirectory(memory, capabilities);
    this.#device = new DeviceContext(capabilities, options.deviations);
    this.#processes = new ProcessDirectory(memory, this.stages);
    this.#messages = new MsiTable(memory, capabilities);
    this.#tagOf = this.contexts.tagOf;
    this.#pages = this.caches.pages.pages;
    this.#tags = this.caches.pages.tags;
    this.#rights = this.caches.pages.rights;
    this.#targets = this.caches.pages.targets;
    this.#mask = this.caches.pages.mask;
  }

  /** `ddtp` took effect. What is cached stays, for software to invalidate; without tags nothing hits while it is off. */
  setDirectory(mode: number, root: number): void {
    this.#mode = mode;
    this.#root = root;
    if (mode >= RiscvDdtpMode.LEVELS_1) this.contexts.renewTags();
    else this.contexts.forgetTags();
  }

  /** See {@link RiscvUnit.translate}. */
  translate(deviceId: number, address: number, isWrite: number): number {
    const tag = this.#tagOf[deviceId];
    const slot = ((address >>> 12) ^ tag) & this.#mask; // where TranslationArray keeps it
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
    const address = this.#answer[0];
    const tag = this.#tagOf[deviceId] ?? 0;
    const { first } = this.stages;
    if (first.walkQuickly(tag, address, right) && first.quickPage[0] < this.#limit) {
      this.caches.pages.insert(tag, address, first.quickPage[0], first.leafRights);
      this.#answer[0] = first.quickPage[0] + (address & 0xfff);
      return;
    }
    this.#plain.setPlain(deviceId, address, right);
    this.#answer[0] = this.translateRequest(this.#plain);
  }

  /** Any request: a physical address, a negative cause, or {@link RISCV_INTERRUPT_FILE}. */
  translateRequest(request: Request): number {
    const result = this.resolve(request);
    if (result < 0 && result !== RISCV_INTERRUPT_FILE) this.#record(request, -result);
    return result;
  }

  /** The same, recording nothing. */
  resolve(request: Request): number {
    this.#suppressesFaults = false;
    if (this.#mode === RiscvDdtpMode.OFF) return -RiscvCause.ALL_DISALLOWED;
    if (this.#mode === RiscvDdtpMode.BARE) {
      return request.translated || request.asksForTranslation ? -RiscvCause.TYPE_DISALLOWED : request.address;
    }
    const context = this.#contextFor(request);
    return typeof context === 'number' ? context : this.#translateIn(context, request);
  }

  /** Answers an ATS translation request (spec H11, H98): only what is wrong with the configuration is recorded. */
  requestTranslation({ sourceId, address, pasid = NO_PROCESS, noWrite = false }: AtsRequest): AtsCompletion {
    const request = this.#plain;
    request.setPlain(sourceId, address - (address % 4096), READS);
    request.processId = pasid;
    request.asksForTranslation = true;
    const context = this.#mode >= RiscvDdtpMode.LEVELS_1 ? this.#contextFor(request) : this.resolve(request);
    if (typeof context === 'number') {
      this.#record(request, -context);
      return ATS_UNSUPPORTED;
    }
    const readable = this.#translateIn(context, request);
    request.right = WRITES;
    const writable = noWrite ? -1 : this.#translateIn(context, request);
    if (readable < 0 && writable < 0) return ATS_NOT_TRANSLATABLE;
    return {
      status: 'success',
      readable: readable >= 0,
      writable: writable >= 0,
      address: Math.max(readable, writable),
      pageBytes: 4096,
    };
  }

  /** A device's message write: to memory, or into an interrupt file there. 0, or a negative cause. */
  writeMessage(deviceId: number, address: number, data: number): number {
    const request = this.#plain;
    request.setPlain(deviceId, address, WRITES);
    const phys = this.translateRequest(request);
    if (phys >= 0) {
      if (this.#memory.canAccess(phys)) this.#memory.store32(phys, data); // else memory refuses it, which no unit records
      return 0;
    }
    const { file } = this.#messages;
    if (phys !== RISCV_INTERRUPT_FILE || file === undefined) return phys;
    const cause = this.#messages.deliver(file, data);
    return cause === 0 ? 0 : this.#record(request, cause);
  }

  #translateIn(context: TranslationContext, request: Request): number {
    const { address, right } = request;
    if (request.translated) {
      return context.translatedGuestAddresses ? this.#toHost(context, 0, address, request) : address;
    }
    if (context.isPassThrough && context.msiTable < 0) return address;
    const tag = request.privileged ? 0 : this.caches.spaces.tagOf(context.space);
    if (!request.asksForTranslation || !context.translatedGuestAddresses) {
      const cached = this.caches.lookup(tag, address, right);
      if (cached >= 0) return cached;
    }
    const guest = this.stages.toGuest(context, tag, request);
    if (guest < 0) return -causeOf(guest, request.accessKind);
    if (request.asksForTranslation && context.translatedGuestAddresses) return guest;
    if (this.#messages.covers(context, guest)) return this.#toInterruptFile(context, guest, request);
    const host = this.#toHost(context, tag, guest, request);
    if (host >= 0) this.#cache(context, tag, address, host);
    return host;
  }

  #toHost(context: TranslationContext, tag: number, guest: number, request: Request): number {
    const host = this.stages.toHost(context, tag, guest, request.right);
    if (host < 0) return -causeOf(host, request.accessKind);
    return host < this.#limit ? host : -causeOf(WalkFault.ACCESS, request.accessKind);
  }

  /** Pages of interrupt files are never cached, so that a hit needn't ask which write is a message (spec H102). */
  #toInterruptFile(context: TranslationContext, guest: number, request: Request): number {
    if ((request.right & WRITES) === 0) return this.#toHost(context, 0, guest, request);
    const { page, cause } = this.#messages.lookup(context, guest);
    if (cause !== 0) return -cause;
    return page < 0 ? RISCV_INTERRUPT_FILE : page + (guest % 4096);
  }

  /** A large page may hold an interrupt file, so a device that has some gets small ones cached. */
  #cache(context: TranslationContext, tag: number, address: number, host: number): void {
    const shift = context.msiTable < 0 ? this.stages.pageShift : 12;
    if (shift <= 30) this.caches.insertPage(tag, address, shift, host - (host % 2 ** shift), this.stages.pageRights);
  }

  /** What the request goes through, from the cache or the tables, or the negative cause of its fault. */
  #contextFor(request: Request): TranslationContext | number {
    let context = this.contexts.find(request.deviceId, request.processId);
    if (context === undefined) {
      context = new TranslationContext();
      const fault = this.#lookup(request, context);
      this.#suppressesFaults = context.suppressesFaults;
      if (fault !== 0) return fault;
      this.contexts.insert(context);
    }
    this.#suppressesFaults = context.suppressesFaults;
    if (!mayUseAts(context, request)) return -RiscvCause.TYPE_DISALLOWED;
    const isProcess = request.processId !== NO_PROCESS;
    if (request.privileged && isProcess && !context.supervisorRequests) return -RiscvCause.TYPE_DISALLOWED;
    return context;
  }

  /** Steps 2 to 5 of spec H98: 0, or a negative cause. */
  #lookup(request: Request, context: TranslationContext): number {
    const device = this.#device;
    context.deviceId = request.deviceId;
    context.requestProcess = request.processId;
    const levels = this.#mode - RiscvDdtpMode.LEVELS_1 + 1;
    const cause = this.#directory.find(this.#root, levels, request.deviceId, device) || device.decode(context);
    if (cause !== 0) return -cause;
    if (!mayUseAts(context, request)) return -RiscvCause.TYPE_DISALLOWED;
    if (!device.hasProcessDirectory && request.processId !== NO_PROCESS) return -RiscvCause.TYPE_DISALLOWED;
    const fault = device.hasProcessDirectory ? this.#lookUpProcess(request, context) : 0;
    context.space = context.isPassThrough ? 0 : this.#spaceOf(context);
    return fault;
  }

  #lookUpProcess(request: Request, context: TranslationContext): number {
    const device = this.#device;
    const processId = request.processId === NO_PROCESS && device.hasDefaultProcess ? 0 : request.processId;
    if (processId === NO_PROCESS || device.processDirectoryMode === RiscvPdtpMode.BARE) return 0;
    context.processId = processId;
    const fault = this.#processes.lookup(device, context, processId);
    return fault < 0 ? -causeOf(fault, request.accessKind) : -fault;
  }

  #spaceOf({ first, second, gscid, pscid }: TranslationContext): number {
    return this.caches.spaces.intern(second.levels === 0 ? ANY : gscid, first.levels === 0 ? ANY : pscid);
  }

  #record(request: Request, cause: number): number {
    if (!this.#suppressesFaults || ALWAYS_RECORDED.has(cause))
      this.#faults.record(request, cause, this.#detailOf(request, cause));
    return -cause;
  }

  /** `iotval2`: the guest's address for guest page faults; QEMU gives the request's for first-stage ones (spec H107). */
  #detailOf(request: Request, cause: number): number {
    if (cause >= 20 && cause <= 23) return this.stages.guestFaultAddress;
    const isPageFault = cause >= 12 && cause <= 15;
    return isPageFault && this.#deviations === 'qemu' ? request.address : 0;
  }
}

function mayUseAts(context: TranslationContext, { translated, asksForTranslation }: Request): boolean {
  return context.allowsAts || !(translated || asksForTranslation);
}
