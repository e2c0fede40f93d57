import { GCProfiler } from 'node:v8';
import { benchmarks, bytesInUse, type Quantity } from '@dmalab/bench';
import type { PhysAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { type BenchBackend, benchDevice } from '../testing/bench-machine.ts';
import { DMA_TO_DEVICE } from '../types/direction.ts';

const FEW = 2 ** 17;
const MANY = 2 ** 20;
const STEPS = 12;
const FIRST = 0x1_0000_0000; // an address that is no small integer

const CALLS_A_MILLION = 100;
const PAIRS = 10_000;
const MILLIONS = 10;
const WARM_UP_CALLS = 200;

function map(dev: Device, from: number, to: number): void {
  for (let i = from; i < to; i++) dmaMapPhys(dev, (FIRST + i * 4096) as PhysAddr, 4096, DMA_TO_DEVICE);
}

/**
 * Bytes that a live mapping takes, as the mean over twelve numbers of mappings from 128 Ki to 1 Mi: columns grow by steps, and
 * one number alone would catch them just before a step or just after. Table pages are simulated memory, reserved from the
 * start: they do not count.
 */
function bytesPerMapping(debug: boolean): number {
  const dev = benchDevice('lazy', debug);
  const before = bytesInUse();
  let mapped = 0;
  let sum = 0;
  for (let step = 0; step < STEPS; step++) {
    const wanted = Math.round(FEW * (MANY / FEW) ** (step / (STEPS - 1)));
    map(dev, mapped, wanted);
    mapped = wanted;
    sum += (bytesInUse() - before) / mapped;
  }
  return sum / STEPS;
}

function mapAndUnmap(dev: Device): void {
  for (let i = 0; i < PAIRS; i++) {
    const address = dmaMapPhys(dev, (FIRST + i * 4096) as PhysAddr, 4096, DMA_TO_DEVICE);
    dmaUnmapPhys(dev, address, 4096, DMA_TO_DEVICE);
  }
}

/** Collections of the young generation in 10 million map + unmap, once compiled: until then, code boxes its numbers. */
function scavenges(backend: BenchBackend): number {
  const dev = benchDevice(backend);
  for (let i = 0; i < WARM_UP_CALLS; i++) mapAndUnmap(dev);
  const profiler = new GCProfiler();
  profiler.start();
  for (let i = 0; i < MILLIONS * CALLS_A_MILLION; i++) mapAndUnmap(dev);
  return profiler.stop()?.statistics.filter(({ gcType }) => gcType === 'Scavenge').length ?? Number.NaN;
}

export default benchmarks([]);

export const quantities: readonly Quantity[] = [
  { name: 'a live mapping', unit: 'B', goal: 16, atMost: 16, measure: () => bytesPerMapping(false) },
  { name: 'a live mapping, dma-debug on', unit: 'B', goal: 16, atMost: 48, measure: () => bytesPerMapping(true) },
  ...(['direct', 'lazy', 'strict'] as const).map((backend) => ({
    name: `scavenges in 10 M map + unmap, ${backend}`,
    unit: 'times',
    goal: 22,
    atMost: 0,
    measure: () => scavenges(backend),
  })),
];
