import { ControllerOptionsError } from '../errors.ts';
import type { NamespaceOptions } from '../options.ts';
import { BlockSet } from './block-set.ts';
import { LBA_FORMATS } from './lba-formats.ts';
import { type Media, SparseMedia } from './media.ts';
import { Reservation } from './reservation.ts';

/** Metadata bytes per byte of media at most: 64 in 512. Sizes the metadata of a namespace once, for every format. */
const METADATA_DIVISOR = 8;

export const WRITE_PROTECT_POWER_CYCLE = 2;
export const WRITE_PROTECT_PERMANENT = 3;

/** One namespace: its format, and the media behind it. Formatting changes everything but the id and the capacity. */
export class Namespace {
  readonly nsid: number;
  readonly media: Media;
  readonly metadata: Media;
  format = 0;
  blockBytes = 512;
  /** Bytes of metadata a block, 0 for none. */
  metadataBytes = 0;
  /** Metadata follows its block's data in one buffer instead of standing apart (spec N162). */
  extended = false;
  /** Protection information type, 0 for none. */
  protection = 0;
  /** Protection information is the first 8 bytes of the metadata instead of the last. */
  protectionFirst = false;
  /** Logical blocks: NSZE and NCAP. */
  blocks = 0;
  /** Feature 84h: 0 none, 1 protected, 2 until a power cycle, 3 for good (spec N153). */
  writeProtection = 0;
  /** Deallocated blocks are answered with an error instead of zeroes (spec N153, DULBE). */
  deallocatedError = false;
  /** What I/O ends with while something else has the media (a format, a sanitize); 0: nothing has. */
  busyStatus = 0;
  readonly reservation = new Reservation();
  written = new BlockSet(0);
  uncorrectable = new BlockSet(0);

  constructor(nsid: number, options: NamespaceOptions) {
    const format = options.format ?? 0;
    if (!(format in LBA_FORMATS)) {
      throw new ControllerOptionsError('namespace format', format, 0, LBA_FORMATS.length - 1);
    }
    this.nsid = nsid;
    this.media = options.media ?? new SparseMedia(options.sizeBytes);
    this.metadata = new SparseMedia(Math.ceil(options.sizeBytes / METADATA_DIVISOR));
    this.writeProtection = options.writeProtected ? WRITE_PROTECT_PERMANENT : 0;
    this.#shape(format, options.extendedMetadata ?? false, options.protection ?? 0, false);
    const leastBytes = this.blockBytes;
    if (!(options.sizeBytes >= leastBytes && options.sizeBytes % leastBytes === 0)) {
      throw new ControllerOptionsError('namespace sizeBytes', options.sizeBytes, leastBytes, 2 ** 52);
    }
  }

  /** Format NVM: a new shape, and contents that read as zeroes (spec N150). */
  reformat(format: number, extended: boolean, protection: number, protectionFirst: boolean): void {
    this.#shape(format, extended, protection, protectionFirst);
    this.erase();
  }

  /** Everything reads as zeroes and counts as deallocated. */
  erase(): void {
    this.media.zero(0, this.media.sizeBytes);
    this.metadata.zero(0, this.metadata.sizeBytes);
    this.written = new BlockSet(this.blocks);
    this.uncorrectable = new BlockSet(this.blocks);
  }

  get writeProtected(): boolean {
    return this.writeProtection !== 0;
  }

  /** Bytes that a block takes in the host's data buffer. */
  get transferBlockBytes(): number {
    return this.extended ? this.blockBytes + this.metadataBytes : this.blockBytes;
  }

  deallocate(slba: number, blocks: number): void {
    this.media.zero(slba * this.blockBytes, blocks * this.blockBytes);
    if (this.metadataBytes !== 0) this.metadata.zero(slba * this.metadataBytes, blocks * this.metadataBytes);
    this.written.removeRange(slba, blocks);
    this.uncorrectable.removeRange(slba, blocks);
  }

  #shape(format: number, extended: boolean, protection: number, protectionFirst: boolean): void {
    const { metadataBytes, lbads } = LBA_FORMATS[format];
    this.format = format;
    this.blockBytes = 1 << lbads;
    this.metadataBytes = metadataBytes;
    this.extended = extended && metadataBytes !== 0;
    this.protection = protection;
    this.protectionFirst = protectionFirst;
    this.blocks = Math.floor(this.media.sizeBytes / this.blockBytes);
    this.written = new BlockSet(this.blocks);
    this.uncorrectable = new BlockSet(this.blocks);
  }
}
