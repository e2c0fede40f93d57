import type { TraceLog } from '@dmalab/trace';
import { spanOf } from '../diagnosis/timeline.ts';
import type { Bounce, BounceHistory } from './bounce.ts';
import { PoolMachine } from './pool-machine.ts';
import { MAX_FAILURES, type PoolFailure, type PoolPressure } from './pool-pressure.ts';
import type { ReplaySetting } from './setting-search.ts';
import { SlotLedger } from './slot-ledger.ts';

/** The pool that was traced, as full as the kernel's was: every mapping takes the slots that the kernel's took. */
export function tracedPressure(log: TraceLog, history: BounceHistory, setting: ReplaySetting): PoolPressure {
  return new PoolRun(log, history, setting, true).run();
}

/**
 * The trace's requests on another pool, which answers by itself. A mapping that the kernel failed and this pool does
 * not is held until its caller's next attempt in the trace, or as long as the trace's longest mapping.
 */
export function pressureElsewhere(log: TraceLog, history: BounceHistory, setting: ReplaySetting): PoolPressure {
  return new PoolRun(log, history, setting, false).run();
}

interface Held {
  readonly bounce: Bounce;
  readonly area: number;
  readonly slots: number;
  readonly sinceMicros: number;
}

class PoolRun {
  readonly #log: TraceLog;
  readonly #history: BounceHistory;
  readonly #machine: PoolMachine;
  readonly #follows: boolean;
  readonly #ledger: SlotLedger;
  readonly #held = new Map<Bounce, Held>();
  /** Mappings that only this pool could make: no free of the trace ends them. Oldest first. */
  readonly #unasked = new Set<Held>();
  readonly #patienceMicros: number;
  readonly #failures: PoolFailure[] = [];
  #failed = 0;
  #foreign = 0;
  #longestMicros = 0;

  constructor(log: TraceLog, history: BounceHistory, { pool, masks }: ReplaySetting, follows: boolean) {
    this.#log = log;
    this.#history = history;
    this.#machine = new PoolMachine(pool, masks, history.behindIommu);
    this.#follows = follows;
    this.#ledger = new SlotLedger(spanOf(log), this.#machine.pool.areaCount);
    this.#patienceMicros = longestHold(log, history);
  }

  run(): PoolPressure {
    for (const { bounce, isFree, at } of this.#history.steps) {
      const event = Math.min(at, this.#log.length - 1);
      this.#endUnasked(bounce, event, isFree);
      if (isFree) this.#free(bounce, event);
      else this.#map(bounce, event);
    }
    const { slotCount, areaCount } = this.#machine.pool;
    return {
      slotCount,
      areaCount,
      mappings: this.#history.bounces.length,
      failures: this.#failed,
      firstFailures: this.#failures,
      foreignArea: this.#foreign,
      longestHeldMicros: this.#longestMicros,
      ...this.#ledger.finish(),
    };
  }

  #map(bounce: Bounce, event: number): void {
    const kernelFailed = bounce.outcome === 'failed';
    const slot = this.#find(bounce);
    if (this.#follows ? kernelFailed : slot < 0) {
      this.#fail(bounce, event);
      return;
    }
    if (this.#follows && !this.#isKernels(bounce, slot)) this.#machine.force(bounce);
    else this.#machine.claim(bounce, slot);
    const slots = this.#machine.slotsHeld(bounce);
    if (slots === 0) return;
    const held = { bounce, slots, area: this.#machine.areaHeld(bounce), sinceMicros: this.#log.time(event) };
    this.#held.set(bounce, held);
    if (kernelFailed) this.#unasked.add(held);
    this.#change(held, slots, event);
  }

  #find(bounce: Bounce): number {
    for (let scan = 0; scan < this.#machine.pool.areaCount; scan++) {
      const slot = this.#machine.find(bounce, this.#machine.area(bounce, scan));
      if (slot < 0) continue;
      if (scan > 0) this.#foreign++;
      return slot;
    }
    return -1;
  }

  #isKernels({ outcome, place }: Bounce, slot: number): boolean {
    if (slot < 0) return false;
    if (outcome === 'mapped') return true;
    const { pool } = this.#machine;
    return outcome === 'address' ? this.#machine.addressAt(slot) === place : pool.slotOf(place) === slot;
  }

  #free(bounce: Bounce, event: number): void {
    const held = this.#held.get(bounce);
    if (held === undefined) return;
    this.#machine.free(bounce);
    this.#held.delete(bounce);
    this.#unasked.delete(held);
    this.#longestMicros = Math.max(this.#longestMicros, this.#log.time(event) - held.sinceMicros);
    this.#change(held, -held.slots, event);
  }

  #change({ bounce, area }: Held, slots: number, event: number): void {
    const log = this.#log;
    this.#ledger.change(area, bounce.device, this.#task(bounce), slots, log.line(event), log.time(event));
  }

  #endUnasked(next: Bounce, event: number, isFree: boolean): void {
    for (const held of this.#unasked) {
      const { device, orig, size } = held.bounce;
      const retried = !isFree && device === next.device && orig === next.orig && size === next.size;
      const overdue = this.#log.time(event) - held.sinceMicros > this.#patienceMicros;
      if (retried || overdue) this.#free(held.bounce, event);
    }
  }

  #fail(bounce: Bounce, event: number): void {
    this.#failed++;
    if (this.#failures.length >= MAX_FAILURES) return;
    this.#failures.push({
      ...this.#ledger.moment(this.#log.line(event), this.#log.time(event)),
      device: bounce.device,
      task: this.#task(bounce),
      bytes: bounce.size,
      wantedSlots: this.#machine.slotsWanted(bounce),
      longestFreeRun: this.#machine.longestFreeRun(),
    });
  }

  #task({ event }: Bounce): string {
    return this.#log.comm(event);
  }
}

function longestHold(log: TraceLog, { steps }: BounceHistory): number {
  let longest = 0;
  for (const { bounce, isFree, at } of steps) {
    if (isFree) longest = Math.max(longest, log.time(Math.min(at, log.length - 1)) - log.time(bounce.event));
  }
  return longest;
}
