import { DMA_MAPPING_ERROR, PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { dmaSetMask } from '../device/dma-mask.ts';
import { dmaMappingError } from '../map/map-page.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { dmaMapSg, dmaUnmapSg } from '../sg/map-sg.ts';
import { Scatterlist } from '../sg/scatterlist.ts';
import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE } from '../types/direction.ts';
import { EINVAL, ENOMEM } from '../types/errno.ts';
import { dmaBitMask } from '../types/masks.ts';

/** Ranges of the kernel's tool (spec D103). */
const MOST_THREADS = 1024;
const MOST_SECONDS = 300;
const MOST_TRANSFER_NANOS = 10_000_000;
const MOST_GRANULE = 1024;
const FILL = 0x66;
/** Samples are in units of 100 ns. */
const NANOS_PER_UNIT = 100;

/** What the ioctl takes (spec D103). The defaults are those of the user tool (spec D105). */
export interface MapBenchmarkRequest {
  readonly threads?: number;
  readonly seconds?: number;
  readonly node?: number;
  readonly dmaBits?: number;
  readonly dir?: number;
  readonly transferNanos?: number;
  readonly granule?: number;
  /** Lists of one-page entries instead of one range. */
  readonly scatterlist?: boolean;
}

/** What it gives back; times in units of 100 ns (spec D105). */
export interface MapBenchmarkResult {
  readonly loops: number;
  readonly averageMap: number;
  readonly deviationMap: number;
  readonly averageUnmap: number;
  readonly deviationUnmap: number;
}

/** What the benchmark needs of whoever runs it: this package has no clock and no threads. */
export interface MapBenchmarkHost {
  /** Time now, in nanoseconds; advances as the host sees fit. */
  now(): number;
  /** Waits that long. */
  wait(nanos: number): void;
  /** Physical pages for one thread, contiguous; -1 if there are none. */
  pages(count: number): number;
  readonly nodes: number;
}

const ZERO: MapBenchmarkResult = { loops: 0, averageMap: 0, deviationMap: 0, averageUnmap: 0, deviationUnmap: 0 };

/** Sums of samples and of their squares, over all threads. */
export class MapBenchmarkSums {
  loops = 0;
  #map = 0;
  #mapSquares = 0;
  #unmap = 0;
  #unmapSquares = 0;

  /** One loop; each time is truncated to whole units (spec D105). */
  add(mapNanos: number, unmapNanos: number): void {
    const map = Math.floor(mapNanos / NANOS_PER_UNIT);
    const unmap = Math.floor(unmapNanos / NANOS_PER_UNIT);
    this.#map += map;
    this.#mapSquares += map * map;
    this.#unmap += unmap;
    this.#unmapSquares += unmap * unmap;
    this.loops++;
  }

  /** No loop leaves the results as they were passed in. */
  result(passedIn: MapBenchmarkResult = ZERO): MapBenchmarkResult {
    const { loops } = this;
    if (loops === 0) return passedIn;
    const averageMap = Math.floor(this.#map / loops);
    const averageUnmap = Math.floor(this.#unmap / loops);
    return {
      loops,
      averageMap,
      deviationMap: deviation(this.#mapSquares, loops, averageMap),
      averageUnmap,
      deviationUnmap: deviation(this.#unmapSquares, loops, averageUnmap),
    };
  }
}

/** Runs the benchmark, thread after thread; -EINVAL or -ENOMEM as the ioctl (spec D103, D104). */
export function mapBenchmark(
  dev: Device,
  host: MapBenchmarkHost,
  request: MapBenchmarkRequest = {},
): MapBenchmarkResult | number {
  const { threads = 1, seconds = 20, node = -1, dmaBits = 32, dir = DMA_BIDIRECTIONAL } = request;
  const { transferNanos = 0, granule = 1 } = request;
  const valid =
    inRange(threads, 1, MOST_THREADS) &&
    inRange(seconds, 1, MOST_SECONDS) &&
    inRange(node, -1, host.nodes - 1) &&
    inRange(dir, 0, 2) &&
    inRange(transferNanos, 0, MOST_TRANSFER_NANOS) &&
    inRange(granule, 1, MOST_GRANULE);
  if (!valid) return EINVAL;
  const oldMask = dev.dmaMask;
  if (dmaSetMask(dev, dmaBitMask(dmaBits)) !== 0) return EINVAL;
  const sums = new MapBenchmarkSums();
  let error = 0;
  for (let thread = 0; thread < threads && error === 0; thread++) {
    const loop = { nanos: seconds * 1e9, dir, transferNanos, granule, scatterlist: request.scatterlist ?? false };
    error = runThread(dev, host, sums, loop);
  }
  dmaSetMask(dev, oldMask);
  return error !== 0 ? error : sums.result();
}

/** What every thread does. */
interface ThreadLoop {
  readonly nanos: number;
  readonly dir: number;
  readonly transferNanos: number;
  readonly granule: number;
  readonly scatterlist: boolean;
}

/** One thread's loop (spec D104). A map failure ends it with -ENOMEM. */
function runThread(dev: Device, host: MapBenchmarkHost, sums: MapBenchmarkSums, loop: ThreadLoop): number {
  const { nanos, dir, transferNanos, granule, scatterlist } = loop;
  const phys = host.pages(granule);
  if (phys < 0) return ENOMEM;
  const size = granule * PAGE_SIZE;
  const pages = Array.from({ length: granule }, (_, i) => ({ phys: phys + i * PAGE_SIZE, length: PAGE_SIZE }));
  const list = Scatterlist.fromRanges(pages);
  for (const end = host.now() + nanos; host.now() < end; ) {
    if (dir !== DMA_FROM_DEVICE) dev.context.memory.fill(phys, size, FILL);
    const start = host.now();
    const address = scatterlist ? DMA_MAPPING_ERROR : dmaMapPhys(dev, phys as PhysAddr, size, dir);
    const failed = scatterlist ? dmaMapSg(dev, list, granule, dir) === 0 : dmaMappingError(dev, address) !== 0;
    if (failed) return ENOMEM;
    const mapped = host.now();
    host.wait(transferNanos);
    const unmapping = host.now();
    if (scatterlist) dmaUnmapSg(dev, list, granule, dir);
    else dmaUnmapPhys(dev, address, size, dir);
    sums.add(mapped - start, host.now() - unmapping);
  }
  return 0;
}

function inRange(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** isqrt(floor(sum of squares / loops) - average^2). */
function deviation(squares: number, loops: number, average: number): number {
  return Math.floor(Math.sqrt(Math.floor(squares / loops) - average * average));
}
