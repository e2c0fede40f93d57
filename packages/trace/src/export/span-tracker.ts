import { EventKind } from '../format/event-kind.ts';
import type { TraceLog } from '../log/trace-log.ts';

/** The beginning or the end of something that lasts. */
export interface Span {
  readonly phase: 'b' | 'e';
  /** Whose track it is on. */
  readonly track: string;
  readonly category: 'mapping' | 'command' | 'iova';
  readonly name: string;
  /** Joins the two ends. */
  readonly id: number;
  /** Bytes mapped on that track from now on; -1 for a command. */
  readonly mappedBytes: number;
}

interface OpenSpan {
  readonly id: number;
  readonly name: string;
  readonly bytes: number;
}

const NONE: readonly Span[] = [];

/** The track of what lies in the IOMMU's page tables; events of several domains share it, since they name none. */
const IOMMU = 'IOMMU';
const GRANULE = 4096;
/** The longest unmap whose ranges are looked for: 4 GiB, more than one call maps. */
const MOST_UNMAPPED = 2 ** 32;

/**
 * Finds which event ends what an earlier one began: mappings by address, scatterlists by their first physical address,
 * NVMe commands by queue and id, ranges in the IOMMU's tables by IOVA.
 */
export class SpanTracker {
  readonly #open = new Map<string, OpenSpan>();
  readonly #mappedBytes = new Map<string, number>();
  #nextId = 1;

  /** What event `i` begins or ends. */
  take(log: TraceLog, i: number): readonly Span[] {
    const device = log.device(i);
    switch (log.kind(i)) {
      case EventKind.DMA_MAP_PHYS:
        return log.address(i) === -1 ? NONE : this.#map(device, `phys ${log.address(i)}`, log.size(i));
      case EventKind.DMA_UNMAP_PHYS:
        return this.#unmap(device, `phys ${log.address(i)}`);
      case EventKind.DMA_MAP_SG:
        return this.#map(device, `sg ${log.physAt(i, 0)}`, listedBytes(log, i));
      case EventKind.DMA_UNMAP_SG:
        return this.#unmap(device, `sg ${log.physAt(i, 0)}`);
      case EventKind.NVME_SETUP_CMD:
        return this.#begin(`${device} queue ${log.qid(i)}`, `command ${log.cmdid(i)}`, commandName(log.command(i)));
      case EventKind.NVME_COMPLETE_RQ:
        return this.#end(`${device} queue ${log.qid(i)}`, 'command', `command ${log.cmdid(i)}`, 0);
      case EventKind.MAP:
        return this.#map(IOMMU, iovaKey(log.address(i)), log.end(i) - log.address(i), 'iova');
      case EventKind.UNMAP:
        return this.#unmapRange(log.address(i), log.address(i) + log.unmappedSize(i));
      default:
        return NONE;
    }
  }

  #map(track: string, key: string, bytes: number, category: 'mapping' | 'iova' = 'mapping'): readonly Span[] {
    // A driver that leaves unmaps out maps the same address again (spec T3): then the old mapping ends here.
    const ended = this.#end(track, category, key, this.#openBytes(track, key));
    const id = this.#nextId++;
    const name = `${bytes} bytes`;
    this.#open.set(`${track} ${key}`, { id, name, bytes });
    const mappedBytes = this.#count(track, bytes);
    return [...ended, { phase: 'b', track, category, name, id, mappedBytes }];
  }

  #unmap(track: string, key: string): readonly Span[] {
    return this.#end(track, 'mapping', key, this.#openBytes(track, key));
  }

  /** One unmap ends every range inside it. */
  #unmapRange(from: number, to: number): readonly Span[] {
    const ended: Span[] = [];
    for (let iova = from; iova < Math.min(to, from + MOST_UNMAPPED); ) {
      const bytes = this.#openBytes(IOMMU, iovaKey(iova));
      ended.push(...this.#end(IOMMU, 'iova', iovaKey(iova), bytes));
      iova += Math.max(bytes, GRANULE);
    }
    return ended;
  }

  #openBytes(track: string, key: string): number {
    return this.#open.get(`${track} ${key}`)?.bytes ?? 0;
  }

  #begin(track: string, key: string, name: string): readonly Span[] {
    const id = this.#nextId++;
    this.#open.set(`${track} ${key}`, { id, name, bytes: 0 });
    return [{ phase: 'b', track, category: 'command', name, id, mappedBytes: -1 }];
  }

  #end(track: string, category: Span['category'], key: string, bytes: number): readonly Span[] {
    const open = this.#open.get(`${track} ${key}`);
    if (open === undefined) return NONE;
    this.#open.delete(`${track} ${key}`);
    const mappedBytes = category !== 'command' ? this.#count(track, -bytes) : -1;
    return [{ phase: 'e', track, category, name: open.name, id: open.id, mappedBytes }];
  }

  #count(track: string, bytes: number): number {
    const mapped = (this.#mappedBytes.get(track) ?? 0) + bytes;
    this.#mappedBytes.set(track, mapped);
    return mapped;
  }
}

function iovaKey(iova: number): string {
  return `iova ${iova}`;
}

function listedBytes(log: TraceLog, i: number): number {
  let bytes = 0;
  for (let n = 0; n < log.dmaCount(i); n++) bytes += log.sizeAt(i, n);
  return bytes;
}

function commandName(command: string): string {
  return command.slice(0, command.indexOf(' '));
}
