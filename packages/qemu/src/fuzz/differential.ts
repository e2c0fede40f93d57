import type { DmaEngine } from '../engine/dma-engine.ts';
import { ENGINE_BYTES } from '../engine/dma-engine.ts';
import type { FaultReader, RecordedFault } from '../engine/fault-window.ts';
import type { SharedRam } from '../machine/shared-ram.ts';
import type { FuzzCase, FuzzRequest } from './fuzz-case.ts';
import { dataBytes, type FuzzLayout } from './fuzz-layout.ts';

/** What became of a request: where its data went, or what was recorded. */
export interface Outcome {
  readonly fault: RecordedFault | null;
  /** Whether the 512 bytes at `phys` moved; null where that address is no data of the case. */
  readonly moved: boolean | null;
}

/** A request that ended differently on both sides. */
export interface Disagreement {
  readonly seed: number;
  readonly request: FuzzRequest;
  readonly model: RecordedFault | { readonly phys: number };
  readonly qemu: Outcome;
  /** Whether an earlier request of the case had passed in the same GiB, which is what one translation can cover. */
  readonly mayBeCached: boolean;
}

/** A model of the unit, with its fault records. */
export interface ModelSide {
  load(next: FuzzCase): void;
  /** Physical address, or negative after a fault. */
  translate(iova: number, isWrite: 0 | 1): number;
  readonly faults: FaultReader;
}

/** QEMU's unit, with a device behind it. */
export interface QemuSide {
  load(next: FuzzCase): void;
  readonly engine: DmaEngine;
  readonly faults: FaultReader;
  readonly ram: SharedRam;
}

/** Plays cases on both sides; what is recorded, and where data goes, has to be the same (spec B53). */
export class Differential {
  readonly #layout: FuzzLayout;
  readonly #model: ModelSide;
  readonly #qemu: QemuSide;
  /** Requests that passed, and that were blocked, so far: a fuzz that only ever sees one of them tests little. */
  passed = 0;
  blocked = 0;
  readonly #initialData: Uint8Array;
  #writes = 0;

  constructor(layout: FuzzLayout, model: ModelSide, qemu: QemuSide) {
    this.#layout = layout;
    this.#model = model;
    this.#qemu = qemu;
    this.#initialData = dataBytes(layout.data, layout.dataBytes);
    this.#restoreData();
  }

  play(next: FuzzCase): Disagreement[] {
    this.#model.load(next);
    this.#qemu.load(next);
    this.#qemu.engine.recover();
    const passed = new Set<number>();
    const found: Disagreement[] = [];
    for (const request of next.requests) {
      const disagreement = this.#compare(next.seed, request, passed);
      if (disagreement !== null) found.push(disagreement);
    }
    return found;
  }

  #compare(seed: number, request: FuzzRequest, passedIn: Set<number>): Disagreement | null {
    const { iova, isWrite } = request;
    const gib = Math.floor(iova / 2 ** 30);
    const phys = this.#model.translate(iova, isWrite ? 1 : 0);
    const fault = take(this.#model.faults);
    const qemu = this.#request(request, phys);
    const mayBeCached = passedIn.has(gib);
    if (phys >= 0) {
      passedIn.add(gib);
      this.passed++;
    } else this.blocked++;
    const agrees =
      phys >= 0 ? qemu.fault === null && qemu.moved !== false : sameFault(fault, qemu.fault, this.#layout.completions);
    return agrees ? null : { seed, request, model: fault ?? { phys }, qemu, mayBeCached };
  }

  #request({ iova, isWrite }: FuzzRequest, phys: number): Outcome {
    return isWrite ? this.#write(iova, phys) : this.#read(iova, phys);
  }

  #read(iova: number, phys: number): Outcome {
    const { engine, faults } = this.#qemu;
    faults.clear();
    const bytes = engine.read(iova);
    const moved = this.#isData(phys) ? same(bytes, dataBytes(phys, ENGINE_BYTES)) : null;
    return { fault: take(faults), moved };
  }

  #write(iova: number, phys: number): Outcome {
    const { engine, faults, ram } = this.#qemu;
    const sent = new Uint8Array(new Uint32Array(ENGINE_BYTES / 4).fill(++this.#writes).buffer);
    engine.load(sent);
    faults.clear();
    engine.store(iova);
    const fault = take(faults);
    if (phys < 0 && fault === null) this.#restoreData(); // it may have gone anywhere
    if (!this.#isData(phys)) return { fault, moved: null };
    const arrived = new Uint8Array(ENGINE_BYTES);
    ram.read(phys, arrived);
    ram.write(phys, dataBytes(phys, ENGINE_BYTES));
    return { fault, moved: same(arrived, sent) };
  }

  #restoreData(): void {
    this.#qemu.ram.write(this.#layout.data, this.#initialData);
  }

  #isData(phys: number): boolean {
    const { data, dataBytes: size } = this.#layout;
    return phys >= data && phys + ENGINE_BYTES <= data + size;
  }
}

/**
 * The engine's completions fault too where everything does, and may come first: then the address is theirs, and the rest
 * has to be the same.
 */
function sameFault(model: RecordedFault | null, qemu: RecordedFault | null, completions: number): boolean {
  if (model === null || qemu === null) return model === qemu;
  if (model.reason !== qemu.reason || model.sourceId !== qemu.sourceId) return false;
  const isCompletion = qemu.address - (qemu.address % 4096) === completions;
  return isCompletion || (model.isRead === qemu.isRead && pageOf(model.address) === pageOf(qemu.address));
}

/** The first record; all are forgotten. */
function take(faults: FaultReader): RecordedFault | null {
  const fault = faults.first();
  if (fault !== null) faults.clear();
  return fault;
}

function pageOf(address: number): number {
  return Math.floor(address / 4096);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
