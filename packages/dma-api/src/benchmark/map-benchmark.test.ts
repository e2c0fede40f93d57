import { describe, expect, it } from 'vitest';
import { TestMachine } from '../testing/test-machine.ts';
import { EINVAL, ENOMEM } from '../types/errno.ts';
import { dmaBitMask } from '../types/masks.ts';
import { MapBenchmarkSums, mapBenchmark } from './map-benchmark.ts';

/** A clock that gains 150 ns at each look. */
function host(pages = 0x200000) {
  let now = 0;
  return {
    now: () => (now += 150),
    wait: (nanos: number) => {
      now += nanos;
    },
    pages: () => pages,
    nodes: 1,
  };
}

describe('map_benchmark', () => {
  it('D105 truncates each sample to 100 ns and takes floors of averages and roots', () => {
    const sums = new MapBenchmarkSums();
    expect(sums.result()).toMatchObject({ loops: 0, averageMap: 0 });
    sums.add(199, 1000);
    sums.add(450, 3099);
    sums.add(700, 2000);
    expect(sums.result()).toEqual({
      loops: 3,
      averageMap: 4, // (1 + 4 + 7) / 3
      deviationMap: 2, // isqrt(22 - 16)
      averageUnmap: 20,
      deviationUnmap: 8, // isqrt(466 - 400)
    });
  });

  it.each([
    { threads: 0 },
    { threads: 1025 },
    { seconds: 301 },
    { node: 1 },
    { dir: 3 },
    { transferNanos: 10_000_001 },
    { granule: 1025 },
    { dmaBits: 12 },
  ])('D103 refuses %o', (request) => {
    expect(mapBenchmark(new TestMachine().device(), host(), request)).toBe(EINVAL);
  });

  it('D103 D104 restores the mask, maps the whole granule in one call, and fails with -ENOMEM', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaMask: dmaBitMask(64) });
    const request = { seconds: 1, transferNanos: 10_000_000, granule: 4 };
    expect(mapBenchmark(dev, host(), request)).toMatchObject({ averageMap: 1, averageUnmap: 1, deviationMap: 0 });
    expect(dev.dmaMask).toBe(dmaBitMask(64));
    expect(machine.events()[0]).toContain('size=16384');
    expect(machine.memory.load8(0x203fff)).toBe(0x66);
    mapBenchmark(dev, host(), { ...request, scatterlist: true });
    expect(machine.events().at(-1)).toContain('phys_addrs={0x200000,0x201000,0x202000,0x203000}');
    expect(mapBenchmark(dev, host(-1), request)).toBe(ENOMEM);
    expect(mapBenchmark(dev, host(0x1_0000_0000), { ...request, dmaBits: 30 })).toBe(ENOMEM);
  });
});
