import { INVALID_PHYS_ADDR } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';

const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);
const roundUp = (a: number, unit: number): number => ceilDiv(a, unit) * unit;

/**
 * The specification's sections 5 to 8 written down a second time, as the kernel keeps its books: `list` holds run
 * lengths, every loop goes slot by slot, numbers are BigInt where a mask may be wide. Slow, and shares no code with the
 * pool it is held against.
 */
export class KernelPool {
  readonly start: number;
  readonly slotCount: number;
  readonly areaCount: number;
  readonly areaSlots: number;
  readonly list: number[];
  readonly orig: number[];
  readonly size: number[];
  readonly pad: number[];
  readonly index: number[];
  readonly used: number[];

  constructor(start: number, slotCount: number, areaCount: number) {
    this.start = start;
    this.slotCount = slotCount;
    this.areaCount = areaCount;
    this.areaSlots = Math.floor(slotCount / areaCount);
    this.list = Array.from({ length: slotCount }, (_, i) => Math.min(128 - (i % 128), slotCount - i)); // S10
    this.orig = new Array(slotCount).fill(INVALID_PHYS_ADDR);
    this.size = new Array(slotCount).fill(0);
    this.pad = new Array(slotCount).fill(0);
    this.index = new Array(areaCount).fill(0);
    this.used = new Array(areaCount).fill(0);
  }

  /** S34 to S40: the bounce address, or -1. */
  map(device: SwiotlbDevice, orig: number, length: number, aam: number, cpu: number): number {
    const offset = Number(BigInt(orig) & BigInt(device.minAlignMask) & BigInt(aam | 2047));
    const total = roundUp(length + offset, aam + 1);
    let area = cpu & (this.areaCount - 1);
    for (let tried = 0; tried < this.areaCount; tried++) {
      const slot = this.#search(device, orig, total, aam, area);
      if (slot >= 0) {
        const first = slot + Math.floor(offset / 2048);
        this.pad[first] = first - slot;
        for (let k = 0; k < ceilDiv(total, 2048) - (first - slot); k++) this.orig[first + k] = orig + 2048 * k;
        return this.start + 2048 * first + (offset % 2048);
      }
      area = (area + 1) % this.areaCount;
    }
    return -1;
  }

  /** S41 to S52. */
  #search(device: SwiotlbDevice, orig: number, total: number, wantedAam: number, area: number): number {
    const mam = device.minAlignMask;
    const need = ceilDiv(total, 2048);
    const low = (orig % 2048) & mam;
    const noBoundary = device.segBoundaryMask >= 2 ** 53;
    const t0 = noBoundary ? this.start : this.start % (device.segBoundaryMask + 1);
    const run = noBoundary ? 2 ** 53 : Math.floor(device.segBoundaryMask / 2048) + 1;
    const aam = (wantedAam === 0 && mam === 0 && total >= 4096 ? 4095 : wantedAam) | 2047;
    const hi = mam & ~aam;
    const step = Math.floor(Math.max(aam, hi) / 2048) + 1;
    if (need > this.areaSlots - this.used[area]) return -1;
    let i = this.index[area];
    let spent = 0;
    while (spent < this.areaSlots) {
      const s = area * this.areaSlots + i;
      const t = BigInt(t0 + 2048 * s);
      if ((t & BigInt(aam)) !== 0n || (orig !== 0 && (t & BigInt(hi)) !== (BigInt(orig) & BigInt(hi)))) {
        i = i + 1 === this.areaSlots ? 0 : i + 1;
        spent += 1;
        continue;
      }
      if (((ceilDiv(t0, 2048) + s) % run) + need <= run && this.list[s] >= need) {
        this.#claim(s, need, total, low);
        this.index[area] = i + need >= this.areaSlots ? 0 : i + need;
        this.used[area] += need;
        return s;
      }
      i += step;
      if (i >= this.areaSlots) i = 0;
      spent += step;
    }
    return -1;
  }

  #claim(s: number, need: number, total: number, low: number): void {
    for (let k = 0; k < need; k++) {
      this.list[s + k] = 0;
      this.size[s + k] = total - (low + 2048 * k);
    }
    this.#renumberBefore(s, 0);
  }

  /** S55 to S58. */
  free(device: SwiotlbDevice, bounce: number): void {
    const low = (bounce % 2048) & device.minAlignMask;
    let x = Math.floor((bounce - low - this.start) / 2048);
    x -= this.pad[x];
    const n = ceilDiv(this.size[x] + low, 2048);
    const next = x + n;
    let c = next < roundUp(x + 1, 128) && next < this.slotCount ? this.list[next] : 0;
    for (let j = next - 1; j >= x; j--) {
      this.list[j] = ++c;
      this.orig[j] = INVALID_PHYS_ADDR;
      this.size[j] = 0;
      this.pad[j] = 0;
    }
    this.#renumberBefore(x, c);
    this.used[Math.floor(x / this.areaSlots)] -= n;
  }

  #renumberBefore(s: number, c: number): void {
    for (let j = s - 1; j >= 0 && j % 128 !== 127 && this.list[j] !== 0; j--) this.list[j] = ++c;
  }
}
