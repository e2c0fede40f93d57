import { EntryType } from '@dmalab/dma-api';
import { EventKind, type TraceLog } from '@dmalab/trace';
import { DeviceCheck } from './dma-debug/device-check.ts';
import { HabitLearner } from './dma-debug/driver-habits.ts';
import type { TraceFinding } from './dma-debug/finding.ts';
import type { Place } from './dma-debug/live-mappings.ts';
import { type LiveSample, LiveSampler } from './dma-debug/live-samples.ts';

export type { FindingKind, TraceFinding } from './dma-debug/finding.ts';
export type { LiveSample } from './dma-debug/live-samples.ts';

/** What dma-debug says of one device. */
export interface DmaDebugDevice {
  readonly device: string;
  /** Its driver leaves unmaps out where nothing would happen, so a missing one is no leak (spec T3, D60). */
  readonly elidesUnmaps: boolean;
  /** Maps that were followed by another map of their address, the unmap left out. */
  readonly elidedUnmaps: number;
  /** Unmaps whose map the trace doesn't hold: made before it began, if they are more than a few. */
  readonly unmapsWithoutMap: number;
  readonly liveAtEnd: number;
  readonly longestMappingMicros: number;
}

/** dma-debug run over a trace. */
export interface DmaDebugReport {
  /** In the order of the lines of the file. */
  readonly findings: readonly TraceFinding[];
  readonly devices: readonly DmaDebugDevice[];
  /** Live mappings by device and caller over time. */
  readonly live: readonly LiveSample[];
}

/**
 * Feeds dma-debug (spec section 9) with the calls that a trace shows: single ranges and lists with their syncs, allocations.
 * Whether a driver looked at a map's result isn't traced, so E16 is never reported.
 */
export function replayDmaDebug(log: TraceLog): DmaDebugReport {
  const replay = new DmaDebugReplay();
  replay.take(log);
  return replay.report();
}

/** The same batch by batch; a driver's habits are those of the batches so far, the one at hand included. */
export class DmaDebugReplay {
  readonly #habits = new HabitLearner();
  /** By the string numbers of the devices, which all batches of one reader share. */
  readonly #checks = new Map<number, DeviceCheck>();
  readonly #sampler = new LiveSampler();
  #endMicros = 0;

  take(log: TraceLog): void {
    if (log.length === 0) return;
    this.#habits.take(log);
    for (const [id, check] of this.#checks) check.habits = this.#habits.habits(id);
    this.#endMicros = log.time(log.length - 1);
    this.#sampler.cover(log.time(0), this.#endMicros);
    for (let i = 0; i < log.length; i++) {
      if (!FED.has(log.kind(i))) continue;
      this.#sampler.advance(log.time(i), this.#checks.values());
      feed(this.#check(log, i), log, i);
    }
  }

  /** Where the trace ends here. */
  report(): DmaDebugReport {
    const checks = [...this.#checks.values()];
    const findings = checks.flatMap((check) => check.findings(this.#endMicros)).sort((a, b) => a.line - b.line);
    return { findings, devices: checks.map(deviceReport), live: this.#sampler.samples };
  }

  #check(log: TraceLog, i: number): DeviceCheck {
    const id = log.deviceId(i);
    const check = this.#checks.get(id) ?? new DeviceCheck(log.device(i), this.#habits.habits(id));
    this.#checks.set(id, check);
    return check;
  }
}

const FED: ReadonlySet<number> = new Set([
  EventKind.DMA_MAP_PHYS,
  EventKind.DMA_UNMAP_PHYS,
  EventKind.DMA_MAP_SG,
  EventKind.DMA_UNMAP_SG,
  EventKind.DMA_ALLOC,
  EventKind.DMA_ALLOC_PAGES,
  EventKind.DMA_FREE,
  EventKind.DMA_FREE_PAGES,
  EventKind.DMA_SYNC_SINGLE_FOR_CPU,
  EventKind.DMA_SYNC_SINGLE_FOR_DEVICE,
  EventKind.DMA_SYNC_SG_FOR_CPU,
  EventKind.DMA_SYNC_SG_FOR_DEVICE,
  EventKind.DMA_ALLOC_SGT,
  EventKind.DMA_FREE_SGT,
]);

function feed(check: DeviceCheck, log: TraceLog, i: number): void {
  const place: Place = { line: log.line(i), micros: log.time(i), caller: log.comm(i) };
  const [dir, attrs, address, size] = [log.dir(i), log.attrs(i), log.address(i), log.size(i)];
  const ref = { address, size, dir, attrs, sgCalls: 0 };
  switch (log.kind(i)) {
    case EventKind.DMA_MAP_PHYS:
      if (address >= 0) check.map(place, address, log.phys(i), size, dir, attrs);
      break;
    case EventKind.DMA_UNMAP_PHYS:
      check.unmap(place, { ...ref, type: EntryType.PHY, phys: -1 });
      break;
    case EventKind.DMA_MAP_SG:
      check.mapList(place, listKey(log, i), cpuSide(log, i), dmaSide(log, i), dir, attrs);
      break;
    case EventKind.DMA_UNMAP_SG:
      check.unmapList(place, listKey(log, i), dir, attrs);
      break;
    case EventKind.DMA_ALLOC:
    case EventKind.DMA_ALLOC_PAGES:
      if (pointer(log, i) !== 0) check.alloc(place, allocType(log, i), address, pointer(log, i), size, dir, attrs);
      break;
    case EventKind.DMA_FREE:
    case EventKind.DMA_FREE_PAGES:
      if (pointer(log, i) !== 0) check.unmap(place, { ...ref, type: allocType(log, i), phys: pointer(log, i) });
      break;
    case EventKind.DMA_SYNC_SINGLE_FOR_CPU:
    case EventKind.DMA_SYNC_SINGLE_FOR_DEVICE:
      check.sync(place, { ...ref, type: EntryType.SINGLE, forCpu: log.kind(i) === EventKind.DMA_SYNC_SINGLE_FOR_CPU });
      break;
    default:
      feedRareList(check, place, log, i);
  }
}

function feedRareList(check: DeviceCheck, place: Place, log: TraceLog, i: number): void {
  const dir = log.dir(i);
  switch (log.kind(i)) {
    case EventKind.DMA_ALLOC_SGT:
      check.allocTable(place, log.address(i), log.size(i), physOfTable(log, i), dir, log.attrs(i));
      break;
    case EventKind.DMA_FREE_SGT:
      check.freeTable(place, log.address(i), dir);
      break;
    default: {
      // A list that was cut in print may have any number of entries; then the number is not compared.
      const calls = log.dmaCount(i) < MOST_LISTED ? log.dmaCount(i) : 0;
      check.syncList(place, dmaSide(log, i), dir, calls, log.kind(i) === EventKind.DMA_SYNC_SG_FOR_CPU);
    }
  }
}

/** Lengths of a table's runs aren't traced; of a single one it is the table's. */
function physOfTable(log: TraceLog, i: number): { phys: number; length: number }[] {
  const count = log.physCount(i);
  const length = count === 1 ? log.size(i) : 0;
  return Array.from({ length: count }, (_, index) => ({ phys: log.physAt(i, index), length }));
}

function allocType(log: TraceLog, i: number): number {
  const kind = log.kind(i);
  return kind === EventKind.DMA_ALLOC || kind === EventKind.DMA_FREE ? EntryType.COHERENT : EntryType.NONCOHERENT;
}

/** A hashed kernel pointer: equal values mean equal pointers within one boot, nothing else (spec T33). */
function pointer(log: TraceLog, i: number): number {
  return Number.parseInt(log.virtAddr(i), 16);
}

/** Entries of a list that are printed (spec D96). */
const MOST_LISTED = 128;

/** What a map and an unmap of one list have in common: its physical addresses, as far as they are printed. */
function listKey(log: TraceLog, i: number): string {
  const count = Math.min(log.physCount(i), MOST_LISTED);
  return Array.from({ length: count }, (_, index) => log.physAt(i, index).toString(16)).join(',');
}

/** Lengths of the CPU side aren't traced; where nothing was joined they are those of the DMA side. */
function cpuSide(log: TraceLog, i: number): { phys: number; length: number }[] {
  const joined = log.physCount(i) !== log.dmaCount(i);
  return Array.from({ length: log.physCount(i) }, (_, index) => ({
    phys: log.physAt(i, index),
    length: joined ? 0 : log.sizeAt(i, index),
  }));
}

function dmaSide(log: TraceLog, i: number): { address: number; length: number }[] {
  return Array.from({ length: log.dmaCount(i) }, (_, index) => ({
    address: log.dmaAddrAt(i, index),
    length: log.sizeAt(i, index),
  }));
}

function deviceReport(check: DeviceCheck): DmaDebugDevice {
  return {
    device: check.name,
    elidesUnmaps: check.habits.elides,
    elidedUnmaps: check.elided,
    unmapsWithoutMap: check.unmapsWithoutMap,
    liveAtEnd: check.liveMappings().length,
    longestMappingMicros: check.habits.longestMicros,
  };
}
