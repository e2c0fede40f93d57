import type { Bounce } from './bounce.ts';

const PAGE = 4096;

interface LiveList {
  readonly device: string;
  readonly phys: string;
  readonly bounces: readonly Bounce[];
}

/** Bounce buffers that are in use, by what an unmap event names: an address, an IOVA range or a scatterlist. */
export class LiveBounces {
  /** Oldest first: another CPU may print a mapping of freed slots before the unmap that freed them is printed (spec S99). */
  readonly #byAddress = new Map<number, Bounce[]>();
  readonly #byIova = new Map<number, Bounce>();
  readonly #lists: LiveList[] = [];

  addAddress(address: number, bounce: Bounce): void {
    const mapped = this.#byAddress.get(address);
    if (mapped === undefined) this.#byAddress.set(address, [bounce]);
    else mapped.push(bounce);
  }

  addIova(iova: number, bounce: Bounce): void {
    this.#byIova.set(iova, bounce);
  }

  addList(device: string, phys: readonly number[], bounces: readonly Bounce[]): void {
    this.#lists.push({ device, phys: phys.join(), bounces });
  }

  /** The buffer that was mapped at this address; none if that mapping did not bounce. */
  takeAddress(address: number): readonly Bounce[] {
    const mapped = this.#byAddress.get(address);
    if (mapped === undefined) return [];
    const bounce = mapped.shift()!;
    if (mapped.length === 0) this.#byAddress.delete(address);
    return [bounce];
  }

  /** The buffers mapped in this range, in the order of their IOVAs. */
  takeIovas(iova: number, end: number): readonly Bounce[] {
    const pages = (end - iova) / PAGE;
    const taken: number[] = [];
    if (pages <= this.#byIova.size) {
      for (let at = iova; at < end; at += PAGE) if (this.#byIova.has(at)) taken.push(at);
    } else {
      for (const at of this.#byIova.keys()) if (at >= iova && at < end) taken.push(at);
      taken.sort((a, b) => a - b);
    }
    return taken.map((at) => {
      const bounce = this.#byIova.get(at)!;
      this.#byIova.delete(at);
      return bounce;
    });
  }

  /** The buffers of the oldest mapped list of these entries; an unmap event names the originals only (spec S98). */
  takeList(device: string, phys: readonly number[]): readonly Bounce[] {
    const key = phys.join();
    const at = this.#lists.findIndex((list) => list.device === device && list.phys === key);
    return at < 0 ? [] : this.#lists.splice(at, 1)[0].bounces;
  }
}
