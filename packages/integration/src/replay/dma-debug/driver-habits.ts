import { EventKind, type TraceLog } from '@dmalab/trace';

/** Above this share of its maps a direct device's missing unmaps are a habit, not an accident. */
const ELIDING_SHARE = 0.02;
const ELIDING_LEAST = 8;
/** Maps of one address that may wait for their unmaps; a driver that leaves unmaps out would pile them up for ever. */
const MOST_OPEN = 8;

/** How the driver of one device treats its mappings, as the whole trace shows it. */
export interface DriverHabits {
  /**
   * It leaves unmaps out, as the block layer does where nothing would happen (spec D60): maps without an unmap prove nothing,
   * and an address is mapped again and again (spec T3).
   */
  readonly elides: boolean;
  /** It could be one that does, too seldom to tell: a direct device in a trace with NVMe in it. */
  readonly mayElide: boolean;
  /** Longest time from a map to its unmap, in microseconds. */
  readonly longestMicros: number;
}

class HabitTally {
  maps = 0;
  directMaps = 0;
  remaps = 0;
  unmaps = 0;
  longestMicros = 0;
  /** Times of the maps of each address that no unmap has followed yet. */
  readonly #open = new Map<number, number[]>();

  map(address: number, phys: number, micros: number): void {
    this.maps++;
    if (address === phys) this.directMaps++;
    const open = this.#open.get(address) ?? [];
    if (open.length > 0) this.remaps++;
    open.push(micros);
    if (open.length > MOST_OPEN) open.shift();
    this.#open.set(address, open);
  }

  unmap(address: number, micros: number): void {
    const since = this.#open.get(address)?.pop();
    if (since === undefined) return;
    this.unmaps++;
    this.longestMicros = Math.max(this.longestMicros, micros - since);
  }

  /** Elision needs the direct path; a device that bounced, or that an IOMMU translates for, must unmap (spec D59). */
  habits(hasNvme: boolean): DriverHabits {
    const few = Math.max(ELIDING_LEAST, this.maps * ELIDING_SHARE);
    const isDirect = this.directMaps > this.maps / 2;
    const elides = isDirect && this.remaps > few && this.maps - this.unmaps > few;
    return { elides, mayElide: elides || (isDirect && hasNvme), longestMicros: this.longestMicros };
  }
}

const NO_HABITS: DriverHabits = { elides: false, mayElide: false, longestMicros: 0 };

/** Learns the habits of every device that maps single ranges, batch by batch. Devices go by their string numbers. */
export class HabitLearner {
  readonly #tallies = new Map<number, HabitTally>();
  #hasNvme = false;

  take(log: TraceLog): void {
    for (let i = 0; i < log.length; i++) {
      const kind = log.kind(i);
      if (kind === EventKind.NVME_SETUP_CMD) this.#hasNvme = true;
      if (kind !== EventKind.DMA_MAP_PHYS && kind !== EventKind.DMA_UNMAP_PHYS) continue;
      const device = log.deviceId(i);
      const tally = this.#tallies.get(device) ?? new HabitTally();
      this.#tallies.set(device, tally);
      if (kind === EventKind.DMA_UNMAP_PHYS) tally.unmap(log.address(i), log.time(i));
      else if (log.address(i) >= 0) tally.map(log.address(i), log.phys(i), log.time(i));
    }
  }

  /** As far as the events so far show it. */
  habits(device: number): DriverHabits {
    return this.#tallies.get(device)?.habits(this.#hasNvme) ?? NO_HABITS;
  }
}
