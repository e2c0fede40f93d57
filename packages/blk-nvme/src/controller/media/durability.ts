import type { Namespace } from './namespace.ts';

/** One write that the cache has and the media may not. */
interface UnflushedWrite {
  readonly namespace: Namespace;
  readonly slba: number;
  readonly blocks: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
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

  /** Call before the new bytes are stored. */
  record(namespace: Namespace, slba: number, blocks: number, data: Uint8Array): void {
    const bytes = blocks * namespace.blockBytes;
    const before = new Uint8Array(bytes);
    namespace.media.read(slba * namespace.blockBytes, before, 0, bytes);
    this.#unflushed.push({ namespace, slba, blocks, before, after: data.slice(0, bytes) });
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

function store(write: UnflushedWrite, bytes: Uint8Array, blocks: number): void {
  const { media, blockBytes } = write.namespace;
  if (blocks > 0) media.write(write.slba * blockBytes, bytes, 0, blocks * blockBytes);
}
