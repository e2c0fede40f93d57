import type { IommuUnit } from '@dmalab/iommu';
import { PhysMemory } from '@dmalab/phys-memory';
import { ENGINE_BYTES } from '../engine/dma-engine.ts';
import type { DiffSide } from './diff-side.ts';

/** Our side: a model of the unit, and devices that are nothing but their accesses. */
export class ModelDiffSide implements DiffSide {
  readonly #memory = new PhysMemory();
  readonly #unit: IommuUnit;
  readonly #pieceBytes: number;

  /** @param pieceBytes what the other side asks its unit for at once: each piece may leave a record */
  constructor(makeUnit: (memory: PhysMemory) => IommuUnit, pieceBytes: number) {
    this.#unit = makeUnit(this.#memory);
    this.#pieceBytes = pieceBytes;
  }

  readRegister(offset: number): number {
    return this.#unit.readRegister(offset);
  }

  /** Time passes by itself on the other side: the unit works off what the write asked for. */
  writeRegister(offset: number, value: number): void {
    this.#unit.writeRegister(offset, value);
    this.#unit.advance(0);
  }

  readMemory(at: number, lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    this.#memory.read(at, bytes);
    return bytes;
  }

  writeMemory(at: number, bytes: Uint8Array): void {
    this.#memory.write(at, bytes);
  }

  advance(nanoseconds: number): void {
    this.#unit.advance(nanoseconds);
  }

  dmaWrite(rid: number, iova: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; done += this.#pieceBytes) {
      const phys = this.#unit.translate(rid, iova + done, 1);
      if (phys >= 0) this.#memory.write(phys, bytes, done, this.#pieceBytes);
    }
  }

  dmaRead(rid: number, iova: number): Uint8Array {
    const bytes = new Uint8Array(ENGINE_BYTES);
    for (let done = 0; done < ENGINE_BYTES; done += this.#pieceBytes) {
      const phys = this.#unit.translate(rid, iova + done, 0);
      if (phys >= 0) this.#memory.read(phys, bytes, done, this.#pieceBytes);
    }
    return bytes;
  }

  close(): void {}
}
