import { get, join64 } from '../../spec/bits.ts';
import { RwCdw12, SqeWord } from '../../spec/sqe.ts';
import { Status } from '../../spec/status.ts';
import { hostToBytes, mediaToHost, resolveData } from '../data/data-transfer.ts';
import type { Namespace } from '../media/namespace.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { sameBytes, storeBlocks } from './block-contents.ts';
import { compareWithMetadata, readWithMetadata, verifyProtection, writeWithMetadata } from './metadata-transfer.ts';

/** Read (spec N160), after its checks: one copy from the media to each range of the host. */
export function read(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  const slba = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  const lengthBytes = (get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1) * ns.blockBytes;
  c.health.reads++;
  c.health.bytesRead += lengthBytes;
  if (ns.metadataBytes !== 0) return readWithMetadata(c, ns, sqe);
  return resolveData(c, sqe, lengthBytes) || mediaToHost(c, ns.media, slba * ns.blockBytes);
}

/** Write (spec N160), after its checks: all of the data is fetched before any of it is stored. */
export function write(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  const slba = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  const blocks = get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1;
  const lengthBytes = blocks * ns.blockBytes;
  c.health.writes++;
  c.health.bytesWritten += lengthBytes;
  if (ns.metadataBytes !== 0) return writeWithMetadata(c, ns, sqe);
  const data = c.stagingOf(lengthBytes);
  const status = resolveData(c, sqe, lengthBytes) || hostToBytes(c, data);
  if (status === 0) storeBlocks(c, ns, slba, blocks, data, get(sqe[SqeWord.CDW12], RwCdw12.FUA));
  return status;
}

/** Compare (spec N160): as a write that stores nothing. */
export function compare(c: ControllerState, ns: Namespace, sqe: Uint32Array): number {
  if (ns.metadataBytes !== 0) return compareWithMetadata(c, ns, sqe);
  const slba = join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]);
  const lengthBytes = (get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1) * ns.blockBytes;
  const data = c.stagingOf(2 * lengthBytes);
  const status = resolveData(c, sqe, lengthBytes) || hostToBytes(c, data);
  if (status !== 0) return status;
  ns.media.read(slba * ns.blockBytes, data, lengthBytes, lengthBytes);
  return sameBytes(data, 0, lengthBytes, lengthBytes) ? Status.SUCCESS : Status.COMPARE_FAILED;
}

/** Verify (spec N160): reads without a transfer, so only protection information can fail it. */
export function verify(ns: Namespace, sqe: Uint32Array): number {
  return ns.protection === 0 ? Status.SUCCESS : verifyProtection(ns, sqe);
}
