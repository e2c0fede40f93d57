import { DMA_MAPPING_ERROR, type DmaAddr, type PhysAddr } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { dmaAllocCoherent } from '../alloc/alloc-attrs.ts';
import { dmaMapBvec, dmaMappingError } from '../map/map-page.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { dmaSyncSingleForCpu } from '../map/sync.ts';
import { dmaMapSg } from '../sg/map-sg.ts';
import { Scatterlist } from '../sg/scatterlist.ts';
import { TestMachine } from '../testing/test-machine.ts';
import { DMA_ATTR_CC_SHARED, DMA_ATTR_MMIO, DMA_ATTR_SKIP_CPU_SYNC } from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_TO_DEVICE, directionName } from '../types/direction.ts';
import { GFP_KERNEL } from '../types/gfp.ts';
import { hex } from '../types/hex.ts';
import { ALL_ONES, dmaBitMask, lastByte } from '../types/masks.ts';
import { dmaCapable, dmaToPhys, physToDma } from './translate.ts';

const WIDE = { dmaMask: ALL_ONES, coherentDmaMask: ALL_ONES };
const RAM = 0x2000 as PhysAddr;

describe('addresses', () => {
  it('D1 D2 address 0 is an ordinary one; the error is all ones and -ENOMEM', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    expect(dmaMapPhys(dev, 0 as PhysAddr, 64, DMA_TO_DEVICE)).toBe(0);
    expect([dmaMappingError(dev, 0 as DmaAddr), dmaMappingError(dev, DMA_MAPPING_ERROR)]).toEqual([0, -12]);
    expect([hex(DMA_MAPPING_ERROR), hex(ALL_ONES), hex(dmaBitMask(62)), hex(0)]).toEqual([
      'ffffffffffffffff',
      'ffffffffffffffff',
      '3fffffffffffffff',
      '0',
    ]);
  });

  it('D33 the first matching range translates the first byte; no match is the error, both ways', () => {
    const dmaRangeMap = [
      { cpuStart: 0x1000, dmaStart: 0x80001000, size: 0x1000 },
      { cpuStart: 0x1000, dmaStart: 0x90000000, size: 0x4000 },
    ];
    const dev = new TestMachine().device({ ...WIDE, dmaRangeMap });
    expect([0x1fff, 0x2000, 0xfff].map((phys) => physToDma(dev, phys, false))).toEqual([0x80001fff, 0x90001000, -1]);
    expect([0x80001fff, 0x90000000, 0x1000].map((address) => dmaToPhys(dev, address))).toEqual([0x1fff, 0x1000, -1]);
  });

  it('D34 T17 T18 compares the last byte, with wrap-around, against the smaller limit that is not 0', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaMask: dmaBitMask(32), busDmaLimit: 0xffffff });
    expect(dmaCapable(dev, 0xfff000, 0x1000, 0)).toBe(true);
    expect(dmaCapable(dev, 0xfff000, 0x1001, 0)).toBe(false);
    expect(dmaCapable(dev, DMA_MAPPING_ERROR, 0, 0)).toBe(false);
    expect(dmaCapable(machine.device({ dmaMask: 0 }), 0, 1, 0)).toBe(true);
    expect(dmaCapable(machine.device({ dmaMask: 0 }), 1, 1, 0)).toBe(false);
    expect([lastByte(0, 0), lastByte(5, 0)]).toEqual([ALL_ONES, 4]);
  });

  it('D36 a free slot of the pool is a bounce address by its range, and copies nothing', () => {
    const machine = new TestMachine({ slots: 128 });
    const dev = machine.device(WIDE);
    dmaSyncSingleForCpu(dev, TestMachine.POOL as DmaAddr, 64, DMA_FROM_DEVICE);
    expect(machine.events().length).toBe(1);
  });

  it('D35 reports a pool out of reach, gives the slot back and fails', () => {
    const machine = new TestMachine({ slots: 128, force: true });
    const dev = machine.device({ dmaMask: dmaBitMask(24) });
    expect(dmaMapPhys(dev, RAM, 64, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(machine.logged('swiotlb overflow')).toEqual([
      'swiotlb addr 0x3800000+64 overflow (mask ffffff, bus limit 0).',
    ]);
    expect(machine.swiotlb!.used).toBe(0);
    expect(machine.events()[0]).toMatch(/^swiotlb_bounced: .* FORCE$/);
  });

  it('D18 T12 copies back once at unmap: the sync step does, the release does not', () => {
    const machine = new TestMachine({ slots: 128, force: true });
    const dev = machine.device(WIDE);
    const address = dmaMapPhys(dev, RAM, 64, DMA_FROM_DEVICE);
    const copies: number[][] = [];
    machine.memory.copy = (...args) => copies.push(args);
    dmaUnmapPhys(dev, address, 32, DMA_FROM_DEVICE);
    expect(copies).toEqual([[RAM, address, 32]]); // over the size and direction given to unmap
  });

  it('D35 T11 copies in even with SKIP_CPU_SYNC, and bounced coherent memory there is none', () => {
    const machine = new TestMachine({ slots: 128, force: true });
    const dev = machine.device(WIDE);
    machine.memory.fill(RAM, 64, 7);
    const address = dmaMapPhys(dev, RAM, 64, DMA_FROM_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
    expect(machine.memory.load8(address)).toBe(7);
    const { dmaAddr } = dmaAllocCoherent(dev, 4096, GFP_KERNEL)!;
    expect(machine.swiotlb!.findPool(dmaAddr)).toBe(null);
  });
});

describe('memory encryption (D49)', () => {
  const SEV = { bit: 2 ** 47, bitMarks: 'private' } as const;

  it('D49 D33 P95 a guest device bounces private RAM through the shared pool, and maps shared RAM as it is', () => {
    const machine = new TestMachine({ slots: 128, shared: true, encryption: SEV });
    const dev = machine.device({ ...WIDE, needsUnencrypted: true });
    expect(dmaMapPhys(dev, RAM, 64, DMA_TO_DEVICE)).toBe(TestMachine.POOL);
    expect(dmaMapPhys(dev, RAM, 64, DMA_TO_DEVICE, DMA_ATTR_CC_SHARED)).toBe(RAM);
    expect(dmaMapPhys(dev, RAM, 64, DMA_TO_DEVICE, DMA_ATTR_MMIO)).toBe(DMA_MAPPING_ERROR);
    expect(machine.logged('dma-direct overflow').length).toBe(1);
    expect(physToDma(dev, 0x1234000, false)).toBe(0x800001234000);
    expect(dmaToPhys(dev, 0x800001234000)).toBe(0x1234000);
  });

  it('D17 step 1: an SME host takes MMIO for shared; Arm marks the shared form', () => {
    const host = new TestMachine({ encryption: SEV, options: { hostMemoryEncryption: true } }).device(WIDE);
    expect(dmaMapPhys(host, 0xf8000000 as PhysAddr, 64, DMA_TO_DEVICE, DMA_ATTR_MMIO)).toBe(0xf8000000);
    expect(dmaMapPhys(host, RAM, 64, DMA_TO_DEVICE)).toBe(RAM + 2 ** 47);
    const realm = new TestMachine({ encryption: { bit: 2 ** 47, bitMarks: 'shared' } }).device(WIDE);
    expect(dmaMapPhys(realm, RAM, 64, DMA_TO_DEVICE, DMA_ATTR_CC_SHARED)).toBe(RAM + 2 ** 47);
  });
});

describe('KMSAN (D16)', () => {
  /** A shadow that writes down what it is asked. */
  function watched(): { machine: TestMachine; calls: string[] } {
    const calls: string[] = [];
    const kmsan = {
      isHighMemory: (phys: number) => phys >= 0x30000000,
      check: (phys: number, size: number) => calls.push(`check ${phys.toString(16)}+${size}`),
      markInitialised: (phys: number, size: number) => calls.push(`mark ${phys.toString(16)}+${size}`),
    };
    return { machine: new TestMachine({ kmsan }), calls };
  }

  it('D16 P97 goes page by page, checks what the device reads and marks what it writes, check first', () => {
    const { machine, calls } = watched();
    const dev = machine.device(WIDE);
    dmaMapPhys(dev, RAM, 6000, DMA_TO_DEVICE);
    dmaMapPhys(dev, (RAM + 4090) as PhysAddr, 10, DMA_BIDIRECTIONAL);
    expect(calls).toEqual([
      'check 2000+4096',
      'check 3000+1904',
      'check 2ffa+6',
      'mark 2ffa+6',
      'check 3000+4',
      'mark 3000+4',
    ]);
    calls.length = 0;
    dmaMapPhys(dev, 0x30000000 as PhysAddr, 64, DMA_TO_DEVICE);
    expect(calls).toEqual([]); // high memory
  });

  it('D13 D16 single maps tell it also on failure, never for MMIO; unmaps and syncs never', () => {
    const { machine, calls } = watched();
    const dev = machine.device({ dmaMask: dmaBitMask(24) });
    dmaMapPhys(dev, 0x2000000 as PhysAddr, 64, DMA_FROM_DEVICE);
    dmaMapPhys(dev, RAM, 64, DMA_TO_DEVICE, DMA_ATTR_MMIO);
    dmaUnmapPhys(dev, RAM as number as DmaAddr, 64, DMA_FROM_DEVICE);
    dmaSyncSingleForCpu(dev, RAM as number as DmaAddr, 64, DMA_FROM_DEVICE);
    expect(calls).toEqual(['mark 2000000+64']);
  });

  it('D16 lists tell it on success only, entry by entry, also for MMIO', () => {
    const { machine, calls } = watched();
    const list = Scatterlist.fromRanges([{ phys: 0x2000, length: 64 }]);
    dmaMapSg(machine.device(WIDE), list, 1, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
    const far = Scatterlist.fromRanges([{ phys: 0x2000000, length: 64 }]);
    dmaMapSg(machine.device({ dmaMask: dmaBitMask(24) }), far, 1, DMA_FROM_DEVICE);
    expect(calls).toEqual(['mark 2000+64']);
  });
});

describe('names', () => {
  it('D3 D96 prints directions and attributes as the kernel does, unknown attribute bits last (D4)', () => {
    expect([0, 1, 2, 3, 4].map(directionName)).toEqual(['BIDIRECTIONAL', 'TO_DEVICE', 'FROM_DEVICE', 'NONE', '0x4']);
    const machine = new TestMachine();
    dmaMapPhys(machine.device(WIDE), RAM, 64, DMA_TO_DEVICE, 0x7ff6 | 0x10000);
    expect(machine.events()[0]).toMatch(
      /attrs=WEAK_ORDERING\|WRITE_COMBINE\|NO_KERNEL_MAPPING\|SKIP_CPU_SYNC\|FORCE_CONTIGUOUS\|ALLOC_SINGLE_PAGES\|NO_WARN\|PRIVILEGED\|MMIO\|CACHELINES_OVERLAP\|REQUIRE_COHERENT\|CC_SHARED\|ALLOC_CC_SHARED\|0x10000$/,
    );
  });

  it('D15 a block vector is its page, offset and length', () => {
    const dev = new TestMachine().device(WIDE);
    expect(dmaMapBvec(dev, { page: 3 as never, offset: 512, length: 64 }, DMA_TO_DEVICE)).toBe(0x3200);
  });
});
