import type { IommuUnit, TableMemory } from '@dmalab/iommu';
import type { DmaRemapper } from '@dmalab/pci-p2p';
import type { RegisterBacking } from '@dmalab/phys-memory';

/** What passed through an IOMMU since the meter was put there, or since {@link IommuMeter.reset}. */
export interface IommuTraffic {
  /** Requests, one for each page that a transfer touches. */
  readonly requests: number;
  /** Requests for which the unit read tables. */
  readonly walks: number;
  /** Requests that its caches answered. */
  readonly hits: number;
  readonly faults: number;
  /** Times that the driver handed the unit's queue something to invalidate. */
  readonly invalidations: number;
}

/**
 * Counts what an IOMMU does, from outside: it stands between the unit and its memory, its driver, and the fabric. A walk
 * is a request during which the unit read memory.
 */
export class IommuMeter implements DmaRemapper, TableMemory, RegisterBacking {
  readonly #memory: TableMemory;
  readonly #queueTail: number;
  #unit: IommuUnit | null = null;
  #loads = 0;
  #requests = 0;
  #walks = 0;
  #faults = 0;
  #invalidations = 0;

  /**
   * @param memory where the tables lie
   * @param queueTail register whose writes hand over what was queued before them
   */
  constructor(memory: TableMemory, queueTail: number) {
    this.#memory = memory;
    this.#queueTail = queueTail;
  }

  /** Says whose requests to count. */
  watch(unit: IommuUnit): void {
    this.#unit = unit;
  }

  get traffic(): IommuTraffic {
    const hits = this.#requests - this.#walks;
    return {
      requests: this.#requests,
      walks: this.#walks,
      hits,
      faults: this.#faults,
      invalidations: this.#invalidations,
    };
  }

  /** Words of 32 bits that the unit read from memory, ever. */
  get loads(): number {
    return this.#loads;
  }

  reset(): void {
    this.#requests = 0;
    this.#walks = 0;
    this.#faults = 0;
    this.#invalidations = 0;
  }

  load32(at: number): number {
    this.#loads++;
    return this.#memory.load32(at);
  }

  store32(at: number, value: number): void {
    this.#memory.store32(at, value);
  }

  readRegister(offset: number): number {
    return this.#watched().readRegister(offset);
  }

  writeRegister(offset: number, value: number): void {
    if (offset === this.#queueTail) this.#invalidations++;
    this.#watched().writeRegister(offset, value);
  }

  advance(nanos: number): void {
    this.#watched().advance(nanos);
  }

  #watched(): IommuUnit {
    if (this.#unit === null) throw new Error('an IommuMeter has to watch a unit before its registers are used');
    return this.#unit;
  }

  translate(sourceId: number, address: number, isWrite: 0 | 1): number {
    const loads = this.#loads;
    const result = this.#unit === null ? address : this.#unit.translate(sourceId, address, isWrite);
    this.#requests++;
    if (this.#loads !== loads) this.#walks++;
    if (result < 0) this.#faults++;
    return result;
  }
}
