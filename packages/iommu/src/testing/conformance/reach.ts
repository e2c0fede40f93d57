import type { ConformanceRig } from './conformance-rig.ts';

/** What became of a request: `elsewhere` is the one answer that no test wants. */
export type Reach = 'reached' | 'blocked' | 'elsewhere';

/** Tells whether a device gets to a physical address, by words that stand nowhere else in the rig's memory. */
export class Prober {
  readonly #rig: ConformanceRig;
  #lastWord = 0x5eed0000;

  constructor(rig: ConformanceRig) {
    this.#rig = rig;
  }

  /** The device reads at `iova`: does it see what stands at `phys`? */
  read(sourceId: number, iova: number, phys: number): Reach {
    const { scratch } = this.#rig;
    const word = ++this.#lastWord;
    scratch.store32(phys, word);
    const bytes = new Uint8Array(4);
    if (!this.#rig.access(sourceId, iova, bytes, false)) return 'blocked';
    return new DataView(bytes.buffer).getUint32(0, true) === word ? 'reached' : 'elsewhere';
  }

  /** The device writes at `iova`: does it turn up at `phys`? A blocked write must leave it alone. */
  write(sourceId: number, iova: number, phys: number): Reach {
    const { scratch } = this.#rig;
    const before = ++this.#lastWord;
    const word = ++this.#lastWord;
    scratch.store32(phys, before);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, word, true);
    const passed = this.#rig.access(sourceId, iova, bytes, true);
    const after = scratch.load32(phys);
    if (!passed) return after === before ? 'blocked' : 'elsewhere';
    return after === word ? 'reached' : 'elsewhere';
  }

  /** Both, as in `reached blocked` for a read-only page. */
  both(sourceId: number, iova: number, phys: number): string {
    return `${this.read(sourceId, iova, phys)} ${this.write(sourceId, iova, phys)}`;
  }
}

export const REACHED = 'reached reached';
export const BLOCKED = 'blocked blocked';
export const READ_ONLY = 'reached blocked';
export const WRITE_ONLY = 'blocked reached';
