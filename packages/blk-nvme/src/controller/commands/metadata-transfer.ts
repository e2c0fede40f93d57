import { get, join64 } from '../../spec/bits.ts';
import { SGL_DESCRIPTOR_BYTES } from '../../spec/sgl.ts';
import { Cdw0, PSDT_SGL_MPTR_SGL, RwCdw12, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { PROTECTION_BYTES } from '../../spec/t10-dif.ts';
import { bytesToHost, hostToBytes, resolveData } from '../data/data-transfer.ts';
import type { Namespace } from '../media/namespace.ts';
import { checkProtection, checkStartTag, insertProtection, tagsOf } from '../media/protection.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { sameBytes, storeBlocks } from './block-contents.ts';

/**
 * Transfers of namespaces with metadata (spec N162): behind each block's data in one buffer, or in a buffer of its own
 * that MPTR names. Data and metadata are assembled apart, so that protection information is checked in one place.
 */
interface Blocks {
  readonly slba: number;
  readonly count: number;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  /** PRACT with 8 bytes of metadata: the host neither sends nor gets any. */
  readonly stripped: boolean;
}

function blocksOf(ns: Namespace, sqe: Uint32Array): Blocks {
  const count = get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1;
  const pract = get(sqe[SqeWord.CDW12], RwCdw12.PRACT) === 1;
  return {
    slba: join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]),
    count,
    data: new Uint8Array(count * ns.blockBytes),
    metadata: new Uint8Array(count * ns.metadataBytes),
    stripped: ns.protection !== 0 && pract && ns.metadataBytes === PROTECTION_BYTES,
  };
}

export function readWithMetadata(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  const blocks = blocksOf(ns, sqe);
  load(ns, blocks);
  const status = checkTags(ns, sqe, blocks);
  return status !== 0 ? status : transferOut(c, ns, sqe, blocks);
}

export function writeWithMetadata(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  const blocks = blocksOf(ns, sqe);
  const arrived = transferIn(c, ns, sqe, blocks);
  if (arrived !== 0) return arrived;
  if (ns.protection !== 0) {
    const pract = get(sqe[SqeWord.CDW12], RwCdw12.PRACT) === 1;
    const status = pract ? checkStartTag(ns, sqe) : checkTags(ns, sqe, blocks);
    if (status !== 0) return status;
    if (pract) insertProtection(ns, tagsOf(sqe), blocks.count, blocks.data, blocks.metadata);
  }
  const fua = get(sqe[SqeWord.CDW12], RwCdw12.FUA);
  storeBlocks(c, ns, blocks.slba, blocks.count, blocks.data, fua, blocks.metadata);
  return Status.SUCCESS;
}

export function compareWithMetadata(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  const stored = blocksOf(ns, sqe);
  const sent = blocksOf(ns, sqe);
  load(ns, stored);
  const status = checkTags(ns, sqe, stored) || transferIn(c, ns, sqe, sent);
  if (status !== 0) return status;
  const same = sameContent(sent.data, stored.data) && (sent.stripped || sameContent(sent.metadata, stored.metadata));
  return same ? Status.SUCCESS : Status.COMPARE_FAILED;
}

function sameContent(a: Uint8Array, b: Uint8Array): boolean {
  const both = new Uint8Array(2 * a.length);
  both.set(a);
  both.set(b, a.length);
  return sameBytes(both, 0, a.length, a.length);
}

export function verifyProtection(ns: Namespace, sqe: Uint32Array): number {
  const blocks = blocksOf(ns, sqe);
  load(ns, blocks);
  return checkTags(ns, sqe, blocks);
}

function checkTags(ns: Namespace, sqe: Uint32Array, blocks: Blocks): number {
  if (ns.protection === 0) return 0;
  return checkStartTag(ns, sqe) || checkProtection(ns, sqe, blocks.count, blocks.data, blocks.metadata);
}

/** Blocks never written read as zeroes, whose protection is the one that disables its own check (spec N162). */
function load(ns: Namespace, blocks: Blocks): void {
  ns.media.read(blocks.slba * ns.blockBytes, blocks.data, 0, blocks.data.length);
  ns.metadata.read(blocks.slba * ns.metadataBytes, blocks.metadata, 0, blocks.metadata.length);
  if (ns.protection === 0) return;
  for (let i = 0; i < blocks.count; i++) {
    if (ns.written.has(blocks.slba + i)) continue;
    const tuple = i * ns.metadataBytes + (ns.protectionFirst ? 0 : ns.metadataBytes - PROTECTION_BYTES);
    blocks.metadata.fill(0xff, tuple, tuple + PROTECTION_BYTES);
  }
}

function transferOut(c: ControllerState, ns: Namespace, sqe: Uint32Array, blocks: Blocks): number {
  if (blocks.stripped) return resolveData(c, sqe, blocks.data.length) || bytesToHost(c, blocks.data, 0);
  if (ns.extended) {
    const mixed = interleave(ns, blocks);
    return resolveData(c, sqe, mixed.length) || bytesToHost(c, mixed, 0);
  }
  const status = resolveData(c, sqe, blocks.data.length) || bytesToHost(c, blocks.data, 0);
  return status || resolveMetadata(c, sqe, blocks.metadata.length) || bytesToHost(c, blocks.metadata, 0);
}

function transferIn(c: ControllerState, ns: Namespace, sqe: Uint32Array, blocks: Blocks): number {
  if (blocks.stripped) return resolveData(c, sqe, blocks.data.length) || hostToBytes(c, blocks.data);
  if (ns.extended) {
    const mixed = new Uint8Array(blocks.count * ns.transferBlockBytes);
    const status = resolveData(c, sqe, mixed.length) || hostToBytes(c, mixed);
    if (status === 0) separate(ns, blocks, mixed);
    return status;
  }
  const status = resolveData(c, sqe, blocks.data.length) || hostToBytes(c, blocks.data);
  return status || resolveMetadata(c, sqe, blocks.metadata.length) || hostToBytes(c, blocks.metadata);
}

function interleave(ns: Namespace, blocks: Blocks): Uint8Array {
  const mixed = new Uint8Array(blocks.count * ns.transferBlockBytes);
  for (let i = 0; i < blocks.count; i++) {
    const at = i * ns.transferBlockBytes;
    mixed.set(blocks.data.subarray(i * ns.blockBytes, (i + 1) * ns.blockBytes), at);
    mixed.set(blocks.metadata.subarray(i * ns.metadataBytes, (i + 1) * ns.metadataBytes), at + ns.blockBytes);
  }
  return mixed;
}

function separate(ns: Namespace, blocks: Blocks, mixed: Uint8Array): void {
  for (let i = 0; i < blocks.count; i++) {
    const at = i * ns.transferBlockBytes;
    blocks.data.set(mixed.subarray(at, at + ns.blockBytes), i * ns.blockBytes);
    blocks.metadata.set(mixed.subarray(at + ns.blockBytes, at + ns.transferBlockBytes), i * ns.metadataBytes);
  }
}

/** MPTR: a plain address, or with PSDT 2 the address of one SGL descriptor (spec N143). */
function resolveMetadata(c: ControllerState, sqe: Uint32Array, lengthBytes: number): number {
  const mptr = join64(sqe[SqeWord.MPTR], sqe[SqeWord.MPTR + 1]);
  c.ranges.clear();
  if (get(sqe[SqeWord.CDW0], Cdw0.PSDT) !== PSDT_SGL_MPTR_SGL) {
    c.ranges.add(mptr, lengthBytes);
    return 0;
  }
  if (mptr % 8 !== 0) return dnr(Status.INVALID_FIELD);
  const descriptor = new Uint8Array(SGL_DESCRIPTOR_BYTES);
  if (c.memory.read(mptr, descriptor, 0, SGL_DESCRIPTOR_BYTES) !== 0) return Status.DATA_XFER_ERROR;
  const status = c.sgl.resolve(new Uint32Array(descriptor.buffer), 0, lengthBytes);
  // Lengths that do not match have a code of their own for metadata (spec N143).
  return status === dnr(Status.SGL_INVALID_DATA) ? dnr(Status.SGL_INVALID_METADATA) : status;
}
