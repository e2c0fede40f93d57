import { EventKind, type TraceLog } from '@dmalab/trace';

/** One map or unmap call: what was called, and on how much memory. Device addresses are another replay's business. */
export interface TracedMapping {
  readonly call: 'dma_map_phys' | 'dma_unmap_phys' | 'map' | 'unmap';
  /** Physical address of a map, -1 of an unmap, which is not told. */
  readonly phys: number;
  readonly size: number;
}

/** Everything that a trace shows of one NVMe command (spec N112), from its building to its end. */
export interface TracedCommand {
  /** Line of `nvme_setup_cmd`, and the indexes of it and of `nvme_sq`; -1 where the trace ends before. */
  readonly line: number;
  readonly setup: number;
  sq: number;
  readonly disk: string;
  readonly qid: number;
  readonly cmdid: number;
  readonly command: string;
  readonly maps: TracedMapping[];
  /** Descriptor pages that the command's list needed: the trace's only word on PRP lists and SGLs. */
  poolPages: number;
  issue: string;
  rwbs: string;
  sector: number;
  bytes: number;
  sqHead: number;
  sqTail: number;
  /** Commands of the queue that were announced and not yet queued when this one completed: an interrupt came between. */
  halfBuilt: number;
  /** The interrupted task had just issued a command, which may or may not have reached the queue. */
  justIssued: boolean;
  readonly unmaps: TracedMapping[];
  status: number;
  complete: string;
}

const POOL_PAGE = 4096;

/** The I/O commands of a trace, in the order in which they were built. */
export function tracedCommands(log: TraceLog): TracedCommand[] {
  const reader = new CommandReader(log);
  for (let i = 0; i < log.length; i++) reader.take(i);
  return reader.commands;
}

/** Follows each command by task until it is issued, then by queue and id. */
class CommandReader {
  readonly commands: TracedCommand[] = [];
  readonly #log: TraceLog;
  /** Being built, by task. */
  readonly #building = new Map<number, TracedCommand>();
  /** Queue of the command that a task issued last, until it builds another. */
  readonly #lastIssue = new Map<number, number>();
  readonly #inFlight = new Map<string, TracedCommand>();
  /** Unmaps of the completion in hand, by processor. */
  readonly #unmaps = new Map<number, TracedMapping[]>();
  /** Completed by the driver, waiting for the block layer's word, by first sector. */
  readonly #ending = new Map<number, TracedCommand[]>();

  constructor(log: TraceLog) {
    this.#log = log;
  }

  take(i: number): void {
    const log = this.#log;
    switch (log.kind(i)) {
      case EventKind.NVME_SETUP_CMD:
        this.#setUp(i);
        break;
      case EventKind.MAP:
        this.#mapped(i, { call: 'map', phys: log.phys(i), size: log.size(i) });
        break;
      case EventKind.DMA_MAP_PHYS:
        this.#mapped(i, { call: 'dma_map_phys', phys: log.phys(i), size: log.size(i) });
        break;
      case EventKind.DMA_ALLOC:
        this.#allocated(i);
        break;
      case EventKind.BLOCK_RQ_ISSUE:
        this.#issued(i);
        break;
      case EventKind.NVME_SQ:
        this.#sq(i);
        break;
      case EventKind.UNMAP:
        this.#unmapped(i, { call: 'unmap', phys: -1, size: log.size(i) });
        break;
      case EventKind.DMA_UNMAP_PHYS:
        this.#unmapped(i, { call: 'dma_unmap_phys', phys: -1, size: log.size(i) });
        break;
      case EventKind.NVME_COMPLETE_RQ:
        this.#completed(i);
        break;
      case EventKind.BLOCK_RQ_COMPLETE:
        this.#ended(i);
        break;
    }
  }

  #setUp(i: number): void {
    const log = this.#log;
    if (log.disk(i) === '') return;
    const command: TracedCommand = {
      line: log.line(i),
      setup: i,
      sq: -1,
      disk: log.disk(i),
      qid: log.qid(i),
      cmdid: log.cmdid(i),
      command: log.command(i),
      maps: [],
      poolPages: 0,
      issue: '',
      rwbs: '',
      sector: -1,
      bytes: 0,
      sqHead: -1,
      sqTail: -1,
      halfBuilt: 0,
      justIssued: false,
      unmaps: [],
      status: -1,
      complete: '',
    };
    this.commands.push(command);
    this.#lastIssue.delete(log.pid(i));
    this.#building.set(log.pid(i), command);
    this.#inFlight.set(key(command.qid, command.cmdid), command);
  }

  #builder(i: number): TracedCommand | undefined {
    return this.#log.inInterrupt(i) ? undefined : this.#building.get(this.#log.pid(i));
  }

  #mapped(i: number, mapping: TracedMapping): void {
    this.#builder(i)?.maps.push(mapping);
  }

  #allocated(i: number): void {
    const command = this.#builder(i);
    if (command === undefined || this.#log.size(i) !== POOL_PAGE) return;
    command.poolPages++;
    // Behind an IOMMU the page's own mapping stands just before: it is none of the command's.
    if (command.maps.at(-1)?.call === 'map') command.maps.pop();
  }

  #issued(i: number): void {
    const log = this.#log;
    const command = this.#builder(i);
    if (command === undefined) return;
    this.#building.delete(log.pid(i));
    this.#lastIssue.set(log.pid(i), command.qid);
    command.rwbs = log.rwbs(i);
    command.sector = log.address(i);
    command.bytes = log.size(i);
    command.issue = `${log.rwbs(i)} ${log.size(i)} ${log.address(i)} + ${log.sectors(i)}`;
  }

  #sq(i: number): void {
    const log = this.#log;
    // What was unmapped before a completion is none of it; in a batch the unmaps follow the last of these events.
    if (i === 0 || log.kind(i - 1) !== EventKind.NVME_SQ) this.#unmaps.delete(log.cpu(i));
    // The event names no command: the one that completes next on this queue is meant.
    const command = this.#nextCompleted(i);
    if (command === undefined) return;
    command.sq = i;
    command.sqHead = log.head(i);
    command.sqTail = log.tail(i);
    for (const other of this.#building.values()) if (other.qid === command.qid) command.halfBuilt++;
    command.justIssued = this.#lastIssue.get(log.pid(i)) === command.qid;
  }

  /** The nth `nvme_sq` of a batch belongs to the nth completion after it. */
  #nextCompleted(i: number): TracedCommand | undefined {
    const log = this.#log;
    let earlier = 0;
    for (let j = i - 1; j >= 0 && log.kind(j) === EventKind.NVME_SQ; j--) earlier++;
    for (let j = i + 1; j < log.length; j++) {
      if (log.kind(j) !== EventKind.NVME_COMPLETE_RQ || log.cpu(j) !== log.cpu(i)) continue;
      if (earlier-- === 0) return this.#inFlight.get(key(log.qid(j), log.cmdid(j)));
    }
    return undefined;
  }

  #unmapped(i: number, mapping: TracedMapping): void {
    const cpu = this.#log.cpu(i);
    const list = this.#unmaps.get(cpu);
    if (list === undefined) this.#unmaps.set(cpu, [mapping]);
    else list.push(mapping);
  }

  #completed(i: number): void {
    const log = this.#log;
    const unmaps = this.#unmaps.get(log.cpu(i)) ?? [];
    this.#unmaps.delete(log.cpu(i));
    const id = key(log.qid(i), log.cmdid(i));
    const command = this.#inFlight.get(id);
    if (command === undefined) return;
    this.#inFlight.delete(id);
    command.status = log.status(i);
    command.unmaps.push(...unmaps);
    const ending = this.#ending.get(command.sector) ?? [];
    ending.push(command);
    this.#ending.set(command.sector, ending);
  }

  #ended(i: number): void {
    const log = this.#log;
    const command = this.#ending.get(log.address(i))?.shift();
    if (command === undefined) return;
    command.complete = `${log.rwbs(i)} ${log.address(i)} + ${log.sectors(i)} [${log.errno(i)}]`;
  }
}

function key(qid: number, cmdid: number): string {
  return `${qid}:${cmdid}`;
}
