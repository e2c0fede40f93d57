import type { IommuUnitDriver, UnitDomain, UnitFault } from '@dmalab/iommu';
import type { ConformanceRig, ScratchMemory } from '@dmalab/iommu/testing';
import { devfn } from '@dmalab/pci-p2p';
import { DmaEngine, ENGINE_BYTES } from '../engine/dma-engine.ts';
import type { FaultWindow } from '../engine/fault-window.ts';
import { PageStock } from '../machine/page-stock.ts';
import { QemuMachine } from '../machine/qemu-machine.ts';
import type { SharedRam } from '../machine/shared-ram.ts';
import { type QemuIommu, startDriver } from './qemu-iommus.ts';

const RAM_BYTES = 2 ** 28;
const SCRATCH_BYTES = 2 ** 24;
const READ_WRITE = 3;
/** What scratch memory is filled with: a device that is blocked reads zeros, and only then. */
const NEVER_ZERO = 0xee;
/** Takes all of it for a search; making it anew for each would cost more than the search. */
const EVERYTHING = Buffer.alloc(SCRATCH_BYTES);
const SLOTS = [4, 5, 6];
/** RAM that the machine keeps for itself: engines and messages. */
const OWN_BYTES = 2 ** 20;

/**
 * QEMU's IOMMU and three of its NVMe controllers that access what they are told to. One machine serves all tests of a
 * unit, since each start costs a while; every rig has a driver of its own, which starts the unit anew.
 */
export class QemuConformance {
  readonly #iommu: QemuIommu;
  #machine: QemuMachine | null = null;
  #engines: ReadonlyMap<number, DmaEngine> = new Map();

  constructor(iommu: QemuIommu) {
    this.#iommu = iommu;
  }

  rig(): ConformanceRig {
    const iommu = this.#iommu;
    const machine = this.#machine ?? this.#start();
    const engines = this.#engines;
    const base = machine.ram.start + RAM_BYTES - SCRATCH_BYTES; // the far end: pages are handed out from the other
    const scratch = new WatchedScratch(machine.ram, base);
    const pages = new PageStock(machine.platform.freeRam + OWN_BYTES, base);
    const log: string[] = [];
    iommu.stop(iommu.registers(machine));
    const driver = startDriver({ machine, pages }, iommu, (line) => log.push(line));
    const faults = iommu.faultWindow(machine);
    faults.clear();
    return {
      driver: new EngineDriver(driver, [...engines.values()]),
      sources: [devfn(4), devfn(5), devfn(6)],
      scratch,
      log,
      hasWriteOnly: iommu.hasWriteOnly,
      hasPassThrough: true,
      checksAddressWidth: !iommu.differences.includes('amd-mode-width'),
      recordsFaults: !iommu.differences.includes('amd-no-events'),
      tablePagesInUse: () => pages.inUse,
      access(sourceId, iova, bytes, isWrite) {
        const engine = engines.get(sourceId);
        if (engine === undefined) throw new RangeError(`no engine has source id 0x${sourceId.toString(16)}`);
        const isRecorded = isFault(engine, faults, iova, bytes, isWrite);
        // Some blocks leave no record: by the specification, or as QEMU_DIFFERENCES lists. Then nothing moved.
        return !isRecorded && (isWrite ? scratch.holds(bytes) : bytes.some((byte) => byte !== 0));
      },
      faultLine: iommu.faultLine,
    };
  }

  close(): void {
    this.#machine?.close();
    this.#machine = null;
  }

  #start(): QemuMachine {
    const { platform, args, devices } = this.#iommu;
    const nvmes = SLOTS.map((slot) => `nvme,serial=dmalab${slot},addr=${slot},cmb_size_mb=1`);
    const machine = new QemuMachine({ platform, ramBytes: RAM_BYTES, args, devices: [...devices, ...nvmes] });
    this.#engines = new Map(SLOTS.map((slot) => [devfn(slot), new DmaEngine(machine, devfn(slot))]));
    this.#machine = machine;
    return machine;
  }
}

/** The engine moves 512 bytes at once: the ones around those that are wanted, which are in the same page. */
function isFault(engine: DmaEngine, faults: FaultWindow, iova: number, bytes: Uint8Array, isWrite: boolean): boolean {
  const offset = iova % ENGINE_BYTES;
  const window = iova - offset;
  engine.recover();
  if (isWrite) {
    const block = new Uint8Array(ENGINE_BYTES);
    block.set(bytes, offset);
    engine.load(block);
    faults.clear();
    engine.store(window);
  } else {
    faults.clear();
    bytes.set(engine.read(window).subarray(offset, offset + bytes.length));
  }
  return faults.isRecorded();
}

/** The part of RAM that devices may reach, with an eye on where the test looks. */
class WatchedScratch implements ScratchMemory {
  readonly base: number;
  readonly lengthBytes = SCRATCH_BYTES;
  readonly #ram: SharedRam;
  #latestStore: number;

  constructor(ram: SharedRam, base: number) {
    this.#ram = ram;
    this.base = base;
    this.#latestStore = base;
    ram.fill(base, SCRATCH_BYTES, NEVER_ZERO);
  }

  load32(at: number): number {
    return this.#ram.load32(at);
  }

  store32(at: number, value: number): void {
    this.#latestStore = at;
    this.#ram.store32(at, value);
  }

  /** Whether a word stands where the test stored last, or else anywhere. */
  holds(word: Uint8Array): boolean {
    const bytes = Buffer.alloc(4);
    this.#ram.read(this.#latestStore, bytes);
    if (bytes.equals(word)) return true;
    this.#ram.read(this.base, EVERYTHING);
    return EVERYTHING.includes(Buffer.from(word));
  }
}

/** Our driver, with the pages that the engines write completions to mapped in every domain that one of them is in. */
class EngineDriver implements IommuUnitDriver {
  readonly #driver: IommuUnitDriver;
  readonly #engines: readonly DmaEngine[];
  readonly #prepared = new WeakSet<UnitDomain>();

  constructor(driver: IommuUnitDriver, engines: readonly DmaEngine[]) {
    this.#driver = driver;
    this.#engines = engines;
  }

  enable(): void {
    this.#driver.enable();
  }

  disable(): void {
    this.#driver.disable();
  }

  handleFaultEvent(nowNanos: number): readonly UnitFault[] {
    return this.#driver.handleFaultEvent(nowNanos);
  }

  createDomain(options: { readonly superpages?: boolean } = {}): UnitDomain {
    return this.#driver.createDomain(options);
  }

  attachDevice(sourceId: number, domain: UnitDomain, options: { readonly ats?: boolean } = {}): void {
    if (!this.#prepared.has(domain))
      for (const { completions } of this.#engines) domain.map(completions, completions, 4096, READ_WRITE);
    this.#prepared.add(domain);
    this.#driver.attachDevice(sourceId, domain, options);
  }

  attachPassThrough(sourceId: number): void {
    this.#driver.attachPassThrough(sourceId);
  }

  detachDevice(sourceId: number): void {
    this.#driver.detachDevice(sourceId);
  }
}
