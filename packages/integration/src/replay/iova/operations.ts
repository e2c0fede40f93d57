import { EventKind, type TraceLog } from '@dmalab/trace';
import { flowOf } from './execution.ts';
import { GRANULE, type IovaOperation, pageOf, pagesTouched } from './operation.ts';
import { TwoStepOwner } from './two-step-owner.ts';

/**
 * The trace's IOVA allocations and releases, in the order of their map and unmap events (spec I240 to I242).
 * `deviceByController` names the PCI device of each NVMe controller, as far as it is known.
 */
export function iovaOperations(
  log: TraceLog,
  deviceByController: ReadonlyMap<string, string> = new Map(),
): IovaOperation[] {
  const collector = new Collector(log, deviceByController);
  for (let event = 0; event < log.length; event++) collector.take(event);
  return collector.finish();
}

/** What is known of one flow of control while the trace is read. */
interface Flow {
  /** Map events that no DMA-API event has claimed yet. */
  readonly maps: number[];
  /** The latest unmap event, as long as nothing else followed it; else -1. */
  unmap: number;
  /** The latest dma_free or dma_unmap_sg, which stand before their unmaps (spec I161); else -1. */
  announcedBy: number;
}

class Collector {
  readonly #log: TraceLog;
  readonly #owner: TwoStepOwner;
  readonly #flows = new Map<number, Flow>();
  readonly #operations: IovaOperation[] = [];
  /** Map and unmap events of the two-step API. */
  readonly #links: { event: number; device: string }[] = [];
  readonly #unlinks: { event: number; device: string }[] = [];
  /** Owner of each unmap event at the time it was seen, in case it turns out to be two-step. */
  readonly #unmapOwner = new Map<number, string>();
  readonly #mapOwner = new Map<number, string>();
  /** Kind of the call that mapped a range last, by device and first page. */
  readonly #mappedBy = new Map<string, number>();

  constructor(log: TraceLog, deviceByController: ReadonlyMap<string, string>) {
    this.#log = log;
    this.#owner = new TwoStepOwner(log, deviceByController);
  }

  take(event: number): void {
    this.#owner.observe(this.#log, event);
    switch (this.#log.kind(event)) {
      case EventKind.MAP:
        this.#mapOwner.set(event, this.#owner.owner(this.#log, event));
        this.#endUnmap(this.#flow(event));
        this.#flow(event).maps.push(event);
        break;
      case EventKind.DMA_MAP_PHYS:
        this.#claim(event, this.#log.address(event), this.#log.size(event), false);
        break;
      case EventKind.DMA_ALLOC:
      case EventKind.DMA_ALLOC_PAGES:
      case EventKind.DMA_ALLOC_SGT:
        this.#claim(event, this.#log.address(event), this.#log.size(event), true);
        break;
      case EventKind.DMA_MAP_SG:
        this.#claimList(event);
        break;
      case EventKind.UNMAP:
        this.#unmap(event);
        break;
      case EventKind.DMA_UNMAP_PHYS:
        this.#unmapCall(event);
        break;
      case EventKind.DMA_FREE:
      case EventKind.DMA_FREE_PAGES:
      case EventKind.DMA_FREE_SGT:
      case EventKind.DMA_UNMAP_SG:
        this.#settle(this.#flow(event));
        this.#flow(event).announcedBy = event;
        break;
      default:
    }
  }

  finish(): IovaOperation[] {
    for (const flow of this.#flows.values()) this.#settle(flow);
    this.#pairTwoStep();
    return this.#operations.sort((a, b) => a.event - b.event);
  }

  #flow(event: number): Flow {
    const key = flowOf(this.#log, event);
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      flow = { maps: [], unmap: -1, announcedBy: -1 };
      this.#flows.set(key, flow);
    }
    return flow;
  }

  /** A DMA-API event names the range that the map events before it made: one for a mapping, one for each run of a buffer. */
  #claim(call: number, address: number, size: number, inRuns: boolean): void {
    const flow = this.#flow(call);
    const base = pageOf(address) * GRANULE;
    const first = inRuns ? flow.maps.findLastIndex((map) => this.#log.address(map) === base) : flow.maps.length - 1;
    const map = flow.maps[first];
    if (map !== undefined && this.#log.address(map) <= address && address < this.#log.end(map)) {
      const events = flow.maps.splice(first);
      this.#push('alloc', events, call, this.#log.address(map), pagesTouched(address, size));
    }
    this.#settle(flow);
  }

  /** A list is one range, unless each entry was bounced by itself (spec I69, I240). */
  #claimList(call: number): void {
    const flow = this.#flow(call);
    const count = this.#log.dmaCount(call);
    const starts = new Set<number>();
    for (let i = 0; i < count; i++) starts.add(pageOf(this.#log.dmaAddrAt(call, i)) * GRANULE);
    const first = flow.maps.findLastIndex(
      (map) => this.#log.address(map) === pageOf(this.#log.dmaAddrAt(call, 0)) * GRANULE,
    );
    if (count > 0 && first >= 0) {
      const events = flow.maps.splice(first);
      const contiguous = events.every((map, i) => i === 0 || this.#log.address(map) === this.#log.end(events[i - 1]));
      const runs = contiguous ? [events] : this.#splitAt(events, starts);
      for (const run of runs) {
        const base = this.#log.address(run[0]);
        this.#push('alloc', run, call, base, (this.#log.end(run[run.length - 1]) - base) / GRANULE);
      }
    }
    this.#settle(flow);
  }

  #splitAt(events: readonly number[], starts: ReadonlySet<number>): number[][] {
    const runs: number[][] = [];
    for (const map of events) {
      if (runs.length === 0 || starts.has(this.#log.address(map))) runs.push([]);
      runs[runs.length - 1].push(map);
    }
    return runs;
  }

  #unmap(event: number): void {
    const flow = this.#flow(event);
    this.#settle(flow);
    this.#unmapOwner.set(event, this.#owner.owner(this.#log, event));
    const call = flow.announcedBy;
    if (call >= 0 && this.#announces(call, event)) {
      this.#pushFree(event, call);
      if (this.#log.kind(call) !== EventKind.DMA_UNMAP_SG) flow.announcedBy = -1;
      return;
    }
    flow.announcedBy = -1;
    flow.unmap = event;
  }

  /** dma_free names its address; the events of lists don't, so what the range was mapped by decides. */
  #announces(call: number, unmap: number): boolean {
    const from = this.#log.address(unmap);
    const kind = this.#log.kind(call);
    if (kind === EventKind.DMA_FREE || kind === EventKind.DMA_FREE_PAGES) {
      return this.#log.address(call) >= from && this.#log.address(call) < this.#log.end(unmap);
    }
    const mappedBy = kind === EventKind.DMA_UNMAP_SG ? EventKind.DMA_MAP_SG : EventKind.DMA_ALLOC_SGT;
    return this.#mappedBy.get(`${this.#log.device(call)} ${pageOf(from)}`) === mappedBy;
  }

  /** dma_unmap_phys stands after its unmap (spec I161). */
  #unmapCall(call: number): void {
    const flow = this.#flow(call);
    const { unmap } = flow;
    const address = this.#log.address(call);
    if (unmap >= 0 && this.#log.address(unmap) <= address && address < this.#log.end(unmap)) {
      this.#pushFree(unmap, call);
      flow.unmap = -1;
    }
    this.#settle(flow);
  }

  /** Nothing claimed what is still open in this flow: it was the two-step API's. */
  #settle(flow: Flow): void {
    this.#endUnmap(flow);
    for (const event of flow.maps) this.#links.push({ event, device: this.#mapOwner.get(event) ?? '' });
    flow.maps.length = 0;
  }

  #endUnmap(flow: Flow): void {
    if (flow.unmap >= 0) {
      this.#unlinks.push({ event: flow.unmap, device: this.#unmapOwner.get(flow.unmap) ?? '' });
      flow.unmap = -1;
    }
  }

  /**
   * The unmap that ends a two-step state covers all its links at once, so it tells how long the allocation was; the
   * allocation itself stands at the first link (spec I240).
   */
  #pairTwoStep(): void {
    const nextUnmap = new Map<string, number>();
    const linksOf = new Map<number, number[]>();
    const open: number[][] = [];
    const steps = [
      ...this.#links.map((l) => ({ ...l, unlink: false })),
      ...this.#unlinks.map((u) => ({ ...u, unlink: true })),
    ];
    for (const { event, device, unlink } of steps.sort((a, b) => b.event - a.event)) {
      const from = pageOf(this.#log.address(event));
      if (unlink) {
        linksOf.set(event, []);
        for (let page = from; page < pageOf(this.#log.end(event)); page++) nextUnmap.set(`${device} ${page}`, event);
        continue;
      }
      const links = linksOf.get(nextUnmap.get(`${device} ${from}`) ?? -1);
      if (links !== undefined) links.unshift(event);
      else joinOpen(this.#log, open, event);
    }
    for (const { event, device } of this.#unlinks) {
      this.#push('free', [event], -1, this.#log.address(event), this.#pages(event), device);
      const links = linksOf.get(event) as number[];
      if (links.length > 0) this.#push('alloc', links, -1, this.#log.address(links[0]), this.#pages(event), device);
    }
    for (const links of open) this.#pushOpen(links);
  }

  /** Still mapped when the trace ends: as long as its links are. */
  #pushOpen(links: readonly number[]): void {
    const base = this.#log.address(links[0]);
    const pages = (this.#log.end(links[links.length - 1]) - base) / GRANULE;
    this.#push('alloc', links, -1, base, pages, this.#mapOwner.get(links[0]) ?? '');
  }

  #pages(event: number): number {
    return (this.#log.end(event) - this.#log.address(event)) / GRANULE;
  }

  #pushFree(unmap: number, call: number): void {
    this.#push('free', [unmap], call, this.#log.address(unmap), this.#pages(unmap));
  }

  #push(
    kind: 'alloc' | 'free',
    events: readonly number[],
    call: number,
    base: number,
    pages: number,
    device = this.#log.device(call),
  ): void {
    const event = events[0];
    if (kind === 'alloc' && call >= 0) this.#mappedBy.set(`${device} ${pageOf(base)}`, this.#log.kind(call));
    this.#operations.push({
      kind,
      event,
      line: this.#log.line(event),
      cpu: this.#log.cpu(event),
      timeMicros: this.#log.time(event),
      flow: flowOf(this.#log, event),
      pfn: pageOf(base),
      pages,
      device,
      twoStep: call < 0,
      events,
      call,
    });
  }
}

/** Links that no unmap ends, read backwards: one that ends where the earliest of a run begins, in the same flow, joins it. */
function joinOpen(log: TraceLog, open: number[][], event: number): void {
  const run = open.at(-1);
  if (run !== undefined && log.end(event) === log.address(run[0]) && flowOf(log, event) === flowOf(log, run[0])) {
    run.unshift(event);
  } else open.push([event]);
}
