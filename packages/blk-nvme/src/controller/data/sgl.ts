import { get, join64 } from '../../spec/bits.ts';
import { SGL_DESCRIPTOR_BYTES, Sgls, SglType, SglWord3 } from '../../spec/sgl.ts';
import { dnr, Status } from '../../spec/status.ts';
import type { HostMemory } from './host-memory.ts';
import { BIT_BUCKET, type TransferRanges } from './transfer-ranges.ts';

/** Descriptors fetched at a time: a segment may be longer than any buffer. */
const BATCH = 256;
const WRAP = 2 ** 64;

/**
 * Follows an SGL from its descriptor in the command (spec N143). The tests come in the order in which that rule lists
 * them, since an SGL that breaks two rules must end with the status of the first.
 */
export class SglReader {
  readonly #bytes = new Uint8Array(BATCH * SGL_DESCRIPTOR_BYTES);
  readonly #words = new Uint32Array(this.#bytes.buffer);
  readonly #memory: HostMemory;
  readonly #ranges: TransferRanges;
  readonly #sgls: number;
  /** Of the segment descriptor that ends the segment in hand; `#nextLast` is 1 for a last-segment descriptor. */
  #nextAddress = 0;
  #nextBytes = 0;
  #nextLast = 0;
  #rest = 0;

  constructor(memory: HostMemory, ranges: TransferRanges, sgls: number) {
    this.#memory = memory;
    this.#ranges = ranges;
    this.#sgls = sgls;
  }

  /** `words[at]` is the first word of the descriptor. 0, or the status that the command ends with. */
  resolve(words: Uint32Array, at: number, lengthBytes: number): number {
    this.#rest = lengthBytes;
    const type = get(words[at + 3], SglWord3.TYPE);
    if (get(words[at + 3], SglWord3.SUBTYPE) !== 0) return dnr(Status.SGL_INVALID_TYPE);
    if (type === SglType.DATA) return this.#addData(words, at) || this.#finish();
    if (type !== SglType.SEGMENT && type !== SglType.LAST_SEGMENT) return dnr(Status.SGL_INVALID_LAST);
    this.#takeSegment(words, at);
    for (;;) {
      const before = this.#rest;
      const status = this.#readSegment();
      if (status !== 0) return status;
      if (this.#nextBytes === 0) return this.#finish();
      // A chain that carries nothing could be followed for ever.
      if (this.#rest === before) return dnr(Status.SGL_INVALID_LAST);
    }
  }

  #finish(): number {
    return this.#rest > 0 ? dnr(Status.SGL_INVALID_DATA) : 0;
  }

  #takeSegment(words: Uint32Array, at: number): void {
    this.#nextAddress = join64(words[at], words[at + 1]);
    this.#nextBytes = words[at + 2];
    this.#nextLast = get(words[at + 3], SglWord3.TYPE) === SglType.LAST_SEGMENT ? 1 : 0;
  }

  /** Reads the segment that was taken last; leaves the next one taken, or `#nextBytes` 0 at the end of the list. */
  #readSegment(): number {
    let address = this.#nextAddress;
    let bytes = this.#nextBytes;
    const isLast = this.#nextLast;
    if (bytes === 0 || bytes % SGL_DESCRIPTOR_BYTES !== 0) return dnr(Status.SGL_INVALID_LAST);
    if (address + bytes >= WRAP) return dnr(Status.SGL_INVALID_DATA);
    this.#nextBytes = 0;
    while (bytes > 0) {
      const batch = Math.min(bytes, this.#bytes.length);
      if (this.#memory.read(address, this.#bytes, 0, batch) !== 0) return Status.DATA_XFER_ERROR;
      address += batch;
      bytes -= batch;
      const status = this.#readEntries(batch / SGL_DESCRIPTOR_BYTES, bytes === 0, isLast);
      if (status !== 0) return status;
    }
    return 0;
  }

  #readEntries(count: number, endsSegment: boolean, isLastSegment: number): number {
    for (let entry = 0; entry < count; entry++) {
      const at = entry * 4;
      const word3 = this.#words[at + 3];
      const type = get(word3, SglWord3.TYPE);
      const final = endsSegment && entry === count - 1;
      if (get(word3, SglWord3.SUBTYPE) !== 0) return dnr(Status.SGL_INVALID_TYPE);
      if (type === SglType.DATA || type === SglType.BIT_BUCKET) {
        const status = this.#addData(this.#words, at);
        if (status !== 0) return status;
      } else if (type === SglType.SEGMENT || type === SglType.LAST_SEGMENT) {
        if (!final) return dnr(Status.SGL_INVALID_COUNT);
        if (isLastSegment === 1) return dnr(Status.SGL_INVALID_LAST);
        this.#takeSegment(this.#words, at);
        if (this.#nextBytes === 0) return dnr(Status.SGL_INVALID_LAST);
      } else {
        return dnr(final ? Status.SGL_INVALID_LAST : Status.SGL_INVALID_TYPE);
      }
    }
    return 0;
  }

  #addData(words: Uint32Array, at: number): number {
    const address = join64(words[at], words[at + 1]);
    const bytes = words[at + 2];
    if (bytes === 0) return 0;
    if (get(this.#sgls, Sgls.SUPPORT) === 2 && ((words[at] | bytes) & 3) !== 0) {
      return dnr(Status.SGL_INVALID_GRANULARITY);
    }
    if (address + bytes >= WRAP) return dnr(Status.SGL_INVALID_DATA);
    // spec gap: N143 gives the text and QEMU, which differ. Excess inside the descriptor that completes the transfer passes, a further one does not: what QEMU does.
    if (this.#rest === 0 && get(this.#sgls, Sgls.EXCESS) === 0) return dnr(Status.SGL_INVALID_DATA);
    const piece = Math.min(bytes, this.#rest);
    if (piece === 0) return 0;
    const isBucket = get(words[at + 3], SglWord3.TYPE) === SglType.BIT_BUCKET;
    this.#ranges.add(isBucket ? BIT_BUCKET : address, piece);
    this.#rest -= piece;
    return 0;
  }
}
