import { EventKind, type TraceLog } from '@dmalab/trace';
import type { IovaOperation } from '../iova/operation.ts';
import type { Bounce, BounceHistory, Step } from '../swiotlb/bounce.ts';

/**
 * Reads every buffer that a trace maps, bounced or not, as if each had been given to a bounce pool.
 * @param eliding devices whose drivers leave unmaps out: mapping an address again ends what was mapped there (spec T3)
 */
export function mappedBuffers(
  log: TraceLog,
  operations: readonly IovaOperation[],
  eliding: ReadonlySet<string>,
): BounceHistory {
  const collector = new BufferCollector(log, eliding);
  for (let i = 0; i < log.length; i++) collector.take(i);
  for (const operation of operations) if (operation.twoStep) collector.takeTwoStep(operation);
  return collector.finish();
}

class BufferCollector {
  readonly #log: TraceLog;
  readonly #bounces: Bounce[] = [];
  readonly #steps: Step[] = [];
  /** Mapped and not yet unmapped, oldest first, by what an unmap names. */
  readonly #live = new Map<string, Bounce[][]>();
  readonly #eliding: ReadonlySet<string>;

  constructor(log: TraceLog, eliding: ReadonlySet<string>) {
    this.#log = log;
    this.#eliding = eliding;
  }

  take(i: number): void {
    const log = this.#log;
    switch (log.kind(i)) {
      case EventKind.DMA_MAP_PHYS:
        if (this.#eliding.has(log.device(i))) this.#unmap(this.#key(i), i);
        this.#map(this.#key(i), [this.#buffer(i, log.device(i), log.phys(i), log.size(i))]);
        break;
      case EventKind.DMA_MAP_SG: {
        const entries = Math.min(log.physCount(i), log.dmaCount(i));
        const list = Array.from({ length: entries }, (_, k) =>
          this.#buffer(i, log.device(i), log.physAt(i, k), log.sizeAt(i, k)),
        );
        this.#map(this.#key(i), list);
        break;
      }
      case EventKind.DMA_UNMAP_PHYS:
      case EventKind.DMA_UNMAP_SG:
        this.#unmap(this.#key(i), i);
        break;
      default:
    }
  }

  /** Its pieces are mapped one by one and go at once (spec I88). */
  takeTwoStep({ kind, events, device, pfn, event }: IovaOperation): void {
    const key = `two-step ${device} ${pfn}`;
    if (kind === 'free') this.#unmap(key, event);
    else
      this.#map(
        key,
        events.map((map) => this.#buffer(map, device, this.#log.phys(map), this.#log.size(map))),
      );
  }

  finish(): BounceHistory {
    const steps = this.#steps.toSorted((a, b) => a.at - b.at);
    return { bounces: this.#bounces, steps, behindIommu: new Set() };
  }

  /** A list's unmap names its first buffer only (spec D96). */
  #key(i: number): string {
    const log = this.#log;
    const isList = log.kind(i) === EventKind.DMA_MAP_SG || log.kind(i) === EventKind.DMA_UNMAP_SG;
    return isList ? `list ${log.device(i)} ${log.physAt(i, 0)}` : `at ${log.device(i)} ${log.address(i)}`;
  }

  #buffer(event: number, device: string, orig: number, size: number): Bounce {
    const log = this.#log;
    const bounce: Bounce = {
      id: this.#bounces.length,
      event,
      line: log.line(event),
      device,
      orig,
      size,
      cpu: log.cpu(event),
      // A mapping that the kernel failed has no address; its caller tries again in the trace.
      outcome: log.kind(event) === EventKind.DMA_MAP_PHYS && log.address(event) < 0 ? 'failed' : 'mapped',
      place: -1,
    };
    this.#bounces.push(bounce);
    this.#step(bounce, event, false);
    return bounce;
  }

  #map(key: string, buffers: Bounce[]): void {
    const live = this.#live.get(key);
    if (live === undefined) this.#live.set(key, [buffers]);
    else live.push(buffers);
  }

  #unmap(key: string, event: number): void {
    for (const buffer of this.#live.get(key)?.shift() ?? []) this.#step(buffer, event, true);
  }

  #step(bounce: Bounce, at: number, isFree: boolean): void {
    this.#steps.push({ bounce, isFree, at, from: at, until: at, after: null });
  }
}
