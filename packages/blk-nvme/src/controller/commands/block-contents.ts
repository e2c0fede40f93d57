import { Feature } from '../../spec/features.ts';
import type { Namespace } from '../media/namespace.ts';
import type { ControllerState } from '../state/controller-state.ts';

const NO_METADATA = new Uint8Array(0);

/** New contents of whole blocks, seen by every later read; durable at once with FUA or without a cache (spec N161). */
export function storeBlocks(
  c: ControllerState,
  ns: Namespace,
  slba: number,
  blocks: number,
  data: Uint8Array,
  fua: number,
  metadata: Uint8Array = NO_METADATA,
): void {
  if (c.config.trackDurability) recordDurability(c, ns, slba, blocks, data, metadata, fua);
  ns.media.write(slba * ns.blockBytes, data, 0, blocks * ns.blockBytes);
  if (metadata.length > 0) ns.metadata.write(slba * ns.metadataBytes, metadata, 0, blocks * ns.metadataBytes);
  ns.written.addRange(slba, blocks);
  if (ns.uncorrectable.size !== 0) ns.uncorrectable.removeRange(slba, blocks);
}

function recordDurability(
  c: ControllerState,
  ns: Namespace,
  slba: number,
  blocks: number,
  data: Uint8Array,
  metadata: Uint8Array,
  fua: number,
): void {
  const cached = c.config.writeCache && (c.features.get(Feature.VOLATILE_WC) & 1) === 1;
  // The blocks under a durable write have no older version left that a power cut could bring back.
  if (fua === 1 || !cached) c.durability.flushRange(ns, slba, blocks);
  else c.durability.record(ns, slba, blocks, data, metadata);
}

export function sameBytes(bytes: Uint8Array, a: number, b: number, lengthBytes: number): boolean {
  for (let i = 0; i < lengthBytes; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
