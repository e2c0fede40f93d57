import {
  DEFAULT_DMA_OPTIONS,
  type DebugDevice,
  DmaDebug,
  debugAlloc,
  debugMap,
  debugMappingError,
  debugMapSg,
  debugSync,
  debugUnmapEntry,
  EntryType,
  KernelLog,
  RamPageView,
  reportUnknown,
  type SyncReference,
  type UnmapReference,
} from '@dmalab/dma-api';
import type { DriverHabits } from './driver-habits.ts';
import { type TraceFinding, traceFinding } from './finding.ts';
import { type LiveMapping, LiveMappings, type Place } from './live-mappings.ts';

/** Entries to start with; the table grows. */
const FIRST_ENTRIES = 1024;
/** How long the unmap event of an address may come after the map event of its next user: two CPUs trace independently. */
const RACE_MICROS = 1000;

/** More unmaps than this without a map in the trace: it began while the driver was at work. */
const LATE_START_UNMAPS = 8;

/** A mapping whose address was mapped again; only a late unmap event can still make that right. */
interface Superseded {
  readonly mapping: LiveMapping;
  readonly by: Place;
}

/** dma-debug over the calls of one device. Keys are addresses, or a list's physical addresses as text. */
export class DeviceCheck {
  readonly name: string;
  /** As far as they are known; they get clearer as the trace goes on. */
  habits: DriverHabits;
  /** Maps dropped because their unmap was left out on purpose. */
  elided = 0;
  readonly #live = new LiveMappings();
  readonly #device: DebugDevice;
  readonly #debug: DmaDebug;
  readonly #superseded = new Map<number | string, Superseded>();
  readonly #leaks: TraceFinding[] = [];
  /** Line of the last unmap of each key, for "unmapped before". */
  readonly #lastUnmap = new Map<number | string, number>();
  readonly #unknown = new Set<number>();
  /** By direction: the latest map, by sequence, that has been unmapped. */
  readonly #newestReleased = [-1, -1, -1, -1];
  #sequence = 0;

  constructor(name: string, habits: DriverHabits) {
    this.name = name;
    this.habits = habits;
    this.#device = {
      name,
      boundDriver: null,
      debugId: 0,
      maxSegSize: Number.POSITIVE_INFINITY, // a trace doesn't say what the driver announced
      segBoundaryMask: 2 ** 64,
      swiotlbActive: false,
    };
    // Overlaps are looked for as an arch with 64-byte DMA alignment would; stale maps of an eliding driver would all overlap.
    const options = { ...DEFAULT_DMA_OPTIONS, dmaCacheAlignment: habits.mayElide ? 1 : 64 };
    const machine = { options, pages: new RamPageView([]), log: new KernelLog() };
    this.#debug = new DmaDebug(machine, { entries: FIRST_ENTRIES, allErrors: true });
  }

  map(place: Place, address: number, phys: number, size: number, dir: number, attrs: number): void {
    this.#makeRoom(address, phys, place);
    this.#debug.site = place.line;
    const entry = debugMap(this.#debug, this.#device, phys, size, dir, address, attrs);
    debugMappingError(this.#debug, this.#device, address); // whether the driver looked, no trace tells
    this.#live.add({ ...this.#mapping(place, address, EntryType.PHY, dir, size, [entry]), address });
  }

  mapList(
    place: Place,
    key: string,
    cpuSide: { phys: number; length: number }[],
    dmaSide: { address: number; length: number }[],
    dir: number,
    attrs: number,
  ): void {
    this.#debug.site = place.line;
    const entries = debugMapSg(this.#debug, this.#device, cpuSide, dmaSide, dir, attrs);
    const size = dmaSide.reduce((sum, { length }) => sum + length, 0);
    const address = dmaSide[0]?.address ?? -1;
    this.#live.add({ ...this.#mapping(place, key, EntryType.SG, dir, size, entries), address });
  }

  /** `dma_alloc_sgt`: a list of one segment to dma-debug (spec D65), but an allocation: it may live as long as it likes. */
  allocTable(
    place: Place,
    address: number,
    size: number,
    cpuSide: { phys: number; length: number }[],
    dir: number,
    attrs: number,
  ): void {
    this.#debug.site = place.line;
    const entries = debugMapSg(this.#debug, this.#device, cpuSide, [{ address, length: size }], dir, attrs);
    this.#live.add({ ...this.#mapping(place, tableKey(address), EntryType.COHERENT, dir, size, entries), address });
  }

  freeTable(place: Place, address: number, dir: number): void {
    this.unmapList(place, tableKey(address), dir, 0);
  }

  /** An allocation; `cpuAddress` is a hashed pointer, good for comparing. */
  alloc(
    place: Place,
    type: number,
    address: number,
    cpuAddress: number,
    size: number,
    dir: number,
    attrs: number,
  ): void {
    this.#debug.site = place.line;
    const entry = debugAlloc(this.#debug, this.#device, type, cpuAddress, size, dir, address, attrs);
    this.#live.add({ ...this.#mapping(place, address, type, dir, size, [entry]), address });
  }

  /** An unmap or free of one range. */
  unmap(place: Place, ref: UnmapReference): void {
    const found = this.#choose(ref.address, ref, place);
    this.#debug.site = place.line;
    if (found === 'late') return;
    if (found === null) this.#unmapUnknown(place, ref.address, ref.address, ref.size);
    else {
      debugUnmapEntry(this.#debug, this.#device, found.entries[0], ref);
      this.#release(found);
    }
    this.#lastUnmap.set(ref.address, place.line);
  }

  /** An unmap of a list, of which the trace shows the physical addresses only. */
  unmapList(place: Place, key: string, dir: number, attrs: number): void {
    const found = this.#live.of(key).at(-1);
    this.#debug.site = place.line;
    if (found === undefined) this.#unmapUnknown(place, key, -1, 0);
    else {
      const { entries } = this.#debug;
      const ref = { type: EntryType.SG, dir, attrs, phys: -1 };
      for (const entry of found.entries) {
        const [address, size, sgCalls] = [entries.address[entry], entries.size[entry], entries.sgCalls(entry)];
        debugUnmapEntry(this.#debug, this.#device, entry, { ...ref, address, size, sgCalls });
      }
      this.#release(found);
    }
    this.#lastUnmap.set(key, place.line);
  }

  sync(place: Place, ref: SyncReference): void {
    this.#debug.site = place.line;
    debugSync(this.#debug, this.#device, ref);
  }

  /** Segments beyond those that were mapped are not looked at; of a list that nobody mapped, none is (spec D90). */
  syncList(
    place: Place,
    dmaSide: readonly { address: number; length: number }[],
    dir: number,
    sgCalls: number,
    forCpu: boolean,
  ): void {
    this.#debug.site = place.line;
    const mapped = this.#live.list(dmaSide[0]?.address ?? -1)?.entries.length ?? 0;
    for (const { address, length: size } of dmaSide.slice(0, mapped)) {
      debugSync(this.#debug, this.#device, { type: EntryType.SG, address, size, dir, sgCalls, forCpu });
    }
  }

  /** All findings so far in the order of their lines; `endMicros` is when the trace ends. */
  findings(endMicros: number): TraceFinding[] {
    const told = this.#debug.findings.list.map(traceFinding);
    const isUnknown = ({ line }: TraceFinding) => this.#unknown.has(line);
    const expected = this.unmapsWithoutMap > LATE_START_UNMAPS ? told.filter((finding) => !isUnknown(finding)) : told;
    const calls = expected.map((finding) => (isUnknown(finding) ? unknownUnmap(finding) : finding));
    const leaks = [...this.#leaks, ...this.#leaksAtEnd(endMicros)];
    // What overlaps a leaked mapping is the leak's fault: its memory has long been used for other things.
    const leaked = new Set(leaks.map(({ line }) => line));
    const own = calls.filter(({ kind, mapLine }) => kind !== 'overlap' || !leaked.has(mapLine));
    return [...own, ...leaks].sort((a, b) => a.line - b.line);
  }

  /** Mappings and lists, not allocations, that live now. */
  liveMappings(): LiveMapping[] {
    return this.#live.all().filter(({ type }) => type === EntryType.PHY || type === EntryType.SG);
  }

  /** Unmaps of what the trace holds no map of; many of them mean that it began late, and are no findings then. */
  get unmapsWithoutMap(): number {
    return this.#unknown.size;
  }

  /** What an earlier map of the address means: an unmap left out, a second user of the buffer, or a leak. */
  #makeRoom(address: number, phys: number, place: Place): void {
    for (const mapping of [...this.#live.of(address)]) {
      if (mapping.type !== EntryType.PHY) continue;
      // An eliding driver's older map is taken for over, though it might be a second use of the buffer at the same time:
      // nothing in a trace tells them apart, and left-out unmaps are thousands of times more common.
      if (this.habits.elides) this.elided++;
      else if (address === phys)
        continue; // a direct device may map one buffer twice
      else this.#supersede(mapping, place);
      this.#debug.remove(mapping.entries[0]);
      this.#live.remove(mapping);
    }
  }

  #supersede(mapping: LiveMapping, by: Place): void {
    this.#settleSuperseded(mapping.key);
    this.#superseded.set(mapping.key, { mapping, by });
  }

  /** An eliding driver's mapping that has lived longer than any that was unmapped is over. */
  #isStale(mapping: LiveMapping, now: Place): boolean {
    return this.habits.elides && now.micros - mapping.micros > this.habits.longestMicros;
  }

  /** The mapping that an unmap means: a perfect match before others, the newest of each. */
  #choose(key: number | string, ref: UnmapReference, place: Place): LiveMapping | 'late' | null {
    const candidates = this.#live.of(key).filter((mapping) => !this.#isStale(mapping, place));
    const isPerfect = ({ size, dir, type }: LiveMapping) => size === ref.size && dir === ref.dir && type === ref.type;
    const perfect = candidates.findLast(isPerfect);
    if (perfect !== undefined) return perfect;
    const superseded = this.#superseded.get(key);
    if (
      superseded !== undefined &&
      place.micros - superseded.by.micros <= RACE_MICROS &&
      isPerfect(superseded.mapping)
    ) {
      this.#superseded.delete(key);
      return 'late';
    }
    return candidates.at(-1) ?? null;
  }

  #unmapUnknown(place: Place, key: number | string, address: number, size: number): void {
    if (!this.#lastUnmap.has(key)) this.#unknown.add(place.line);
    reportUnknown(this.#debug, this.#device, typeof key === 'string' ? 0 : address, size);
  }

  #settleSuperseded(key: number | string): void {
    const superseded = this.#superseded.get(key);
    if (superseded === undefined) return;
    this.#superseded.delete(key);
    this.#leaks.push(this.#supersededLeak(superseded));
  }

  #supersededLeak({ mapping, by }: Superseded): TraceFinding {
    return this.#leak(mapping, `its address was mapped again in line ${by.line}`);
  }

  /**
   * Mappings that live at the end are leaks if later ones came and went meanwhile and none that was unmapped lived as
   * long. Receive rings stay: they are returned in the order in which they were filled.
   */
  #leaksAtEnd(endMicros: number): TraceFinding[] {
    const leaks = [...this.#superseded.values()].map((superseded) => this.#supersededLeak(superseded));
    if (this.habits.mayElide) return leaks;
    for (const mapping of this.liveMappings()) {
      const overtaken = this.#newestReleased[mapping.dir] > mapping.sequence;
      if (overtaken && endMicros - mapping.micros > this.habits.longestMicros) {
        leaks.push(this.#leak(mapping, 'it is still mapped where the trace ends'));
      }
    }
    return leaks;
  }

  #leak({ line, address, size }: LiveMapping, why: string): TraceFinding {
    const text = `never unmapped: ${why} [device address=0x${address.toString(16)}] [size=${size} bytes]`;
    return { kind: 'leak', id: 'E24', device: this.name, line, mapLine: line, text };
  }

  #mapping(
    place: Place,
    key: number | string,
    type: number,
    dir: number,
    size: number,
    entries: readonly number[],
  ): Omit<LiveMapping, 'address'> {
    return { ...place, key, type, dir, size, entries, sequence: this.#sequence++ };
  }

  #release(mapping: LiveMapping): void {
    this.#newestReleased[mapping.dir] = Math.max(this.#newestReleased[mapping.dir], mapping.sequence);
    this.#live.remove(mapping);
  }
}

function tableKey(address: number): string {
  return `table ${address}`;
}

/** No map of that address is in the trace at all: it was made before the trace began, or never. */
function unknownUnmap(finding: TraceFinding): TraceFinding {
  return { ...finding, kind: 'unknown-unmap', text: `${finding.text}; the trace holds no map of it` };
}
