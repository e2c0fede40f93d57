import type { PoolGeometry } from '@dmalab/swiotlb';
import type { BootFacts } from './boot-facts.ts';
import type { BounceHistory } from './bounce.ts';
import { masksOfDriver, possibleMasks } from './device-masks.ts';
import { compareInOrder, PRINTED_ORDER } from './order-search.ts';
import { type DeviceMasks, PoolMachine } from './pool-machine.ts';
import { type PoolShape, possibleShapes, possibleStarts } from './possible-pools.ts';

/** What a replay must know besides the trace (spec S130 to S132). */
export interface ReplaySetting {
  readonly pool: PoolGeometry;
  readonly masks: ReadonlyMap<string, DeviceMasks>;
}

/** A setting and how it was come by. */
export interface LikelySetting extends ReplaySetting {
  /** In words: what nobody told. */
  readonly inferred: readonly string[];
}

/**
 * The setting under which our pool agrees best with the trace in printed order. What the boot text tells is taken as it
 * is; for the rest the possibilities are tried one figure at a time, likeliest first, until all agree.
 *
 * @returns null when no mapping of the trace shows an address
 */
export function findSetting(history: BounceHistory, facts: BootFacts, cpus: number): LikelySetting | null {
  const search = new SettingSearch(history, facts, cpus);
  const best = search.run();
  return best === null ? null : { ...best, inferred: search.inferred(best) };
}

const ROUNDS = 3;

class SettingSearch {
  readonly #history: BounceHistory;
  readonly #facts: BootFacts;
  readonly #shapes: readonly PoolShape[];
  /** What the masks of each device can be; one entry where the driver is known. */
  readonly #masks: ReadonlyMap<string, readonly DeviceMasks[]>;
  #best: ReplaySetting | null = null;
  /** Mappings that the best setting doesn't explain. */
  #unexplained = Number.POSITIVE_INFINITY;

  constructor(history: BounceHistory, facts: BootFacts, cpus: number) {
    this.#history = history;
    this.#facts = facts;
    this.#shapes = possibleShapes(facts, cpus);
    const devices = [...new Set(history.bounces.map(({ device }) => device))];
    this.#masks = new Map(devices.map((device) => [device, this.#masksOf(device)]));
  }

  run(): ReplaySetting | null {
    this.#tryShapes(new Map([...this.#masks].map(([device, masks]) => [device, masks[0]])));
    for (let round = 0; round < ROUNDS && this.#best !== null && this.#unexplained > 0; round++) {
      const before = this.#unexplained;
      this.#tryMasks();
      this.#tryStarts();
      this.#tryShapes(this.#best.masks);
      if (this.#unexplained === before) break;
    }
    return this.#best;
  }

  inferred({ pool, masks }: ReplaySetting): string[] {
    const { start, slotCount, areaCount } = this.#facts;
    const inferred: string[] = [];
    if (start === undefined) inferred.push(`start 0x${pool.start.toString(16)}`);
    if (slotCount === undefined) inferred.push(`${pool.slotCount} slots`);
    if (areaCount === undefined) inferred.push(`${pool.areaCount} areas`);
    for (const [device, { minAlignMask, segBoundaryMask }] of masks) {
      if (this.#masks.get(device)!.length === 1) continue;
      inferred.push(`${device} min_align_mask 0x${minAlignMask.toString(16)}`);
      inferred.push(`${device} seg_boundary_mask 0x${segBoundaryMask.toString(16)}`);
    }
    return inferred;
  }

  #masksOf(device: string): readonly DeviceMasks[] {
    const known = masksOfDriver(this.#facts.drivers.get(device));
    if (known !== undefined) return [known];
    return possibleMasks(device, this.#history.bounces, this.#history.behindIommu.has(device));
  }

  #tryShapes(masks: ReadonlyMap<string, DeviceMasks>): void {
    for (const shape of this.#shapes) {
      const [start] = possibleStarts(this.#facts, this.#history.bounces, shape);
      if (start !== undefined) this.#try({ pool: { start, ...shape }, masks });
    }
  }

  #tryMasks(): void {
    for (const [device, possible] of this.#masks) {
      for (const masks of possible)
        this.#try({ pool: this.#best!.pool, masks: new Map([...this.#best!.masks, [device, masks]]) });
    }
  }

  #tryStarts(): void {
    const { pool, masks } = this.#best!;
    for (const start of possibleStarts(this.#facts, this.#history.bounces, {
      slotCount: pool.slotCount,
      areaCount: pool.areaCount ?? 1,
    })) {
      this.#try({ pool: { ...pool, start }, masks });
    }
  }

  #try(setting: ReplaySetting): void {
    if (this.#unexplained === 0) return;
    const machine = new PoolMachine(setting.pool, setting.masks, this.#history.behindIommu);
    const limits = { ...PRINTED_ORDER, unexplained: this.#unexplained };
    const unexplained = compareInOrder(machine, this.#history, limits).given.size;
    if (unexplained < this.#unexplained) {
      this.#best = setting;
      this.#unexplained = unexplained;
    }
  }
}
