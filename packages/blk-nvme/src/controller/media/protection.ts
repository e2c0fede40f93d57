import { get } from '../../spec/bits.ts';
import { RwCdw12, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { APP_TAG_ESCAPE, crcT10Dif, PROTECTION_BYTES, REF_TAG_ESCAPE } from '../../spec/t10-dif.ts';
import type { Namespace } from './namespace.ts';

/** The tags that a command brings along. */
export interface ProtectionTags {
  readonly appTag: number;
  readonly appMask: number;
  readonly refTag: number;
}

export function tagsOf(sqe: Uint32Array): ProtectionTags {
  return {
    appTag: sqe[SqeWord.CDW15] & 0xffff,
    appMask: sqe[SqeWord.CDW15] >>> 16,
    refTag: sqe[SqeWord.CDW14],
  };
}

/** A type 1 reference tag starts at the first block's number, where it is checked (spec N162). */
export function checkStartTag(ns: Namespace, sqe: Uint32Array): number {
  const checked = get(sqe[SqeWord.CDW12], RwCdw12.PRCHK_REF) === 1;
  const wrong = ns.protection === 1 && checked && sqe[SqeWord.CDW14] !== sqe[SqeWord.CDW10];
  return wrong ? dnr(Status.INVALID_PI) : 0;
}

/** Byte of the tuple inside a block's metadata. */
function tupleOffset(ns: Namespace): number {
  return ns.protectionFirst ? 0 : ns.metadataBytes - PROTECTION_BYTES;
}

/** Guard of one block: its data, and the metadata in front of the tuple. */
function guardOf(ns: Namespace, data: Uint8Array, dataAt: number, metadata: Uint8Array, metadataAt: number): number {
  return crcT10Dif(metadata, metadataAt, tupleOffset(ns), crcT10Dif(data, dataAt, ns.blockBytes));
}

/** Writes the tuples of `blocks` blocks (PRACT on a write). */
export function insertProtection(
  ns: Namespace,
  tags: ProtectionTags,
  blocks: number,
  data: Uint8Array,
  metadata: Uint8Array,
): void {
  const view = new DataView(metadata.buffer, metadata.byteOffset);
  for (let i = 0; i < blocks; i++) {
    const at = i * ns.metadataBytes;
    const tuple = at + tupleOffset(ns);
    view.setUint16(tuple, guardOf(ns, data, i * ns.blockBytes, metadata, at), false);
    view.setUint16(tuple + 2, tags.appTag, false);
    view.setUint32(tuple + 4, (tags.refTag + (ns.protection === 3 ? 0 : i)) >>> 0, false);
  }
}

/** Compares the tuples of `blocks` blocks as PRCHK asks: 0, or the status of the first that differs. */
export function checkProtection(
  ns: Namespace,
  sqe: Uint32Array,
  blocks: number,
  data: Uint8Array,
  metadata: Uint8Array,
): number {
  const view = new DataView(metadata.buffer, metadata.byteOffset);
  const tags = tagsOf(sqe);
  const cdw12 = sqe[SqeWord.CDW12];
  for (let i = 0; i < blocks; i++) {
    const at = i * ns.metadataBytes;
    const tuple = at + tupleOffset(ns);
    const appTag = view.getUint16(tuple + 2, false);
    const refTag = view.getUint32(tuple + 4, false);
    if (appTag === APP_TAG_ESCAPE && (ns.protection !== 3 || refTag === REF_TAG_ESCAPE)) continue;
    if (get(cdw12, RwCdw12.PRCHK_GUARD) === 1) {
      const guard = guardOf(ns, data, i * ns.blockBytes, metadata, at);
      if (guard !== view.getUint16(tuple, false)) return Status.GUARD_CHECK;
    }
    if (get(cdw12, RwCdw12.PRCHK_APP) === 1 && ((appTag ^ tags.appTag) & tags.appMask) !== 0)
      return Status.APPTAG_CHECK;
    const expectedRef = (tags.refTag + i) >>> 0;
    if (get(cdw12, RwCdw12.PRCHK_REF) === 1 && ns.protection !== 3 && refTag !== expectedRef)
      return Status.REFTAG_CHECK;
  }
  return 0;
}
