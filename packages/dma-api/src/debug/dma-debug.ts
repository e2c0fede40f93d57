import type { DmaOptions } from '../context/dma-options.ts';
import type { KernelLog } from '../context/kernel-log.ts';
import type { PageView } from '../context/page-view.ts';
import {
  DMA_ATTR_DEBUGGING_IGNORE_CACHELINES,
  DMA_ATTR_REQUIRE_COHERENT,
  DMA_ATTR_SKIP_CPU_SYNC,
} from '../types/attrs.ts';
import { DMA_TO_DEVICE } from '../types/direction.ts';
import type { DebugDevice } from './debug-device.ts';
import { type FindingId, type FindingLimits, Findings } from './findings.ts';
import { ActiveCachelines, NO_OVERLAP, OVERLAP_LIMIT } from './store/active-cachelines.ts';
import { ENTRIES_PER_PAGE, EntryTable, NONE } from './store/entry-table.ts';

const DEFAULT_ENTRIES = 65536;
const TOLERANT = DMA_ATTR_DEBUGGING_IGNORE_CACHELINES | DMA_ATTR_REQUIRE_COHERENT;

/** A range of memory, end exclusive. */
export interface MemoryRange {
  readonly start: number;
  readonly end: number;
}

export interface DmaDebugOptions extends FindingLimits {
  /** `dma_debug=off`. */
  readonly off?: boolean;
  /** `dma_debug_entries=`. */
  readonly entries?: number;
  /** The running task's stack (spec E3). */
  readonly stack?: MemoryRange | null;
  /** Kernel text and read-only data (spec E4). */
  readonly kernelSections?: readonly MemoryRange[];
  /** Answers whether a page for more entries, or for the cacheline tree, can be had; default always (spec D79, D83). */
  readonly hasMemory?: () => boolean;
}

/** What dma-debug needs of its machine. */
export interface DmaDebugMachine {
  readonly options: Pick<DmaOptions, 'l1CacheBytes' | 'dmaCacheAlignment' | 'bounceUnalignedKmalloc'>;
  readonly pages: PageView;
  readonly log: KernelLog;
}

/**
 * The state of dma-debug (spec D79 to D94): the live mappings, the cachelines that devices may write, and what was found. The
 * checks are functions over it, one file a group of calls.
 */
export class DmaDebug {
  readonly entries: EntryTable;
  readonly cachelines = new ActiveCachelines();
  readonly findings: Findings;
  readonly machine: DmaDebugMachine;
  readonly options: DmaDebugOptions;
  /** Devices that have mapped, by their number. */
  readonly devices: DebugDevice[] = [];
  /** For good, once it is set (spec D79). */
  disabled: boolean;
  /** Where the current call is made; a trace replay sets the line. */
  site = 0;
  /** Some memory of this machine must not be mapped (spec E3, E4). */
  readonly checksMemory: boolean;
  readonly #preallocated: number = 0;
  /** 1 / bytes of a cacheline: exact, and cheaper than a division. */
  readonly #perCacheline: number = 0;

  constructor(machine: DmaDebugMachine, options: DmaDebugOptions = {}) {
    this.machine = machine;
    this.options = options;
    this.findings = new Findings(machine.log, options);
    this.disabled = options.off ?? false;
    this.checksMemory = Boolean(options.stack) || options.kernelSections !== undefined;
    const wanted = options.entries ?? DEFAULT_ENTRIES;
    this.#preallocated = Math.ceil(wanted / ENTRIES_PER_PAGE) * ENTRIES_PER_PAGE;
    this.entries = new EntryTable(this.#preallocated);
    this.#perCacheline = 1 / machine.options.l1CacheBytes;
  }

  /** An entry for a new mapping, or NONE where there is no memory: then dma-debug is over, the mapping isn't (spec D83). */
  newEntry(dev: DebugDevice, type: number, dir: number, state: number): number {
    if (this.entries.full && !this.#addPage()) return NONE;
    if (this.devices[dev.debugId] !== dev) this.devices[dev.debugId] = dev;
    const entry = this.entries.alloc(type, dir, state);
    this.entries.device[entry] = dev.debugId;
    this.entries.site[entry] = this.site;
    return entry;
  }

  /** `add_dma_entry`: into its bucket, and its first cacheline into the tree (spec D94). */
  add(dev: DebugDevice, entry: number): void {
    const { entries, cachelines } = this;
    entries.link(entry);
    if (entries.dir(entry) === DMA_TO_DEVICE) return;
    const first = cachelines.insert(this.cachelineOf(entry), entry);
    if (first !== NO_OVERLAP) this.#collide(dev, entry, first);
  }

  /** `dma_entry_free`, unlinked first. */
  remove(entry: number): void {
    const { entries } = this;
    entries.unlink(entry);
    if (entries.dir(entry) !== DMA_TO_DEVICE) this.cachelines.remove(this.cachelineOf(entry));
    entries.release(entry);
  }

  /** Number of the entry's first cacheline, the only one that is tracked. */
  cachelineOf(entry: number): number {
    return Math.floor(this.entries.phys[entry] * this.#perCacheline);
  }

  report(id: FindingId, dev: DebugDevice | null, text: string, address: number, entry = NONE): void {
    const mapSite = entry === NONE ? 0 : this.entries.site[entry];
    this.findings.report(id, dev, text, address, this.site, mapSite);
  }

  /** The counter saturates at 7; whether the collision is reported depends on both mappings and the arch (spec D94). */
  #collide(dev: DebugDevice, entry: number, first: number): void {
    const { entries, machine } = this;
    const attrs = entries.attrs[entry];
    const tolerant = (attrs & TOLERANT) !== 0;
    if (this.cachelines.lastWasSaturated && !tolerant) {
      const line = this.cachelineOf(entry).toString(16);
      const text = `exceeded ${OVERLAP_LIMIT} overlapping mappings of cacheline 0x${line}`;
      machine.log.warnOnce('dma-debug overlap limit', dev.name, text);
    }
    if ((attrs & DMA_ATTR_SKIP_CPU_SYNC) !== 0 || (tolerant && (entries.attrs[first] & TOLERANT) !== 0)) return;
    const { dmaCacheAlignment, l1CacheBytes, bounceUnalignedKmalloc } = machine.options;
    if (dmaCacheAlignment < l1CacheBytes || (bounceUnalignedKmalloc && dev.swiotlbActive)) return;
    const text = "cacheline tracking: overlapping mappings of one cacheline aren't supported";
    this.report('E8', dev, text, entries.address[entry], first);
  }

  #addPage(): boolean {
    const { entries, machine } = this;
    if (!(this.options.hasMemory?.() ?? true)) {
      machine.log.add('error', 'dma-debug memory', null, 'debugging out of memory - disabling');
      this.disabled = true;
      return false;
    }
    entries.addEntries(ENTRIES_PER_PAGE);
    const total = entries.totalEntries;
    if (total % this.#preallocated < ENTRIES_PER_PAGE) {
      const percent = Math.floor((total * 100) / this.#preallocated);
      machine.log.add('info', 'dma-debug entries', null, `dma_debug_entries: ${total} (${percent}%)`);
    }
    return true;
  }
}
