import { PeakTimeline, type TraceSpan } from '../diagnosis/timeline.ts';
import type { PoolMoment, PoolPressure, SlotHolder } from './pool-pressure.ts';

interface Holder {
  readonly device: string;
  readonly task: string;
  readonly timeline: PeakTimeline;
  mappings: number;
  slots: number;
}

/** Who holds how many slots, now and over time. */
export class SlotLedger {
  readonly #span: TraceSpan;
  readonly #total: PeakTimeline;
  readonly #areas: readonly { used: number; readonly timeline: PeakTimeline }[];
  readonly #holders = new Map<string, Holder>();
  #used = 0;
  #highWater: PoolMoment;

  constructor(span: TraceSpan, areaCount: number) {
    this.#span = span;
    this.#areas = Array.from({ length: areaCount }, () => ({ used: 0, timeline: new PeakTimeline(span) }));
    this.#total = new PeakTimeline(span);
    this.#highWater = { line: 0, micros: span.startMicros, usedSlots: 0, holders: [] };
  }

  get highWater(): PoolMoment {
    return this.#highWater;
  }

  /** Slots of an area change hands: positive are taken, negative given back. */
  change(area: number, device: string, task: string, slots: number, line: number, micros: number): void {
    const of = this.#areas[area];
    of.used += slots;
    of.timeline.set(micros, of.used);
    const holder = this.#holder(device, task);
    holder.slots += slots;
    holder.mappings += Math.sign(slots);
    holder.timeline.set(micros, holder.slots);
    this.#used += slots;
    this.#total.set(micros, this.#used);
    if (this.#used > this.#highWater.usedSlots) this.#highWater = this.moment(line, micros);
  }

  moment(line: number, micros: number): PoolMoment {
    const holders: SlotHolder[] = [];
    for (const { device, task, mappings, slots } of this.#holders.values()) {
      if (slots > 0) holders.push({ device, task, mappings, slots });
    }
    return { line, micros, usedSlots: this.#used, holders: holders.sort((a, b) => b.slots - a.slots) };
  }

  finish(): Pick<PoolPressure, 'highWater' | 'used' | 'usedBy' | 'usedByArea'> {
    const usedBy = [...this.#holders.values()].map(({ device, task, timeline }) => ({
      device,
      task,
      timeline: timeline.finish(),
    }));
    const peak = ({ timeline }: (typeof usedBy)[number]) => Math.max(...timeline.values);
    return {
      highWater: this.#highWater,
      used: this.#total.finish(),
      usedBy: usedBy.sort((a, b) => peak(b) - peak(a)),
      usedByArea: this.#areas.map(({ timeline }) => timeline.finish()),
    };
  }

  #holder(device: string, task: string): Holder {
    const key = `${device} ${task}`;
    const holder = this.#holders.get(key) ?? {
      device,
      task,
      timeline: new PeakTimeline(this.#span),
      mappings: 0,
      slots: 0,
    };
    this.#holders.set(key, holder);
    return holder;
  }
}
