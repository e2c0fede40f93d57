import { claimSlots, IO_TLB_SIZE, type PoolGeometry, releaseSlots, SlotSearch, SwiotlbPool } from '@dmalab/swiotlb';

/** What one CPU of the machine is in the middle of. */
interface Call {
  readonly device: TracedDevice;
  readonly orig: number;
  readonly size: number;
  /** Areas scanned so far, and the result once there is one. */
  scans: number;
  slot: number;
}

interface Buffer {
  readonly device: TracedDevice;
  readonly address: number;
  readonly slot: number;
  readonly need: number;
  readonly size: number;
}

export interface TracedDevice {
  readonly name: string;
  readonly minAlignMask: number;
  readonly segBoundaryMask: number;
}

const NVME: TracedDevice = { name: '0000:00:03.0', minAlignMask: 4095, segBoundaryMask: 0xffffffff };

/**
 * A machine whose CPUs bounce buffers of their devices through one pool and print trace events, each step of each CPU at a moment of
 * its own: between the print and the change of the pool that it reports, other CPUs print and change things.
 */
export class TracedMachine {
  readonly #lines: string[] = [];
  readonly #devices: readonly TracedDevice[];
  readonly #pool: SwiotlbPool;
  readonly #search = new SlotSearch();
  readonly #calls: (Call | null)[];
  /** Freed, but not reported yet, by CPU. */
  readonly #unreported: (Buffer | null)[];
  readonly #live: Buffer[] = [];
  #seed: number;
  #micros = 1_000_000;

  constructor(geometry: PoolGeometry, cpus: number, seed: number, devices: readonly TracedDevice[] = [NVME]) {
    this.#devices = devices;
    this.#pool = new SwiotlbPool(geometry);
    this.#calls = Array.from({ length: cpus }, () => null);
    this.#unreported = Array.from({ length: cpus }, () => null);
    this.#seed = seed;
  }

  /** Lets CPUs, drawn at random, take so many steps, and then finish what they are in the middle of. */
  run(steps: number, largestPages: number): string[] {
    for (let k = 0; k < steps; k++) this.#step(this.#random(this.#calls.length), largestPages);
    for (let cpu = 0; cpu < this.#calls.length; cpu++) {
      while (this.#calls[cpu] !== null || this.#unreported[cpu] !== null) this.#step(cpu, largestPages);
    }
    return this.#lines;
  }

  #step(cpu: number, largestPages: number): void {
    this.#micros += 1 + this.#random(5);
    const call = this.#calls[cpu];
    const freed = this.#unreported[cpu];
    if (freed !== null) {
      this.#print(
        cpu,
        'd.h1.',
        `dma_unmap_phys: ${freed.device.name} dir=TO_DEVICE dma_addr=${freed.address.toString(16)} size=${freed.size} attrs=`,
      );
      this.#unreported[cpu] = null;
    } else if (call !== null) {
      this.#goOn(cpu, call);
    } else if (this.#live.length > 0 && this.#random(100) < 48) {
      this.#free(cpu);
    } else {
      const orig = 0x5000000 + 512 * this.#random(4096);
      const size = this.#random(3) === 0 ? 512 * (1 + this.#random(8)) : 4096 * (1 + this.#random(largestPages));
      const device = this.#devices[this.#random(this.#devices.length)];
      this.#calls[cpu] = { device, orig, size, scans: 0, slot: -1 };
      this.#print(
        cpu,
        '.....',
        `swiotlb_bounced: dev_name: ${device.name} dma_mask=ffffffffffffffff dev_addr=${orig.toString(16)} size=${size} FORCE`,
      );
    }
  }

  /** One more area, or the report of the result. */
  #goOn(cpu: number, call: Call): void {
    const pool = this.#pool;
    if (call.slot < 0 && call.scans < pool.areaCount) {
      const area = ((cpu & (pool.areaCount - 1)) + call.scans++) % pool.areaCount;
      this.#request(call);
      call.slot = this.#search.inArea(pool, area);
      if (call.slot >= 0) claimSlots(pool, call.slot, this.#search.need, this.#search.total, this.#search.low);
      return;
    }
    const address =
      call.slot < 0
        ? 2n ** 64n - 1n
        : BigInt(pool.start + call.slot * IO_TLB_SIZE + (call.orig & call.device.minAlignMask & (IO_TLB_SIZE - 1)));
    if (call.slot >= 0) {
      this.#request(call);
      this.#live.push({
        device: call.device,
        address: Number(address),
        slot: call.slot,
        need: this.#search.need,
        size: call.size,
      });
    }
    this.#print(
      cpu,
      '.....',
      `dma_map_phys: ${call.device.name} dir=TO_DEVICE dma_addr=${address.toString(16)} size=${call.size} phys_addr=${call.orig.toString(16)} attrs=`,
    );
    this.#calls[cpu] = null;
  }

  #free(cpu: number): void {
    const [buffer] = this.#live.splice(this.#random(this.#live.length), 1);
    releaseSlots(this.#pool, buffer.slot, buffer.need);
    this.#unreported[cpu] = buffer;
  }

  #request({ device, orig, size }: Call): void {
    const { minAlignMask, segBoundaryMask } = device;
    this.#search.request(size + (orig & minAlignMask & (IO_TLB_SIZE - 1)), orig, minAlignMask, 0);
    this.#search.enter(this.#pool, this.#pool.start, segBoundaryMask);
  }

  #print(cpu: number, flags: string, body: string): void {
    const seconds = `${Math.floor(this.#micros / 1e6)}.${String(this.#micros % 1e6).padStart(6, '0')}`;
    this.#lines.push(
      `             fio-${100 + cpu}     [${String(cpu).padStart(3, '0')}] ${flags} ${seconds.padStart(12)}: ${body}`,
    );
  }

  #random(below: number): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#seed / 2 ** 32) * below);
  }
}
