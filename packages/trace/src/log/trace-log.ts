import { EVENT_NAMES, EventKind } from '../format/event-kind.ts';
import type { Field } from '../format/field.ts';
import * as slot from '../format/record.ts';
import { NARROW_STRIDE, WIDE_STRIDE } from '../format/record.ts';
import { LogStore } from './log-store.ts';
import { decodeUtf8 } from './utf8.ts';

/** A scatterlist event lists no more entries than this (spec D96). */
export const TRACED_LIMIT = 128;

/**
 * A trace in memory: events in the order of the file, each known by its index 0 to `length - 1`.
 *
 * Records have fixed width and lie in two typed arrays; every accessor reads one element. An accessor is meaningful
 * for the kinds it names and reads an unrelated slot for others, so look at `kind(i)` first, or use `eventAt(log, i)`.
 * Addresses: all-ones (`ffffffffffffffff`) is -1, `DMA_MAPPING_ERROR`. Values past 2^53 are the nearest double, and
 * the event's body is kept as text too (`exactBody`), so that nothing is lost when it is printed.
 */
export class TraceLog extends LogStore {
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

  /** dma_map_sg: entries were left out of the lists (spec D96). */
  isTruncated(i: number): boolean {
    return this.nents(i) > TRACED_LIMIT || this.ents(i) > TRACED_LIMIT;
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

  /** nvme_setup_cmd: namespace, 0xffffffff for all. */
  nsid(i: number): number {
    return this.#wide(i, slot.EXTRA);
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

  /** nvme_complete_rq: how often the command was tried again. */
  retries(i: number): number {
    return this.#narrow(i, slot.N3);
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

  /** block_split: where the rest starts. */
  newSector(i: number): number {
    return this.#wide(i, slot.EXTRA);
  }

  /** block_rq_issue, _insert, _merge, block_bio_*, block_getrq, block_split, block_unplug: name of the task in brackets. */
  submitter(i: number): string {
    return this.strings.get(this.#narrow(i, slot.N4));
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

  // By the table of formats, for what treats all fields alike.

  /** The number in a field's slot. */
  slot(i: number, field: Field): number {
    return field.isWide ? this.#wide(i, field.slot) : this.#narrow(i, field.slot);
  }

  /** The elements of a list field. */
  list(i: number, field: Field): number[] {
    const count = this.dmaCount(i);
    const from =
      this.#narrow(i, slot.POOL_AT) + (field.key === 'physAddrs' ? 2 : field.key === 'sizes' ? 1 : 0) * count;
    return Array.from(this.lists.subarray(from, from + this.slot(i, field)));
  }

  #narrow(i: number, slot: number): number {
    return this.narrow[i * NARROW_STRIDE + slot]!;
  }

  #wide(i: number, slot: number): number {
    return this.wide[i * WIDE_STRIDE + slot]!;
  }
}

function hex8(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
