import { type DmaContext, GFP_KERNEL } from '@dmalab/dma-api';
import { APP_TAG_ESCAPE, crcT10Dif, PROTECTION_BYTES } from '../../spec/t10-dif.ts';
import { Bio } from '../bio/bio.ts';
import { BLK_STS_OK, BLK_STS_PROTECTION, BLK_STS_RESOURCE } from '../bio/block-status.ts';
import { opIsWrite, REQ_INTEGRITY, REQ_OP_READ, REQ_OP_WRITE, reqOp } from '../bio/op.ts';
import { PhysVecs } from '../bio/phys-vecs.ts';

/** Metadata that goes with each block of a disk (spec N47). */
export interface IntegrityProfile {
  readonly blockBytes: number;
  /** At least 8, the tuple being the last 8 of them. */
  readonly metadataBytes: number;
  /** Protection type 1 to 3: type 3 has no reference tag that could be checked. */
  readonly type: number;
}

const PAGE = 4096;

/**
 * Protection information made on the way out and checked on the way in, for submitters that bring none (spec N47). Only
 * disks with a checksum profile have one of these.
 */
export class BlockIntegrity {
  readonly profile: IntegrityProfile;
  readonly #context: DmaContext;

  constructor(context: DmaContext, profile: IntegrityProfile) {
    this.#context = context;
    this.profile = profile;
  }

  /** Metadata bytes that go with so many bytes of data. */
  metadataOf(dataBytes: number): number {
    return (dataBytes / this.profile.blockBytes) * this.profile.metadataBytes;
  }

  /** Gives a read or write its payload, filled in for a write: a block status. */
  prepare(bio: Bio): number {
    const op = reqOp(bio.opf);
    if (bio.integrity !== null || bio.bytes === 0 || (op !== REQ_OP_READ && op !== REQ_OP_WRITE)) return BLK_STS_OK;
    const bytes = this.metadataOf(bio.bytes);
    const phys = this.#context.pageSource?.allocPages(GFP_KERNEL, orderOf(bytes), -1) ?? -1;
    if (phys < 0) return BLK_STS_RESOURCE;
    const payload = new Bio(new PhysVecs(1)).init(bio.opf, bio.sector);
    payload.addPhys(phys, bytes);
    // Marks the payload as the layer's own: it is checked and freed at the end.
    payload.mark = 1;
    bio.integrity = payload;
    bio.opf |= REQ_INTEGRITY;
    if (opIsWrite(bio.opf)) this.#context.memory.write(phys, this.#generate(bio));
    return BLK_STS_OK;
  }

  /** The bio ended with that status: checks what a read brought, and gives back the memory. */
  finish(bio: Bio, status: number): number {
    const payload = bio.integrity;
    if (payload === null || payload.mark !== 1) return status;
    const [phys] = payload.vecs.phys;
    const [bytes] = payload.vecs.lengthBytes;
    const good = status !== BLK_STS_OK || opIsWrite(bio.opf) || this.#verify(bio, phys, bytes);
    this.#context.pageSource?.freePages(phys, orderOf(bytes));
    bio.integrity = null;
    bio.opf &= ~REQ_INTEGRITY;
    return good ? status : BLK_STS_PROTECTION;
  }

  #generate(bio: Bio): Uint8Array {
    const { blockBytes, metadataBytes, type } = this.profile;
    const data = this.#dataOf(bio);
    const metadata = new Uint8Array(this.metadataOf(data.length));
    const view = new DataView(metadata.buffer);
    for (let i = 0; i * blockBytes < data.length; i++) {
      const tuple = (i + 1) * metadataBytes - PROTECTION_BYTES;
      view.setUint16(tuple, this.#guard(data, metadata, i), false);
      view.setUint32(tuple + 4, type === 3 ? 0 : this.#refTag(bio, i), false);
    }
    return metadata;
  }

  #verify(bio: Bio, phys: number, bytes: number): boolean {
    const { blockBytes, metadataBytes, type } = this.profile;
    const data = this.#dataOf(bio);
    const metadata = new Uint8Array(bytes);
    this.#context.memory.read(phys, metadata);
    const view = new DataView(metadata.buffer);
    for (let i = 0; i * blockBytes < data.length; i++) {
      const tuple = (i + 1) * metadataBytes - PROTECTION_BYTES;
      if (view.getUint16(tuple + 2, false) === APP_TAG_ESCAPE) continue;
      if (view.getUint16(tuple, false) !== this.#guard(data, metadata, i)) return false;
      if (type !== 3 && view.getUint32(tuple + 4, false) !== this.#refTag(bio, i)) return false;
    }
    return true;
  }

  /** Over the block's data and the metadata in front of its tuple. */
  #guard(data: Uint8Array, metadata: Uint8Array, block: number): number {
    const { blockBytes, metadataBytes } = this.profile;
    const crc = crcT10Dif(data, block * blockBytes, blockBytes);
    return crcT10Dif(metadata, block * metadataBytes, metadataBytes - PROTECTION_BYTES, crc);
  }

  #refTag(bio: Bio, block: number): number {
    return (bio.sector / (this.profile.blockBytes / 512) + block) >>> 0;
  }

  #dataOf(bio: Bio): Uint8Array {
    const data = new Uint8Array(bio.bytes);
    const { vecs } = bio;
    let at = 0;
    for (let i = bio.index, skip = bio.done; at < data.length; i++, skip = 0) {
      const bytes = Math.min(vecs.lengthBytes[i] - skip, data.length - at);
      this.#context.memory.read(vecs.phys[i] + skip, data, at, bytes);
      at += bytes;
    }
    return data;
  }
}

function orderOf(bytes: number): number {
  return Math.ceil(Math.log2(Math.max(bytes, PAGE) / PAGE));
}
