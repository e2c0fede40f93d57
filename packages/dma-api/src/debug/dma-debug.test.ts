import { DMA_MAPPING_ERROR, type DmaAddr, type PhysAddr } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { dmaAllocCoherent, dmaFreeCoherent } from '../alloc/alloc-attrs.ts';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import type { Device } from '../device/device.ts';
import { dmaSetMask } from '../device/dma-mask.ts';
import {
  dmaMapPage,
  dmaMappingError,
  dmaMapResource,
  dmaMapSingle,
  dmaUnmapPage,
  dmaUnmapResource,
} from '../map/map-page.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { dmaNeedUnmap, dmaSyncSingleForCpu, dmaSyncSingleForDevice } from '../map/sync.ts';
import type { Page } from '../page-era/page-conversions.ts';
import { dmaMapSg, dmaSyncSgForCpu, dmaUnmapSg } from '../sg/map-sg.ts';
import { Scatterlist } from '../sg/scatterlist.ts';
import { TestMachine, type TestMachineOptions } from '../testing/test-machine.ts';
import {
  DMA_ATTR_DEBUGGING_IGNORE_CACHELINES,
  DMA_ATTR_MMIO,
  DMA_ATTR_REQUIRE_COHERENT,
  DMA_ATTR_SKIP_CPU_SYNC,
} from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../types/direction.ts';
import { GFP_KERNEL } from '../types/gfp.ts';
import { dmaBitMask } from '../types/masks.ts';
import { debugDriverReleased } from './checks/driver-release.ts';
import { debugDumpMappings, debugfsDump, debugfsValues } from './debugfs.ts';
import type { DmaDebug } from './dma-debug.ts';

const WIDE = { dmaMask: dmaBitMask(64), coherentDmaMask: dmaBitMask(64) };
const at = (value: number): PhysAddr => value as PhysAddr;

interface Bench {
  readonly machine: TestMachine;
  readonly dev: Device;
  readonly debug: DmaDebug;
}

function bench(options: TestMachineOptions = {}): Bench {
  const { options: kernel, ...rest } = options;
  const machine = new TestMachine({ ...rest, options: { dmaApiDebug: true, ...kernel } });
  return { machine, dev: machine.device(WIDE), debug: machine.context.debug!.state };
}

function found(debug: DmaDebug): string[] {
  return debug.findings.list.map((finding) => finding.id);
}

/** Maps and looks at the result, as a driver should. */
function map(dev: Device, phys: number, size: number, dir: number, attrs = 0): DmaAddr {
  const address = dmaMapPhys(dev, at(phys), size, dir, attrs);
  dmaMappingError(dev, address);
  return address;
}

function list(...ranges: [phys: number, length: number][]): Scatterlist {
  return Scatterlist.fromRanges(ranges.map(([phys, length]) => ({ phys, length })));
}

/** One row a finding: a driver that does exactly this wrong, and what it is told. */
const CASES: readonly (readonly [
  id: string,
  text: RegExp,
  driver: (b: Bench) => void,
  options?: TestMachineOptions,
])[] = [
  ['E1', /addr=40001000.*len=64/, ({ dev }) => dmaMapSingle(dev, 0x40001000 as KernelPointer, 64, DMA_TO_DEVICE)],
  [
    'E3',
    /stack.*2000/,
    ({ dev }) => map(dev, 0x2000, 64, DMA_TO_DEVICE),
    { debug: { stack: { start: 0x2000, end: 0x6000 } } },
  ],
  [
    'E4',
    /kernel text.*addr=100ffff.*len=2/,
    ({ dev }) => map(dev, 0x100ffff, 2, DMA_TO_DEVICE),
    { debug: { kernelSections: [{ start: 0x1010000, end: 0x1020000 }] } },
  ],
  ['E5', /RAM.*2000/, ({ dev }) => dmaMapResource(dev, at(0x2000), 4096, DMA_TO_DEVICE)],
  ['E6', /len=65537.*max=65536/, ({ dev }) => dmaMapSg(dev, list([0x100000, 65537]), 1, DMA_TO_DEVICE)],
  [
    'E7',
    /start=0xfffff000.*end=0x100000fff.*boundary=0xffffffff/,
    ({ dev }) => dmaMapSg(dev, list([0xfffff000, 8192]), 1, DMA_TO_DEVICE),
  ],
  ['E9', /invalid/, ({ dev }) => dmaUnmapPhys(dev, DMA_MAPPING_ERROR, 64, DMA_TO_DEVICE)],
  ['E10', /0x2000.*size=64/, ({ dev }) => dmaUnmapPhys(dev, 0x2000 as DmaAddr, 64, DMA_TO_DEVICE)],
  [
    'E11',
    /map size=64.*unmap size=32/,
    ({ dev }) => dmaUnmapPhys(dev, map(dev, 0x2000, 64, DMA_TO_DEVICE), 32, DMA_TO_DEVICE),
  ],
  [
    'E12',
    /mapped as phy.*unmapped as coherent/,
    ({ dev }) => dmaFreeCoherent(dev, 4096, 0x2000 as KernelPointer, map(dev, 0x2000, 4096, DMA_BIDIRECTIONAL)),
  ],
  [
    'E13',
    /cpu alloc address.*cpu free address=0x9000/,
    ({ dev }) => {
      const memory = dmaAllocCoherent(dev, 4096, GFP_KERNEL)!;
      dmaFreeCoherent(dev, 4096, 0x9000 as KernelPointer, memory.dmaAddr);
    },
  ],
  [
    'E14',
    /map count=2.*unmap count=1/,
    ({ dev }) => {
      const sg = list([0x2000, 64], [0x9000, 64]);
      dmaMapSg(dev, sg, 2, DMA_TO_DEVICE);
      dmaUnmapSg(dev, sg, 1, DMA_TO_DEVICE);
    },
  ],
  [
    'E15',
    /mapped with DMA_TO_DEVICE.*unmapped with DMA_FROM_DEVICE/,
    ({ dev }) => dmaUnmapPhys(dev, map(dev, 0x2000, 64, DMA_TO_DEVICE), 64, DMA_FROM_DEVICE),
  ],
  [
    'E16',
    /failed to check map error.*mapped as phy/,
    ({ dev }) => dmaUnmapPhys(dev, dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE), 64, DMA_TO_DEVICE),
  ],
  [
    'E17',
    /mapped with 0x0.*unmapped with 0x400/,
    ({ dev }) => dmaUnmapPhys(dev, map(dev, 0x2000, 64, DMA_TO_DEVICE), 64, DMA_TO_DEVICE, DMA_ATTR_MMIO),
  ],
  ['E18', /sync.*not allocated/, ({ dev }) => dmaSyncSingleForCpu(dev, 0x2000 as DmaAddr, 64, DMA_FROM_DEVICE)],
  [
    'E20',
    /mapped with DMA_FROM_DEVICE.*synced with DMA_TO_DEVICE/,
    ({ dev }) => dmaSyncSingleForCpu(dev, map(dev, 0x2000, 64, DMA_FROM_DEVICE), 64, DMA_TO_DEVICE),
  ],
  ['E21', /read-only/, ({ dev }) => dmaSyncSingleForCpu(dev, map(dev, 0x2000, 64, DMA_TO_DEVICE), 64, DMA_FROM_DEVICE)],
  [
    'E22',
    /write-only/,
    ({ dev }) => dmaSyncSingleForDevice(dev, map(dev, 0x2000, 64, DMA_FROM_DEVICE), 64, DMA_TO_DEVICE),
  ],
  [
    'E23',
    /map count=2.*sync count=1/,
    ({ dev }) => {
      const sg = list([0x2000, 64], [0x9000, 64]);
      dmaMapSg(dev, sg, 2, DMA_FROM_DEVICE);
      dmaSyncSgForCpu(dev, sg, 1, DMA_FROM_DEVICE);
    },
  ],
  [
    'E24',
    /count=1.*size=64 bytes.*DMA_TO_DEVICE.*phy/,
    ({ dev, debug }) => {
      map(dev, 0x2000, 64, DMA_TO_DEVICE);
      debugDriverReleased(debug, dev);
    },
  ],
];

describe('findings (D92, D93)', () => {
  it.each(CASES.map(([id, text, driver, options]) => ({ id, text, driver, options })))(
    '$id is found, with its values',
    ({ id, text, driver, options }) => {
      const b = bench(options);
      driver(b);
      const finding = b.debug.findings.list.find((one) => one.id === id);
      expect(finding?.text).toMatch(text);
      const expected = id === 'E21' || id === 'E22' ? ['E20', id] : [id];
      expect(found(b.debug)).toEqual(expected);
    },
  );

  it('E2 vmalloc memory is refused by dma_map_single itself (D15)', () => {
    const { machine, dev, debug } = bench();
    const pointer = machine.context.kernelSpace.vmap([0x5000]);
    expect(dmaMapSingle(dev, pointer, 64, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(machine.logged('dma_map_single vmalloc').length).toBe(1);
    machine.context.debug!.checkMapSingle(dev, pointer, 64);
    expect(found(debug)).toEqual(['E2']);
  });

  it('E19 cannot be reached: a sync that is longer than the mapping is not enclosed by it and is E18', () => {
    const { dev, debug } = bench();
    dmaSyncSingleForCpu(dev, map(dev, 0x2000, 64, DMA_FROM_DEVICE), 65, DMA_FROM_DEVICE);
    expect(found(debug)).toEqual(['E18']);
  });

  it('D92 reports all that applies in order and removes the entry whatever was found', () => {
    const { dev, debug } = bench();
    const address = dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE);
    dmaUnmapPhys(dev, address, 32, DMA_FROM_DEVICE, DMA_ATTR_REQUIRE_COHERENT);
    expect(found(debug)).toEqual(['E11', 'E15', 'E16', 'E17']);
    expect(debug.entries.live()).toEqual([]);
  });

  it('D93 a BIDIRECTIONAL mapping may be synced in any direction, and part of a mapping may be synced', () => {
    const { dev, debug } = bench();
    const address = map(dev, 0x2000, 20000, DMA_BIDIRECTIONAL);
    dmaSyncSingleForCpu(dev, address, 64, DMA_TO_DEVICE);
    dmaSyncSingleForDevice(dev, (address + 19936) as DmaAddr, 64, DMA_FROM_DEVICE); // two buckets further on (D82)
    expect(found(debug)).toEqual([]);
  });
});

describe('lookup (D81, D82)', () => {
  it('T28 two mappings of one address and an imperfect unmap: E10, nothing removed, one unchecked becomes checked', () => {
    const { dev, debug } = bench();
    dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE);
    dmaMapPhys(dev, at(0x2000), 128, DMA_TO_DEVICE);
    dmaUnmapPhys(dev, 0x2000 as DmaAddr, 32, DMA_TO_DEVICE);
    expect(found(debug)).toEqual(['E10']);
    expect(debug.entries.live().map((entry) => debug.entries.state(entry))).toEqual([2, 1]);
  });

  it('D82 a perfect match wins among several of one address', () => {
    const { dev, debug } = bench();
    map(dev, 0x2000, 64, DMA_TO_DEVICE);
    map(dev, 0x2000, 128, DMA_TO_DEVICE);
    dmaUnmapPhys(dev, 0x2000 as DmaAddr, 128, DMA_TO_DEVICE);
    expect(found(debug)).toEqual([]);
    expect(debug.entries.live().map((entry) => debug.entries.size[entry])).toEqual([64]);
  });

  it('T27 a sync inside two live mappings is E18, even if they are equal', () => {
    const { dev, debug } = bench();
    const address = map(dev, 0x2000, 64, DMA_FROM_DEVICE);
    map(dev, 0x2000, 64, DMA_FROM_DEVICE);
    dmaSyncSingleForCpu(dev, address, 64, DMA_FROM_DEVICE);
    expect(found(debug)).toEqual(['E18']);
  });

  it('D81 T30 puts an address in the bucket of its bits 13 to 26, devices apart', () => {
    const { machine, dev, debug } = bench();
    const other = machine.device(WIDE, '0000:00:04.0');
    map(dev, 0x8002000, 64, DMA_TO_DEVICE);
    map(other, 0x8002000, 64, DMA_TO_DEVICE);
    dmaUnmapPhys(other, 0x8002000 as DmaAddr, 64, DMA_TO_DEVICE);
    expect(found(debug)).toEqual([]);
    expect(debugDumpMappings(debug)).toEqual([
      'phy idx 1 P=0x0000000008002000 D=8002000 L=40 cln=0x0000000000200080 DMA_TO_DEVICE dma map error checked attrs=0x0',
    ]);
  });

  it('D88 D89 T26 mapping an address again marks the first mapping as checked; one look checks one mapping', () => {
    const { dev, debug } = bench();
    const address = dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE);
    dmaMapPhys(dev, at(0x2000), 128, DMA_TO_DEVICE);
    expect(debug.entries.live().map((entry) => debug.entries.state(entry))).toEqual([2, 1]);
    dmaMappingError(dev, address);
    expect(debug.entries.live().map((entry) => debug.entries.state(entry))).toEqual([2, 2]);
  });

  it('D88 records the original address of a bounced buffer, D91 the size that was asked for', () => {
    const { dev, debug, machine } = bench({ slots: 128, force: true });
    const address = map(dev, 0x2000, 64, DMA_TO_DEVICE);
    const memory = dmaAllocCoherent(dev, 100, GFP_KERNEL)!;
    const { entries } = debug;
    expect(entries.live().map((e) => [entries.address[e], entries.phys[e], entries.size[e]])).toEqual(
      [
        [address, 0x2000, 64],
        [memory.dmaAddr, machine.context.kernelSpace.physOf(memory.cpuAddr), 100],
      ].sort(([a], [b]) => ((a / 8192) % 16384) - ((b / 8192) % 16384)),
    );
  });

  it('D90 keeps an entry for each mapped segment of a list and checks as many at unmap', () => {
    const { machine, debug } = bench();
    const { dev } = machine.translated(WIDE);
    const sg = list([0x2000, 4096], [0x9000, 4096], [0x20800, 64]);
    expect(dmaMapSg(dev, sg, 3, DMA_TO_DEVICE)).toBe(2);
    const { entries } = debug;
    expect(
      entries.live().map((e) => [entries.phys[e], entries.size[e], entries.sgCalls(e), entries.sgMapped(e)]),
    ).toEqual([
      [0x2000, 8192, 3, 2],
      [0x9000, 64, 3, 2], // the CPU side of the same position
    ]);
    dmaUnmapSg(dev, sg, 3, DMA_TO_DEVICE);
    expect(found(debug)).toEqual([]);
    expect(entries.live()).toEqual([]);
  });
});

describe('cachelines (D94)', () => {
  const ARM = { options: { dmaCacheAlignment: 64, cacheMaintenance: true } };

  it('E8 needs an arch that cares: x86 never reports it', () => {
    for (const [options, expected] of [
      [{}, []],
      [ARM, ['E8']],
    ] as const) {
      const { dev, debug } = bench(options);
      map(dev, 0x2000, 64, DMA_FROM_DEVICE);
      map(dev, 0x2020, 64, DMA_FROM_DEVICE);
      expect(found(debug)).toEqual(expected);
    }
  });

  it.each([
    ['SKIP_CPU_SYNC on the new mapping', 0, DMA_ATTR_SKIP_CPU_SYNC, 0],
    ['tolerance on the new one alone', 0, DMA_ATTR_DEBUGGING_IGNORE_CACHELINES, 1],
    ['tolerance on both', DMA_ATTR_REQUIRE_COHERENT, DMA_ATTR_DEBUGGING_IGNORE_CACHELINES, 0],
  ])('D94 with %s', (_case, first, second, findings) => {
    const { dev, debug } = bench(ARM);
    map(dev, 0x2000, 64, DMA_FROM_DEVICE, first);
    map(dev, 0x2000, 64, DMA_FROM_DEVICE, second);
    expect(found(debug).length).toBe(findings);
  });

  it('D94 does not track what the device only reads', () => {
    const { dev, debug } = bench(ARM);
    map(dev, 0x2000, 64, DMA_TO_DEVICE);
    map(dev, 0x2000, 64, DMA_FROM_DEVICE);
    expect(found(debug)).toEqual([]);
  });

  it('D94 saturates at 7: the ninth mapping warns once, and the line vanishes while one mapping remains', () => {
    const { machine, dev, debug } = bench();
    for (let n = 0; n < 8; n++) map(dev, 0x2000, 64 + n, DMA_FROM_DEVICE);
    expect(machine.logged('dma-debug overlap limit')).toEqual([]);
    map(dev, 0x2000, 99, DMA_FROM_DEVICE);
    expect(machine.logged('dma-debug overlap limit')).toEqual(['exceeded 7 overlapping mappings of cacheline 0x80']);
    for (let n = 0; n < 8; n++) dmaUnmapPhys(dev, 0x2000 as DmaAddr, 64 + n, DMA_FROM_DEVICE);
    expect(debug.cachelines.overlap(0x80)).toBe(-1);
    expect(debug.entries.live().length).toBe(1);
  });
});

describe('the store and the report (D79, D83 to D87)', () => {
  it('D83 rounds up to whole pages, grows a page at a time and says so', () => {
    const { machine, dev, debug } = bench({ debug: { entries: 33 } });
    expect(debugfsValues(debug)).toMatchObject({ nr_total_entries: 64, num_free_entries: 64, min_free_entries: 64 });
    for (let n = 0; n < 129; n++) map(dev, 0x100000 + n * 4096, 64, DMA_TO_DEVICE);
    expect(debugfsValues(debug)).toMatchObject({ nr_total_entries: 160, num_free_entries: 31, min_free_entries: 0 });
    expect(machine.logged('dma-debug entries')).toEqual(['dma_debug_entries: 128 (200%)']);
    for (let n = 0; n < 129; n++) dmaUnmapPhys(dev, (0x100000 + n * 4096) as DmaAddr, 64, DMA_TO_DEVICE);
    expect(debugfsValues(debug)).toMatchObject({ num_free_entries: 160, min_free_entries: 0 });
  });

  it('D79 D83 is over for good when there is no memory for entries; the mapping is made', () => {
    const { dev, debug } = bench({ debug: { entries: 32, hasMemory: () => false } });
    for (let n = 0; n < 33; n++) expect(map(dev, 0x100000 + n * 4096, 64, DMA_TO_DEVICE)).not.toBe(DMA_MAPPING_ERROR);
    expect(debugfsValues(debug).disabled).toBe('Y');
    dmaUnmapPhys(dev, 0x7000000 as DmaAddr, 64, DMA_TO_DEVICE);
    expect(found(debug)).toEqual([]);
  });

  it('D79 D54 D59 built in, even switched off, it makes syncs and unmaps needed', () => {
    const { dev } = bench({ debug: { off: true } });
    dmaSetMask(dev, dmaBitMask(64));
    expect([dev.dmaSkipSync, dmaNeedUnmap(dev)]).toEqual([true, true]);
  });

  it('D84 T29 counts every finding and prints the first one, spent also by findings that the filter keeps back', () => {
    const wrong = ({ dev }: Bench) => dmaUnmapPhys(dev, 0x2000 as DmaAddr, 64, DMA_TO_DEVICE);
    const plain = bench();
    wrong(plain);
    wrong(plain);
    expect(plain.debug.findings.list.map((f) => f.printed)).toEqual([true, false]);
    expect(plain.machine.logged('dma-debug E10')).toEqual([
      'nvme 0000:00:03.0: device driver tries to free DMA memory it has not allocated [device address=0x2000] [size=64 bytes]',
    ]);
    const filtered = bench({ debug: { driverFilter: 'e1000' } });
    wrong(filtered);
    filtered.debug.findings.filter.write('-');
    wrong(filtered);
    expect(filtered.debug.findings.list.map((f) => f.printed)).toEqual([false, false]);
    expect(debugfsValues(filtered.debug)).toMatchObject({ error_count: 2, num_errors: 0, driver_filter: '' });
    filtered.debug.findings.allErrors = true;
    wrong(filtered);
    expect(filtered.debug.findings.list.at(-1)!.printed).toBe(true);
  });

  it('D85 takes the first word as the filter, anything not alphanumeric turns it off', () => {
    const { debug, machine } = bench();
    const { filter } = debug.findings;
    filter.write('nvme e1000\n');
    expect(filter.read()).toBe('nvme\n');
    expect([filter.passes(machine.device({ driver: null })), filter.passes(null)]).toEqual([false, false]);
    filter.write('*');
    expect([filter.read(), filter.passes(null)]).toEqual(['', true]);
  });

  it('D86 D87 dumps by bucket, then by age, with the type phy for pages, singles and resources alike (D80)', () => {
    const { dev, debug } = bench();
    map(dev, 0x4000, 4096, DMA_TO_DEVICE);
    dmaMapPage(dev, 2 as Page, 16, 64, DMA_FROM_DEVICE);
    dmaMapResource(dev, at(0xfebd4000), 4096, DMA_BIDIRECTIONAL);
    expect(debugfsDump(debug).split('\n')).toEqual([
      'nvme 0000:00:03.0 phy idx 1 P=0x0000000000002010 D=2010 L=40 cln=0x0000000000000080 DMA_FROM_DEVICE dma map error not checked attrs=0x0',
      'nvme 0000:00:03.0 phy idx 2 P=0x0000000000004000 D=4000 L=1000 cln=0x0000000000000100 DMA_TO_DEVICE dma map error checked attrs=0x0',
      'nvme 0000:00:03.0 phy idx 13802 P=0x00000000febd4000 D=febd4000 L=1000 cln=0x0000000003faf500 DMA_BIDIRECTIONAL dma map error not checked attrs=0x400',
      '',
    ]);
    expect(debugDumpMappings(debug, 99)).toEqual([]);
  });

  it('D80 unmapping a page through dma_unmap_resource is E17, not E12', () => {
    const { dev, debug } = bench();
    const address = map(dev, 0x2000, 64, DMA_TO_DEVICE);
    dmaUnmapResource(dev, address, 64, DMA_TO_DEVICE);
    dmaUnmapPage(dev, map(dev, 0x2000, 64, DMA_TO_DEVICE), 64, DMA_TO_DEVICE);
    expect(found(debug)).toEqual(['E17']);
  });
});
