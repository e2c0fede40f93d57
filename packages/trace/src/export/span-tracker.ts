import { EventKind } from '../format/event-kind.ts';
import type { TraceLog } from '../log/trace-log.ts';

/** The beginning or the end of something that lasts. */
export interface Span {
  readonly phase: 'b' | 'e';
  /** Whose track it is on. */
  readonly device: string;
  readonly category: 'mapping' | 'command';
  readonly name: string;
  /** Joins the two ends. */
  readonly id: number;
  /** Bytes that the device has mapped from now on; -1 for a command. */
  readonly mappedBytes: number;
}

interface OpenSpan {
  readonly id: number;
  readonly name: string;
  readonly bytes: number;
}

const NONE: readonly Span[] = [];

/** Finds which event ends what an earlier one began: mappings by address, scatterlists by their first physical address, NVMe commands by queue and id. */
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
        return this.#begin(device, `command ${log.qid(i)} ${log.cmdid(i)}`, commandName(log.command(i)));
      case EventKind.NVME_COMPLETE_RQ:
        return this.#end(device, 'command', `command ${log.qid(i)} ${log.cmdid(i)}`, 0);
      default:
        return NONE;
    }
  }

  #map(device: string, key: string, bytes: number): readonly Span[] {
    // A driver that leaves unmaps out maps the same address again (spec T3): then the old mapping ends here.
    const ended = this.#unmap(device, key);
    const id = this.#nextId++;
    const name = `${bytes} bytes`;
    this.#open.set(`${device} ${key}`, { id, name, bytes });
    const mappedBytes = this.#count(device, bytes);
    return [...ended, { phase: 'b', device, category: 'mapping', name, id, mappedBytes }];
  }

  #unmap(device: string, key: string): readonly Span[] {
    const bytes = this.#open.get(`${device} ${key}`)?.bytes ?? 0;
    return this.#end(device, 'mapping', key, bytes);
  }

  #begin(device: string, key: string, name: string): readonly Span[] {
    const id = this.#nextId++;
    this.#open.set(`${device} ${key}`, { id, name, bytes: 0 });
    return [{ phase: 'b', device, category: 'command', name, id, mappedBytes: -1 }];
  }

  #end(device: string, category: Span['category'], key: string, bytes: number): readonly Span[] {
    const open = this.#open.get(`${device} ${key}`);
    if (open === undefined) return NONE;
    this.#open.delete(`${device} ${key}`);
    const mappedBytes = category === 'mapping' ? this.#count(device, -bytes) : -1;
    return [{ phase: 'e', device, category, name: open.name, id: open.id, mappedBytes }];
  }

  #count(device: string, bytes: number): number {
    const mapped = (this.#mappedBytes.get(device) ?? 0) + bytes;
    this.#mappedBytes.set(device, mapped);
    return mapped;
  }
}

function listedBytes(log: TraceLog, i: number): number {
  let bytes = 0;
  for (let n = 0; n < log.dmaCount(i); n++) bytes += log.sizeAt(i, n);
  return bytes;
}

function commandName(command: string): string {
  return command.slice(0, command.indexOf(' '));
}
