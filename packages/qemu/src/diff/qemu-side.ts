import type { RegisterBacking } from '@dmalab/phys-memory';
import { DmaEngine } from '../engine/dma-engine.ts';
import type { FaultReader } from '../engine/fault-window.ts';
import type { QemuMachine } from '../machine/qemu-machine.ts';
import type { DiffSide } from './diff-side.ts';

/** QEMU's side: its unit, and an nvme for each function that does DMA. */
export class QemuDiffSide implements DiffSide {
  readonly #machine: QemuMachine;
  readonly #registers: RegisterBacking;
  readonly #faults: FaultReader;
  readonly #engines: ReadonlyMap<number, DmaEngine>;

  constructor(machine: QemuMachine, registers: RegisterBacking, faults: FaultReader, rids: readonly number[]) {
    this.#machine = machine;
    this.#registers = registers;
    this.#faults = faults;
    this.#engines = new Map(rids.map((rid) => [rid, new DmaEngine(machine, rid)]));
  }

  /** Pages that the devices write completions to: quietest when they are mapped at their own addresses. */
  get completionPages(): number[] {
    return [...this.#engines.values()].map(({ completions }) => completions);
  }

  readRegister(offset: number): number {
    return this.#registers.readRegister(offset);
  }

  writeRegister(offset: number, value: number): void {
    this.#registers.writeRegister(offset, value);
  }

  readMemory(at: number, lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    this.#machine.ram.read(at, bytes);
    return bytes;
  }

  writeMemory(at: number, bytes: Uint8Array): void {
    this.#machine.ram.write(at, bytes);
  }

  advance(nanoseconds: number): void {
    this.#machine.advance(nanoseconds);
  }

  dmaWrite(rid: number, iova: number, bytes: Uint8Array): void {
    const engine = this.#engineOf(rid);
    this.#withoutCompletions(engine, () => engine.load(bytes));
    this.#withoutCompletions(engine, () => engine.store(iova));
  }

  dmaRead(rid: number, iova: number): Uint8Array {
    const engine = this.#engineOf(rid);
    return this.#withoutCompletions(engine, () => engine.read(iova));
  }

  close(): void {
    this.#machine.close();
  }

  /** The device's completions may be blocked as well. Nobody asked for them: a record of theirs is dropped. */
  #withoutCompletions<T>(engine: DmaEngine, action: () => T): T {
    const wasRecorded = this.#faults.isRecorded();
    const result = action();
    this.#machine.advance(0); // completions are written a little later
    const record = wasRecorded ? null : this.#faults.first();
    if (record !== null && record.address - (record.address % 4096) === engine.completions) this.#faults.clear();
    engine.recover();
    return result;
  }

  #engineOf(rid: number): DmaEngine {
    const engine = this.#engines.get(rid);
    if (engine === undefined) throw new RangeError(`no engine for function 0x${rid.toString(16)}`);
    return engine;
  }
}
