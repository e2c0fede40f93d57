import { EVENT_NAMES, EventKind } from '../format/event-kind.ts';
import * as slot from '../format/record.ts';
import { NARROW_STRIDE, WIDE_STRIDE } from '../format/record.ts';
import { StringTable } from './string-table.ts';
import { decodeUtf8 } from './utf8.ts';

const INITIAL_EVENTS = 1024;

/**
 * A trace in memory: events in the order of the file, each known by its index 0 to `length - 1`.
 *
 * Records have fixed width and lie in two typed arrays; every accessor reads one element. An accessor is meaningful
 * for the kinds it names and reads an unrelated slot for others, so look at `kind(i)` first, or use `eventAt(log, i)`.
 * Addresses: all-ones (`ffffffffffffffff`) is -1, `DMA_MAPPING_ERROR`. Values past 2^53 are the nearest double, and
 * the event's body is kept as text too (`exactBody`), so that nothing is lost when it is printed.
 */
export class TraceLog {
  /** Device names, task names and other repeated text. */
  readonly strings: StringTable;
  /** WIDE_STRIDE doubles an event; see `format/record.ts`. For code that needs every nanosecond. */
  wide: Float64Array = new Float64Array(INITIAL_EVENTS * WIDE_STRIDE);
  /** NARROW_STRIDE integers an event. */
  narrow: Int32Array = new Int32Array(INITIAL_EVENTS * NARROW_STRIDE);
  /** Elements of address and size lists. */
  lists: Float64Array = new Float64Array(256);
  listLength = 0;
  /** UTF-8 of texts that do not repeat. */
  textBytes: Uint8Array = new Uint8Array(4096);
  textLength = 0;
  #length = 0;
  readonly #exactBodies = new Map<number, string>();

  /** An empty log, which shares its strings with whoever else was given the same table. */
  constructor(strings: StringTable = new StringTable()) {
    this.strings = strings;
  }

  /** Number of events. */
  get length(): number {
    return this.#length;
  }

  // Every event.

  kind(i: number): EventKind {
    return this.narrow[i * NARROW_STRIDE]! as EventKind;
  }

  /** Event name as in the file, also of an UNKNOWN event. */
  name(i: number): string {
    const kind = this.kind(i);
    return kind === EventKind.UNKNOWN ? this.strings.get(this.#narrow(i, slot.N0)) : EVENT_NAMES[kind]!;
  }

  /** 1-based line in the file, header lines counted; 0 for an event that was recorded and not read. */
  line(i: number): number {
    return this.#narrow(i, slot.LINE);
  }

  cpu(i: number): number {
    return this.#narrow(i, slot.CPU);
  }

  pid(i: number): number {
    return this.#narrow(i, slot.PID);
  }

  /** Task name, `<idle>` for the idle task. */
  comm(i: number): string {
    return this.strings.get(this.#narrow(i, slot.COMM));
  }

  commId(i: number): number {
    return this.#narrow(i, slot.COMM);
  }

  /** Flag characters (spec D95), usually five: `d.h1.`; empty when the trace has none. */
  flags(i: number): string {
    return this.strings.get(this.#narrow(i, slot.FLAGS));
  }

  /** Recorded in interrupt context: the third flag is h, s, H, z or Z (spec D95). */
  inInterrupt(i: number): boolean {
    const context = this.flags(i).charAt(2);
    return context !== '' && 'hsHzZ'.includes(context);
  }

  /** Microseconds on the trace clock. */
  time(i: number): number {
    return this.wide[i * WIDE_STRIDE]!;
  }

  /** Device of a DMA, SWIOTLB or IOMMU event, controller of an NVMe event (`nvme0`), `MAJ,MIN` of a block event; else empty. */
  device(i: number): string {
    return this.strings.get(this.#narrow(i, slot.DEVICE));
  }

  /** String number of {@link device}, -1 where the event names none. */
  deviceId(i: number): number {
    return this.#narrow(i, slot.DEVICE);
  }

  // DMA API, SWIOTLB and IOMMU events (spec D96, S97, I160).

  /** dma_*: 0 BIDIRECTIONAL, 1 TO_DEVICE, 2 FROM_DEVICE, 3 NONE. */
  dir(i: number): number {
    return this.#narrow(i, slot.DIR);
  }

  /** `dma_addr` of dma_*; `iova` of map, unmap and io_page_fault; `dev_addr` of swiotlb_bounced; sector of block_*. */
  address(i: number): number {
    return this.#wide(i, slot.ADDRESS);
  }

  /** Bytes: `size` of all that have one; bytes of block_rq_issue, _insert and _merge. */
  size(i: number): number {
    return this.#wide(i, slot.SIZE);
  }

  /** `phys_addr` of dma_map_phys, `paddr` of map. */
  phys(i: number): number {
    return this.#wide(i, slot.PHYS);
  }

  /** map, unmap: exclusive end of the range. */
  end(i: number): number {
    return this.#wide(i, slot.EXTRA);
  }

  /** unmap: bytes that were mapped and no longer are. */
  unmappedSize(i: number): number {
    return this.#wide(i, slot.PHYS);
  }

  /** dma_map_phys, dma_unmap_phys, dma_alloc*, dma_free*, dma_map_sg*, dma_unmap_sg: DMA_ATTR_ bits (spec D4). */
  attrs(i: number): number {
    return this.#narrow(i, slot.ATTRS) >>> 0;
  }

  /** dma_alloc*: allocation flags by name. */
  gfp(i: number): string {
    return this.strings.get(this.#narrow(i, slot.N2));
  }

  /** dma_alloc, dma_alloc_pages, dma_free, dma_free_pages: 16 digits of a hashed pointer, good for comparing only (spec T33). */
  virtAddr(i: number): string {
    return hex8(this.#narrow(i, slot.N0)) + hex8(this.#narrow(i, slot.N1));
  }

  /** swiotlb_bounced: the device's DMA mask; past 2^53 the nearest double. */
  dmaMask(i: number): number {
    return this.#wide(i, slot.EXTRA);
  }

  /** swiotlb_bounced: FORCE. */
  force(i: number): boolean {
    return this.#narrow(i, slot.N0) === 1;
  }

  /** add_device_to_group, remove_device_from_group. */
  groupId(i: number): number {
    return this.#narrow(i, slot.N0);
  }

  // Lists: dma_map_sg, dma_map_sg_err, dma_unmap_sg, dma_alloc_sgt, dma_free_sgt, dma_sync_sg_*.

  /** Number of DMA addresses, and of sizes, that the event lists. */
  dmaCount(i: number): number {
    return this.#narrow(i, slot.N0);
  }

  /** Number of physical addresses that the event lists (for dma_map_sg_err the list labelled `dma_addrs`). */
  physCount(i: number): number {
    return this.#narrow(i, slot.N1);
  }

  dmaAddrAt(i: number, index: number): number {
    return this.lists[this.#narrow(i, slot.POOL_AT) + index]!;
  }

  /** Size that belongs to `dmaAddrAt(i, index)`. */
  sizeAt(i: number, index: number): number {
    return this.lists[this.#narrow(i, slot.POOL_AT) + this.dmaCount(i) + index]!;
  }

  physAt(i: number, index: number): number {
    return this.lists[this.#narrow(i, slot.POOL_AT) + 2 * this.dmaCount(i) + index]!;
  }

  /** dma_map_sg: entries that the caller passed; more than `physCount` when the event is truncated to 128. */
  nents(i: number): number {
    return this.#narrow(i, slot.N2);
  }

  /** dma_map_sg: entries that the mapping has; more than `dmaCount` when the event is truncated to 128. */
  ents(i: number): number {
    return this.#narrow(i, slot.N3);
  }

  /** dma_map_sg_err: negative errno. */
  err(i: number): number {
    return this.#narrow(i, slot.N2);
  }

  // NVMe events (spec N110).

  /** Disk name, empty for an admin command. */
  disk(i: number): string {
    return this.strings.get(this.#narrow(i, slot.N0));
  }

  qid(i: number): number {
    return this.#narrow(i, slot.N1);
  }

  /** nvme_setup_cmd, nvme_complete_rq. */
  cmdid(i: number): number {
    return this.#narrow(i, slot.N2);
  }

  /** nvme_setup_cmd: what stands in the parentheses, `nvme_cmd_read slba=0, len=255, ...` (spec N111). */
  command(i: number): string {
    return this.text(i).slice(1, -1);
  }

  /** nvme_sq: head that the completion carried. */
  head(i: number): number {
    return this.#narrow(i, slot.N2);
  }

  /** nvme_sq: the driver's tail. */
  tail(i: number): number {
    return this.#narrow(i, slot.N3);
  }

  /** nvme_complete_rq: result. */
  result(i: number): number {
    return this.#wide(i, slot.EXTRA);
  }

  /** nvme_complete_rq: status in the notation of spec N110. */
  status(i: number): number {
    return this.#narrow(i, slot.N4);
  }

  // Block events (spec N110).

  /** Operation and flags: `WS`, `R`, `FF`. */
  rwbs(i: number): string {
    return this.strings.get(this.#narrow(i, slot.N0));
  }

  /** Sectors of 512 bytes. */
  sectors(i: number): number {
    return this.#wide(i, slot.EXTRA);
  }

  /** block_rq_complete, _error, _requeue: 0 or a negative errno. */
  errno(i: number): number {
    return this.#narrow(i, slot.N4);
  }

  // Text.

  /** Body of an UNKNOWN event; `cmd=` of nvme_setup_cmd. */
  text(i: number): string {
    const at = this.#narrow(i, slot.POOL_AT);
    return decodeUtf8(this.textBytes, at, at + this.#narrow(i, slot.POOL_LENGTH));
  }

  /** The body as it stood in the file, of an event with a number that a double can't hold; else undefined. */
  exactBody(i: number): string | undefined {
    return this.#exactBodies.get(i);
  }

  // Building. The reader and the recorder append; everyone else only reads.

  /** Room for one more record: its index. The record is all zeros but for DEVICE, which is -1; `commit` makes it part of the log. */
  reserve(): number {
    const i = this.#length;
    if ((i + 1) * NARROW_STRIDE > this.narrow.length) this.#grow();
    const at = i * NARROW_STRIDE;
    for (let n = 0; n < NARROW_STRIDE; n++) this.narrow[at + n] = 0;
    this.narrow[at + slot.DEVICE] = -1;
    return i;
  }

  /** Makes the record of the last `reserve` the last event. */
  commit(): void {
    this.#length++;
  }

  /** Appends an element to the list pool. */
  pushList(value: number): void {
    if (this.listLength === this.lists.length) {
      const lists = new Float64Array(2 * this.listLength);
      lists.set(this.lists);
      this.lists = lists;
    }
    this.lists[this.listLength++] = value;
  }

  /** Appends `bytes[from, to)` to the text pool; returns where it starts. */
  pushText(bytes: Uint8Array, from: number, to: number): number {
    const at = this.textLength;
    const end = at + to - from;
    if (end > this.textBytes.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.textBytes);
      this.textBytes = grown;
    }
    for (let i = from; i < to; i++) this.textBytes[at + i - from] = bytes[i]!;
    this.textLength = end;
    return at;
  }

  /** Keeps the body of event `i` as text beside its numbers. */
  keepExactBody(i: number, body: string): void {
    this.#exactBodies.set(i, body);
  }

  /** Forgets the events, not the strings, whose numbers stay valid. */
  clear(): void {
    this.#length = 0;
    this.listLength = 0;
    this.textLength = 0;
    this.#exactBodies.clear();
  }

  #narrow(i: number, slot: number): number {
    return this.narrow[i * NARROW_STRIDE + slot]!;
  }

  #wide(i: number, slot: number): number {
    return this.wide[i * WIDE_STRIDE + slot]!;
  }

  #grow(): void {
    const wide = new Float64Array(2 * this.wide.length);
    wide.set(this.wide);
    this.wide = wide;
    const narrow = new Int32Array(2 * this.narrow.length);
    narrow.set(this.narrow);
    this.narrow = narrow;
  }
}

function hex8(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
