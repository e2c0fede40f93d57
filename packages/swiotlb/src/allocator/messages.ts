import type { SwiotlbDevice } from '../device.ts';
import { hex } from '../errors.ts';

/** Where kernel log lines go, and the time that rate limits go by. */
export interface SwiotlbLog {
  /** One line, without time stamp. */
  line(text: string): void;
  /** Virtual time in nanoseconds. */
  now(): number;
}

const BURST = 10;
const INTERVAL_NANOS = 5e9;

/** One call site of a rate-limited message: 10 lines in 5 seconds, the rest is lost (spec S91). */
class RateLimit {
  #begin = -Infinity;
  #printed = 0;

  allows(now: number): boolean {
    if (now - this.#begin > INTERVAL_NANOS) {
      this.#begin = now;
      this.#printed = 0;
    }
    if (this.#printed >= BURST) return false;
    this.#printed++;
    return true;
  }
}

/** The kernel's words for what goes wrong in bouncing, and how often it says them (spec S90, S91). */
export class SwiotlbMessages {
  readonly #log: SwiotlbLog;
  readonly #full = new RateLimit();
  readonly #noPool = new RateLimit();
  readonly #growthFailed = new RateLimit();
  readonly #warned = new Map<string, WeakSet<SwiotlbDevice>>();
  #saidEncrypted = false;

  constructor(log: SwiotlbLog) {
    this.#log = log;
  }

  /** Spec S90: `total` with offset and rounding, `slots` of all lasting pools, `used` of them in use. */
  full(device: SwiotlbDevice, total: number, slots: number, used: number): void {
    if (!this.#full.allows(this.#log.now())) return;
    this.#device(device, `swiotlb buffer is full (sz: ${total} bytes), total ${slots} (slots), used ${used} (slots)`);
  }

  /** Spec S31. */
  noPool(device: SwiotlbDevice): void {
    if (!this.#noPool.allows(this.#log.now())) return;
    this.#device(
      device,
      "Can not allocate SWIOTLB buffer earlier and can't now provide you with the DMA bounce buffer",
    );
  }

  /** Spec S66: once a device. */
  overrun(device: SwiotlbDevice, room: number, length: number): void {
    if (!this.#firstFor('overrun', device)) return;
    this.#device(device, `Buffer overflow detected. Allocation size: ${room}. Mapping size: ${length}.`);
  }

  /** Spec S32: once a device. */
  wideAlignment(device: SwiotlbDevice): void {
    if (!this.#firstFor('alignment', device)) return;
    this.#device(device, 'Alloc alignment may prevent fulfilling requests with max mapping_size');
  }

  /** Spec S102: once. */
  encrypted(device: SwiotlbDevice): void {
    if (this.#saidEncrypted) return;
    this.#saidEncrypted = true;
    this.#device(device, 'Memory encryption is active and system is using DMA bounce buffers');
  }

  /** Spec S101. */
  decryptionFailed(): void {
    this.#log.line('software IO TLB: Failed to decrypt default memory pool, disabling it');
  }

  /** Spec S115. */
  growthFailed(): void {
    if (this.#growthFailed.allows(this.#log.now())) this.#log.line('software IO TLB: Failed to allocate new pool');
  }

  /** Spec S122. */
  unalignedBlock(device: SwiotlbDevice, address: number): void {
    this.#device(device, `swiotlb block ${hex(address)} is not page aligned`);
  }

  #device({ name, boundDriver }: SwiotlbDevice, text: string): void {
    this.#log.line(boundDriver == null ? `${name}: ${text}` : `${boundDriver} ${name}: ${text}`);
  }

  #firstFor(message: string, device: SwiotlbDevice): boolean {
    let warned = this.#warned.get(message);
    if (warned === undefined) {
      warned = new WeakSet();
      this.#warned.set(message, warned);
    }
    if (warned.has(device)) return false;
    warned.add(device);
    return true;
  }
}

/** Drops everything. */
export const SILENT_LOG: SwiotlbLog = { line: () => {}, now: () => 0 };
