import type { Namespace } from './namespace.ts';

/** What a write puts on the media, or what was there before. */
interface Contents {
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  /** A byte a block: it holds data that was written, and is no hole. */
  readonly written: Uint8Array;
}

/** One write that the cache has and the media may not. */
interface UnflushedWrite {
  readonly namespace: Namespace;
  readonly slba: number;
  readonly blocks: number;
  readonly before: Contents;
  readonly after: Contents;
}

/**
 * How many blocks of an unflushed write reach the media when power goes, 0 to `blocks`. `index` counts unflushed writes
 * from the oldest.
 */
export type PowerCutChoice = (index: number, slba: number, blocks: number) => number;

/**
 * What a volatile write cache would lose (spec N161). The media always holds the newest data, as readers must see it;
 * this log keeps the content before and after each unflushed write, and a power cut rewinds to what was durable and then
 * replays what the choice lets survive.
 */
export class DurabilityLog {
  #unflushed: UnflushedWrite[] = [];

  get unflushedCount(): number {
    return this.#unflushed.length;
  }

  /** Call before the new bytes are stored; `metadata` is empty where the namespace has none. */
  record(namespace: Namespace, slba: number, blocks: number, data: Uint8Array, metadata: Uint8Array): void {
    const after = {
      data: data.slice(0, blocks * namespace.blockBytes),
      metadata: metadata.slice(0, blocks * namespace.metadataBytes),
      written: new Uint8Array(blocks).fill(1),
    };
    this.#unflushed.push({ namespace, slba, blocks, before: load(namespace, slba, blocks), after });
  }

  /** Everything of that namespace is durable; without one, everything is. */
  flush(namespace?: Namespace): void {
    this.#unflushed = namespace ? this.#unflushed.filter((write) => write.namespace !== namespace) : [];
  }

  /**
   * spec gap: N161 says what FUA makes durable, not what becomes of older unflushed writes below it. Here the cache drains in order up to the newest that it covers, since a part of an
   * older write must not come back over blocks that stay.
   */
  flushRange(namespace: Namespace, slba: number, blocks: number): void {
    const last = this.#unflushed.findLastIndex(
      (write) => write.namespace === namespace && write.slba < slba + blocks && slba < write.slba + write.blocks,
    );
    this.#unflushed = this.#unflushed.filter((write, i) => i > last || write.namespace !== namespace);
  }

  /**
   * Power goes. `unitBlocks` is the atomic write unit: a write of at most that many blocks survives whole or not at all,
   * a larger one is torn only between blocks.
   */
  powerCut(choose: PowerCutChoice, unitBlocks: number): void {
    const unflushed = this.#unflushed;
    this.#unflushed = [];
    for (const write of unflushed.toReversed()) store(write, write.before, write.blocks);
    for (const [index, write] of unflushed.entries()) {
      const chosen = Math.min(Math.max(choose(index, write.slba, write.blocks), 0), write.blocks);
      const survives = write.blocks <= unitBlocks && chosen < write.blocks ? 0 : chosen;
      store(write, write.after, survives);
    }
  }
}

function load(ns: Namespace, slba: number, blocks: number): Contents {
  const data = new Uint8Array(blocks * ns.blockBytes);
  const metadata = new Uint8Array(blocks * ns.metadataBytes);
  ns.media.read(slba * ns.blockBytes, data, 0, data.length);
  ns.metadata.read(slba * ns.metadataBytes, metadata, 0, metadata.length);
  const written = Uint8Array.from({ length: blocks }, (_, i) => (ns.written.has(slba + i) ? 1 : 0));
  return { data, metadata, written };
}

/** Puts the first `blocks` blocks back as they were. */
function store({ namespace: ns, slba }: UnflushedWrite, { data, metadata, written }: Contents, blocks: number): void {
  if (blocks === 0) return;
  ns.media.write(slba * ns.blockBytes, data, 0, blocks * ns.blockBytes);
  ns.metadata.write(slba * ns.metadataBytes, metadata, 0, blocks * ns.metadataBytes);
  for (let i = 0; i < blocks; i++) {
    if (written[i] === 1) ns.written.addRange(slba + i, 1);
    else ns.written.removeRange(slba + i, 1);
  }
}
