import type { SendMessage } from '../../core/unit/iommu-unit.ts';
import { lowMask } from '../../spec/bits.ts';
import { EventControl } from '../../spec/vtd-registers.ts';

const IM = lowMask(EventControl.IM);
const IP = lowMask(EventControl.IP);

/** One of a unit's interrupts: control, data and address registers in a row (spec H14: FECTL.., IECTL..). */
export class EventInterrupt {
  readonly #base: number;
  readonly #send: SendMessage;
  #control = IM; // masked after reset
  #data = 0;
  #addressLow = 0;
  #addressHigh = 0;

  /** @param base offset of the control register */
  constructor(base: number, send: SendMessage) {
    this.#base = base;
    this.#send = send;
  }

  read(offset: number): number {
    switch (offset - this.#base) {
      case 0:
        return this.#control >>> 0;
      case 4:
        return this.#data;
      case 8:
        return this.#addressLow;
      default:
        return this.#addressHigh;
    }
  }

  write(offset: number, value: number): void {
    switch (offset - this.#base) {
      case 0:
        this.#control = (this.#control & IP) | (value & IM);
        this.#deliver();
        break;
      case 4:
        this.#data = value >>> 0;
        break;
      case 8:
        this.#addressLow = (value & ~3) >>> 0;
        break;
      default:
        this.#addressHigh = value >>> 0;
    }
  }

  /** Pending until delivered: a masked interrupt is sent when software unmasks it (spec H25). */
  raise(): void {
    this.#control |= IP;
    this.#deliver();
  }

  /** The cause is gone before the message went out. */
  withdraw(): void {
    this.#control &= ~IP;
  }

  #deliver(): void {
    if ((this.#control & IP) === 0 || (this.#control & IM) !== 0) return;
    this.#control &= ~IP;
    this.#send(this.#addressHigh * 2 ** 32 + this.#addressLow, this.#data);
  }
}
