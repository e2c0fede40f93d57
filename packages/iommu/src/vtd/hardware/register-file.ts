import type { DeviceTlb } from '../../core/unit/ats.ts';
import type { SendMessage } from '../../core/unit/iommu-unit.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get, getAddress, halves, highMask, lowMask } from '../../spec/bits.ts';
import { Ccmd, Gcmd, IotlbReg, IvaReg, Rtaddr, VTD_REG } from '../../spec/vtd-registers.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import { CacheInvalidator } from './cache-invalidator.ts';
import { InvalidationQueue } from './invalidation-queue.ts';
import type { Translator } from './translator.ts';

const TE = lowMask(Gcmd.TE);
const SRTP = lowMask(Gcmd.SRTP);
const SIRTP = lowMask(Gcmd.SIRTP);
const QIE = lowMask(Gcmd.QIE);
const IRE = lowMask(Gcmd.IRE);
const CFI = lowMask(Gcmd.CFI);
/** GCMD bits that are states: each write carries them all (spec H120). */
const STATES = TE | QIE | IRE | CFI;
/** VER: what QEMU reports (spec H14). */
const VERSION = 0x10;
const WORDS = 0x100 / 4;

/** The registers of a unit by offset (spec H14): reads answer from state, writes say what they change at once. */
export class RegisterFile {
  readonly queue: InvalidationQueue;
  readonly #words = new Uint32Array(WORDS);
  readonly #capabilities: VtdCapabilities;
  readonly #translator: Translator;
  readonly #invalidator: CacheInvalidator;
  #ivaLow = 0;
  #ivaHigh = 0;
  #iotlbLow = 0;
  #iotlbHigh = 0;
  #status = 0;

  constructor(
    registers: { readonly cap: number | bigint; readonly ecap: number | bigint },
    capabilities: VtdCapabilities,
    memory: UnitMemory,
    translator: Translator,
    deviceTlbs: ReadonlyMap<number, DeviceTlb>,
    send: SendMessage,
  ) {
    this.#capabilities = capabilities;
    this.#translator = translator;
    this.#invalidator = new CacheInvalidator(translator.contexts, translator.caches, deviceTlbs);
    this.queue = new InvalidationQueue(memory, capabilities, this.#invalidator, translator.faults, send);
    this.#preset(VTD_REG.CAP, registers.cap);
    this.#preset(VTD_REG.ECAP, registers.ecap);
    this.#words[VTD_REG.VER >>> 2] = VERSION;
  }

  read(offset: number): number {
    const { faults } = this.#translator;
    if (offset >= VTD_REG.FECTL && offset <= VTD_REG.FEUADDR) return faults.event.read(offset);
    if (offset >= VTD_REG.IECTL && offset <= VTD_REG.IEUADDR) return this.queue.completion.read(offset);
    switch (offset) {
      case VTD_REG.GSTS:
        return this.#status >>> 0;
      case VTD_REG.FSTS:
        return faults.status;
      case VTD_REG.IQH:
        return this.queue.head;
      case VTD_REG.IQT:
        return this.queue.tail;
      case VTD_REG.ICS:
        return this.queue.completionStatus;
      case VTD_REG.IQER:
        return this.queue.errorLow;
      case VTD_REG.IQER + 4:
        return this.queue.errorHigh;
      default:
        return this.#readPlaced(offset);
    }
  }

  write(offset: number, value: number): void {
    const { faults } = this.#translator;
    if (offset >= VTD_REG.FECTL && offset <= VTD_REG.FEUADDR) faults.event.write(offset, value);
    else if (offset >= VTD_REG.IECTL && offset <= VTD_REG.IEUADDR) this.queue.completion.write(offset, value);
    else if (offset === VTD_REG.IQT) this.queue.setTail(value);
    else if (offset === VTD_REG.GCMD) this.#command(value);
    else if (offset === VTD_REG.FSTS) faults.clearStatus(value);
    else if (offset === VTD_REG.ICS) this.queue.clearCompletion(value);
    else this.#writePlaced(offset, value);
  }

  /** Registers whose place the capabilities decide, and plain storage. */
  #readPlaced(offset: number): number {
    const { faultRecordOffset, iotlbOffset } = this.#capabilities;
    const record = offset - faultRecordOffset;
    if (record >= 0 && record < this.#translator.faults.recordBytes) return this.#translator.faults.readRecord(record);
    if (offset === iotlbOffset + 8) return this.#iotlbLow;
    if (offset === iotlbOffset + 12) return this.#iotlbHigh;
    return offset >= 0 && offset < WORDS * 4 ? this.#words[offset >>> 2] : 0;
  }

  #writePlaced(offset: number, value: number): void {
    const { faultRecordOffset, iotlbOffset } = this.#capabilities;
    const record = offset - faultRecordOffset;
    if (record >= 0 && record < this.#translator.faults.recordBytes) {
      this.#translator.faults.writeRecord(record, value);
    } else if (offset === iotlbOffset) this.#ivaLow = value >>> 0;
    else if (offset === iotlbOffset + 4) this.#ivaHigh = value >>> 0;
    else if (offset === iotlbOffset + 8) this.#iotlbLow = value >>> 0;
    else if (offset === iotlbOffset + 12) this.#iotlbCommand(value >>> 0);
    else this.#store(offset, value >>> 0);
  }

  #store(offset: number, value: number): void {
    switch (offset) {
      case VTD_REG.RTADDR:
      case VTD_REG.RTADDR + 4:
      case VTD_REG.CCMD:
      case VTD_REG.IRTA:
      case VTD_REG.IRTA + 4:
        this.#words[offset >>> 2] = value;
        break;
      case VTD_REG.CCMD + 4:
        this.#contextCommand(value);
        break;
      case VTD_REG.IQA:
      case VTD_REG.IQA + 4:
        this.#words[offset >>> 2] = value;
        this.queue.setBase(this.#words[VTD_REG.IQA >>> 2], this.#words[(VTD_REG.IQA + 4) >>> 2]);
    }
  }

  /** One-shot commands act on every write that has them; states on their edges (spec H15, H120). */
  #command(value: number): void {
    const changed = (this.#status ^ value) & STATES;
    this.#status = (this.#status & ~STATES) | (value & STATES);
    if ((value & SRTP) !== 0) this.#setRootTable();
    if ((value & SIRTP) !== 0) this.#status |= SIRTP;
    if ((changed & QIE) !== 0) this.queue.setEnabled((value & QIE) !== 0);
    if ((changed & TE) !== 0) this.#translator.setEnabled((value & TE) !== 0);
  }

  #setRootTable(): void {
    const low = this.#words[VTD_REG.RTADDR >>> 2];
    const high = this.#words[(VTD_REG.RTADDR + 4) >>> 2];
    this.#translator.setRootTable(getAddress(low, high, Rtaddr.RTA), get(low, high, Rtaddr.TTM));
    if (this.#capabilities.invalidatesOnRootTable) this.#invalidator.invalidateEverything();
    this.#status |= SRTP;
  }

  /** Register-based context invalidation: done at once, so ICC is never read as set (spec H14 CCMD). */
  #contextCommand(high: number): void {
    const low = this.#words[VTD_REG.CCMD >>> 2];
    this.#words[(VTD_REG.CCMD + 4) >>> 2] = (high & ~highMask(Ccmd.ICC)) >>> 0;
    if ((high & highMask(Ccmd.ICC)) === 0) return;
    const domainId = get(low, high, Ccmd.DID);
    const granularity = get(low, high, Ccmd.CIRG);
    if (granularity === 3) {
      this.#invalidator.invalidateSourceContexts(get(low, high, Ccmd.SID), domainId, get(low, high, Ccmd.FM));
    } else if (granularity === 2) this.#invalidator.invalidateDomainContexts(domainId);
    else if (granularity === 1) this.#invalidator.invalidateAllContexts();
    const done = (high & ~(highMask(Ccmd.ICC) | highMask(Ccmd.CAIG))) | (granularity << (Ccmd.CAIG.lo - 32));
    this.#words[(VTD_REG.CCMD + 4) >>> 2] = done >>> 0;
  }

  /** Register-based IOTLB invalidation: done at once, so IVT is never read as set (spec H14 IOTLB). */
  #iotlbCommand(high: number): void {
    this.#iotlbHigh = (high & ~highMask(IotlbReg.IVT)) >>> 0;
    if ((high & highMask(IotlbReg.IVT)) === 0) return;
    const domainId = get(0, high, IotlbReg.DID);
    const granularity = get(0, high, IotlbReg.IIRG);
    if (granularity === 3) this.#invalidateRegisterPages(domainId);
    else if (granularity === 2) this.#invalidator.invalidateDomainTranslations(domainId);
    else if (granularity === 1) this.#invalidator.invalidateAllTranslations();
    const done =
      (high & ~(highMask(IotlbReg.IVT) | highMask(IotlbReg.IAIG))) | (granularity << (IotlbReg.IAIG.lo - 32));
    this.#iotlbHigh = done >>> 0;
  }

  #invalidateRegisterPages(domainId: number): void {
    const address = getAddress(this.#ivaLow, this.#ivaHigh, IvaReg.ADDR);
    const order = get(this.#ivaLow, this.#ivaHigh, IvaReg.AM);
    const leafOnly = get(this.#ivaLow, this.#ivaHigh, IvaReg.IH) === 1;
    this.#invalidator.invalidatePages(domainId, address, Math.min(order, this.#capabilities.maxAddressMask), leafOnly);
  }

  #preset(offset: number, register: number | bigint): void {
    const { low, high } = halves(register);
    this.#words[offset >>> 2] = low;
    this.#words[(offset + 4) >>> 2] = high;
  }
}
