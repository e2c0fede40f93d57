import { GCProfiler } from 'node:v8';
import type { PhysAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { DMA_TO_DEVICE } from '../types/direction.ts';
import { type BenchBackend, benchDevice } from './bench-machine.ts';

// A program: `count-scavenges.ts BACKEND MILLIONS` prints how often the garbage collector ran for so many million map +
// unmap. A process of its own, without a test runner's way of loading modules, which compiles to other code.

const CALLS_A_MILLION = 100;
const PAIRS = 10_000;
const WARM_UP = 200;
const FIRST = 0x1_0000_0000; // an address that is no small integer

function mapAndUnmap(dev: Device): void {
  for (let i = 0; i < PAIRS; i++) {
    const address = dmaMapPhys(dev, (FIRST + i * 4096) as PhysAddr, 4096, DMA_TO_DEVICE);
    dmaUnmapPhys(dev, address, 4096, DMA_TO_DEVICE);
  }
}

function scavenges(dev: Device, calls: number): number {
  const profiler = new GCProfiler();
  profiler.start();
  for (let i = 0; i < calls; i++) mapAndUnmap(dev);
  return profiler.stop()?.statistics.filter(({ gcType }) => gcType === 'Scavenge').length ?? -1;
}

const dev = benchDevice(process.argv[2] as BenchBackend);
const calls = Number(process.argv[3]) * CALLS_A_MILLION;
scavenges(dev, WARM_UP); // until it is compiled, code boxes its numbers
// The best of three: on a busy machine the compiler, a thread of its own, may finish in the middle of the first.
console.log(Math.min(scavenges(dev, calls), scavenges(dev, calls), scavenges(dev, calls)));
