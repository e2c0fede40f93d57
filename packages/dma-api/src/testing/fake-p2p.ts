import type { Device } from '../device/device.ts';
import type { P2pClassifier, P2pProvider } from '../p2p.ts';

/** One BAR of peer-to-peer memory that every client reaches the same way. */
export class FakeP2p implements P2pClassifier {
  readonly provider: P2pProvider;
  readonly #start: number;
  readonly #size: number;
  /** A map type of spec T30. */
  type: number;
  lookups = 0;

  constructor(start: number, size: number, busOffset: number, type: number) {
    this.#start = start;
    this.#size = size;
    this.provider = { busOffset };
    this.type = type;
  }

  providerOf(phys: number): P2pProvider | null {
    return phys >= this.#start && phys < this.#start + this.#size ? this.provider : null;
  }

  mapType(_provider: P2pProvider, _client: Device): number {
    this.lookups++;
    return this.type;
  }
}
