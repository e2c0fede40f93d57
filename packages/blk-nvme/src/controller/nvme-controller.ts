import type { MemoryBar } from '@dmalab/pci-p2p';
import { get, join64, put, set } from '../spec/bits.ts';
import {
  Aqa,
  CAP_CSS_ALL_SETS,
  CAP_CSS_NVM,
  CapHigh,
  CapLow,
  CC_CSS_ALL_SETS,
  CC_CSS_NVM,
  Cc,
  Cmbmsc,
  CSTS_NSSRO,
  Csts,
  NSSR_MAGIC,
  PMRCTL_EN,
  Pmrmscl,
  Register,
  SHST_COMPLETE,
  SHST_NORMAL,
} from '../spec/registers.ts';
import { CommandLoop } from './command-loop.ts';
import { tellChanged } from './commands/namespace-commands.ts';
import { resetSelfTest } from './commands/self-test.ts';
import type { PowerCutChoice } from './media/durability.ts';
import { Namespace, WRITE_PROTECT_POWER_CYCLE } from './media/namespace.ts';
import { type NamespaceOptions, type NvmeControllerOptions, settleOptions } from './options.ts';
import { writeDoorbell } from './registers/doorbells.ts';
import { ControllerState } from './state/controller-state.ts';
import type { FaultRules } from './state/fault-rules.ts';
import type { Health } from './state/health.ts';

/**
 * An NVMe controller (spec part C), register-accurate: a driver brings it up and uses it through BAR0, and it reaches
 * the machine through its bus-master port. Register accesses answer at once and cause no DMA; all work is done in
 * {@link step}. Satisfies the BAR handler of `@dmalab/pci-p2p`.
 *
 * ```ts
 * const controller = new NvmeController({ port, namespaces: [{ sizeBytes: 1 << 26 }] });
 * while (controller.step());
 * ```
 */
export class NvmeController {
  readonly #c: ControllerState;
  readonly #loop: CommandLoop;

  /** @throws {ControllerOptionsError} when an option is out of range */
  constructor(options: NvmeControllerOptions) {
    this.#c = new ControllerState(settleOptions(options));
    this.#loop = new CommandLoop(this.#c);
  }

  /** Faults on demand. */
  get faults(): FaultRules {
    return this.#c.faults;
  }

  get health(): Health {
    return this.#c.health;
  }

  /** Bus-master requests that failed since power on. */
  get faultCount(): number {
    return this.#c.memory.faultCount;
  }

  /** The controller memory buffer: what to put behind BAR 2; empty when there is none. */
  get cmb(): MemoryBar {
    return this.#c.memory.cmb.bar;
  }

  /** The persistent memory region: what to put behind BAR 4; empty when there is none. */
  get pmr(): MemoryBar {
    return this.#c.memory.pmr.bar;
  }

  /** Writes that a power cut could lose; counted only with `trackDurability`. */
  get unflushedWrites(): number {
    return this.#c.durability.unflushedCount;
  }

  namespace(nsid: number): Namespace | undefined {
    return this.#c.namespaces[nsid - 1];
  }

  /** Puts a namespace at an id, in place of one that was there; the host is told (spec N95, N154). */
  attachNamespace(nsid: number, options: NamespaceOptions): void {
    this.#c.namespaces[nsid - 1] = new Namespace(nsid, options);
    tellChanged(this.#c, nsid);
  }

  /** Takes a namespace away; commands to it end with "invalid field" from now on (spec N140). */
  detachNamespace(nsid: number): void {
    this.#c.namespaces[nsid - 1] = undefined;
    tellChanged(this.#c, nsid);
  }

  /** A 32-bit register of BAR0, unsigned; unaligned, reserved and write-only ones read 0 (spec N120). */
  readRegister(offset: number): number {
    return this.#c.registers.read(offset);
  }

  /** A 32-bit write to BAR0 (spec N120). Latches, and leaves the work to {@link step}. */
  writeRegister(offset: number, value: number): void {
    value >>>= 0;
    if (offset >= Register.DOORBELLS) {
      if (get(this.#c.registers.csts, Csts.RDY) === 1) writeDoorbell(this.#c, offset, value);
      return;
    }
    if (this.#c.registers.writeHeld(offset, value)) {
      if (offset === Register.INTMS || offset === Register.INTMC) this.#c.wire?.settle();
      return;
    }
    if (offset >= Register.PMRCAP) this.#writePersistentRegion(offset, value);
    else if (offset === Register.CC) this.#writeConfiguration(value);
    else if (offset === Register.NSSR) this.#writeSubsystemReset(value);
    else if (offset === Register.CMBMSC) this.#writeCmbmsc(value, this.#c.registers.cmbmscHigh);
    else if (offset === Register.CMBMSC + 4) this.#writeCmbmsc(this.#c.registers.cmbmscLow, value);
  }

  /** One bounded piece of work; false when there is nothing to do. Not to be called from inside a port call. */
  step(): boolean {
    return this.#loop.step();
  }

  /** Lets virtual time pass, for latency, timestamps and interrupt coalescing. */
  advance(nanos: number): void {
    this.#c.nowNanos += nanos;
  }

  /** Nanoseconds until something becomes due by itself: 0 now, Infinity never. */
  get nextDueNanos(): number {
    const { outstanding, background, keepAliveDueNanos, nowNanos } = this.#c;
    const next = Math.min(outstanding.nextDueNanos, background.nextDueNanos, keepAliveDueNanos);
    return Math.max(0, next - nowNanos);
  }

  /** Function level, conventional or power-on reset: every register to its default (spec N124). */
  reset(): void {
    this.#disable();
    this.#c.registers.powerOnDefaults();
    this.#c.memory.cmb.base = -1;
    this.#c.memory.pmr.base = -1;
  }

  /**
   * Power goes and comes back (spec N161): unflushed writes survive as `choose` says, none by default. Counts as an
   * unsafe shutdown unless the host had shut the controller down.
   */
  powerCut(choose: PowerCutChoice = () => 0): void {
    const { health, registers, durability, config } = this.#c;
    if (get(registers.csts, Csts.SHST) !== SHST_COMPLETE) health.unsafeShutdowns++;
    health.powerCycles++;
    durability.powerCut(choose, config.awupf + 1);
    for (const ns of this.#c.namespaces) {
      ns?.reservation.powerLost();
      if (ns?.writeProtection === WRITE_PROTECT_POWER_CYCLE) ns.writeProtection = 0;
    }
    this.#c.memory.cmb.bar.bytes.fill(0);
    this.reset();
  }

  #writeConfiguration(value: number): void {
    const { registers } = this.#c;
    const previous = registers.cc;
    registers.cc = (value & CC_WRITABLE) >>> 0;
    const wasEnabled = get(previous, Cc.EN) === 1;
    const isEnabled = get(value, Cc.EN) === 1;
    if (isEnabled && !wasEnabled) this.#enable();
    if (!isEnabled && wasEnabled) this.#disable();
    if (get(value, Cc.SHN) !== get(previous, Cc.SHN)) this.#shutDown(get(value, Cc.SHN));
  }

  /** CC.EN 0 to 1 (spec N121): ready at once, or fatal when the configuration is none that was offered. */
  #enable(): void {
    const { registers, sqs, cqs } = this.#c;
    if (!this.#configurationFits()) {
      registers.csts = set(registers.csts, Csts.CFS, 1);
      return;
    }
    this.#c.pageBytes = registers.pageBytes;
    sqs.create(0, registers.asq, get(registers.aqa, Aqa.ASQS) + 1, 0, 0);
    cqs.create(0, registers.acq, get(registers.aqa, Aqa.ACQS) + 1, 0, 1);
    registers.csts = set(registers.csts, Csts.RDY, 1);
  }

  #configurationFits(): boolean {
    const { registers } = this.#c;
    const css = get(registers.cc, Cc.CSS);
    const offered = get(registers.capHigh, CapHigh.CSS);
    const cssFits =
      (css === CC_CSS_NVM && (offered & CAP_CSS_NVM) !== 0) ||
      (css === CC_CSS_ALL_SETS && (offered & CAP_CSS_ALL_SETS) !== 0);
    return (
      cssFits &&
      ((registers.asqLow | registers.acqLow) & 0xfff) === 0 &&
      get(registers.cc, Cc.MPS) <= get(registers.capHigh, CapHigh.MPSMAX) &&
      get(registers.cc, Cc.AMS) <= get(registers.capLow, CapLow.AMS) &&
      get(registers.aqa, Aqa.ASQS) >= 1 &&
      get(registers.aqa, Aqa.ACQS) >= 1
    );
  }

  /** CC.EN 1 to 0: a controller reset. Admin queue addresses, CMBMSC and namespaces survive (spec N122). */
  #disable(): void {
    const c = this.#c;
    c.memory.generation++;
    c.sqs.clear();
    c.cqs.clear();
    c.outstanding.clear();
    c.events.clear();
    c.features.reset();
    c.firmware.downloadedBytes = 0;
    c.keepAliveDueNanos = Number.POSITIVE_INFINITY;
    resetSelfTest(c);
    c.shadowDoorbells = -1;
    c.eventIndexes = -1;
    c.registers.csts &= CSTS_NSSRO;
    c.registers.interruptMask = 0;
    c.wire?.settle();
  }

  /** CC.SHN (spec N123): caches are emptied at once, so the shutdown is complete at once. */
  #shutDown(shn: number): void {
    const { registers, durability } = this.#c;
    if (shn !== 0) durability.flush();
    registers.csts = set(registers.csts, Csts.SHST, shn === 0 ? SHST_NORMAL : SHST_COMPLETE);
  }

  /** Resets everything and says so afterwards (spec N120, N124). */
  #writeSubsystemReset(value: number): void {
    if (value !== NSSR_MAGIC || !this.#c.config.subsystemReset) return;
    this.reset();
    this.#c.registers.csts = put(Csts.NSSRO, 1);
  }

  #writeCmbmsc(low: number, high: number): void {
    const { registers, memory } = this.#c;
    if (memory.cmb.bar.bytes.length === 0) return;
    registers.cmbmscLow = low;
    registers.cmbmscHigh = high;
    const enabled = get(low, Cmbmsc.CRE) === 1 && get(low, Cmbmsc.CMSE) === 1;
    memory.cmb.base = enabled ? join64((low & ~0xfff) >>> 0, high) : -1;
  }

  /** Enabling and placing the persistent memory region (spec N120, outline). */
  #writePersistentRegion(offset: number, value: number): void {
    const { registers, memory } = this.#c;
    if (memory.pmr.bar.bytes.length === 0) return;
    if (offset === Register.PMRCTL) registers.pmrctl = value & PMRCTL_EN;
    else if (offset === Register.PMRMSCL) registers.pmrmscLow = value;
    else if (offset === Register.PMRMSCU) registers.pmrmscHigh = value;
    const enabled = registers.pmrctl !== 0 && get(registers.pmrmscLow, Pmrmscl.CMSE) === 1;
    memory.pmr.base = enabled ? join64((registers.pmrmscLow & ~0xfff) >>> 0, registers.pmrmscHigh) : -1;
  }
}

/** Bits of CC that a write can change. */
const CC_WRITABLE = 0x01fffff1;
