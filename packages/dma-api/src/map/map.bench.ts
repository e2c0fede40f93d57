import { benchmarks, type Kernel, pairKernel, pteKernel } from '@dmalab/bench';
import { DMA_MAPPING_ERROR, type DmaAddr, type PhysAddr } from '@dmalab/phys-memory';
import { dmaIovaLink, dmaIovaSync } from '../iova/iova-link.ts';
import { dmaIovaTryAlloc } from '../iova/iova-reserve.ts';
import { DmaIovaState } from '../iova/iova-state.ts';
import { dmaIovaDestroy } from '../iova/iova-unlink.ts';
import { type BenchBackend, benchDevice } from '../testing/bench-machine.ts';
import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../types/direction.ts';
import { dmaMappingError } from './map-page.ts';
import { dmaMapPhys, dmaUnmapPhys } from './map-phys.ts';

const OPERATIONS = 2_000;
const COPIES = 200;
const TRANSFERS = 200;
const FIRST = 0x10000000;
/** Half of a working set of 1 MiB, which fits the caches; the pool is the other half. */
const HOT_PAGES = 128;
const HOT_SLOTS = 256;
/** Fits none: 512 MiB. */
const COLD_PAGES = 2 ** 17;
const COLD_SLOTS = 32768;
const PAGES_OF_128K = 32;

/** Maps and unmaps single pages and looks at the result, as a driver must. */
function mapUnmap(backend: BenchBackend, debug = false): () => Kernel {
  return () => {
    const dev = benchDevice(backend, debug);
    return () => {
      let check = 0;
      for (let i = 0; i < OPERATIONS; i++) {
        const address = dmaMapPhys(dev, (FIRST + i * 4096) as PhysAddr, 4096, DMA_TO_DEVICE);
        if (dmaMappingError(dev, address) !== 0) throw new Error('a map failed');
        check += address;
        dmaUnmapPhys(dev, address, 4096, DMA_TO_DEVICE);
      }
      const findings = dev.context.debug?.state.findings.errorCount ?? 0;
      if (check < OPERATIONS || findings > 0) throw new Error('a page was not mapped');
      return check;
    };
  };
}

/** Bounces pages of a working set, in a scattered order; both ways where the direction says so. */
function bounce(pages: number, slots: number, dir: number): () => Kernel {
  return () => {
    const dev = benchDevice('bounced', false, slots);
    const { memory } = dev.context;
    for (let page = 0; page < pages; page++) memory.store32(FIRST + page * 4096, page);
    let at = 0;
    return () => {
      let sum = 0;
      for (let i = 0; i < COPIES; i++) {
        at = (at + 40503) % pages;
        const address = dmaMapPhys(dev, (FIRST + at * 4096) as PhysAddr, 4096, dir);
        if (memory.load32(address) !== at) throw new Error('a page did not arrive in its slot');
        sum += address;
        dmaUnmapPhys(dev, address, 4096, dir);
      }
      return sum;
    };
  };
}

/** Copies of 4 KiB from that many pages to that many slots. */
function copies(pages: number, slots: number): () => Kernel {
  return () => {
    const targets = slots / 2;
    const bytes = new Uint8Array((pages + targets) * 4096).fill(1);
    let at = 0;
    let slot = 0;
    return () => {
      for (let i = 0; i < COPIES; i++) {
        at = (at + 40503) % pages;
        slot = (slot + 1) % targets;
        bytes.copyWithin((pages + slot) * 4096, at * 4096, (at + 1) * 4096);
      }
      return bytes[pages * 4096];
    };
  };
}

/** A 128 KiB transfer of 32 scattered pages through one IOVA range. */
function twoStep(backend: BenchBackend): () => Kernel {
  return () => {
    const dev = benchDevice(backend);
    const state = new DmaIovaState();
    return () => {
      let sum = 0;
      for (let i = 0; i < TRANSFERS; i++) {
        if (!dmaIovaTryAlloc(dev, state, 0, PAGES_OF_128K * 4096)) throw new Error('no IOVA');
        for (let page = 0; page < PAGES_OF_128K; page++) {
          dmaIovaLink(dev, state, FIRST + page * 8192, page * 4096, 4096, DMA_FROM_DEVICE);
        }
        if (dmaIovaSync(dev, state, 0, PAGES_OF_128K * 4096) !== 0) throw new Error('a link failed');
        sum += state.addr;
        dmaIovaDestroy(dev, state, PAGES_OF_128K * 4096, DMA_FROM_DEVICE);
      }
      return sum;
    };
  };
}

/** The same transfer as 32 single maps, 32 unmaps. */
function singles(backend: BenchBackend): () => Kernel {
  return () => {
    const dev = benchDevice(backend);
    const handles = new Float64Array(PAGES_OF_128K);
    return () => {
      let sum = 0;
      for (let i = 0; i < TRANSFERS; i++) {
        for (let page = 0; page < PAGES_OF_128K; page++) {
          const address = dmaMapPhys(dev, (FIRST + page * 8192) as PhysAddr, 4096, DMA_FROM_DEVICE);
          if (address === DMA_MAPPING_ERROR) throw new Error('a map failed');
          handles[page] = address;
        }
        for (let page = 0; page < PAGES_OF_128K; page++) {
          dmaUnmapPhys(dev, handles[page] as DmaAddr, 4096, DMA_FROM_DEVICE);
        }
        sum += handles[0];
      }
      return sum;
    };
  };
}

/** One call through a site that has seen too many shapes to inline any. */
function megamorphicCall(): Kernel {
  const shapes = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => ({ [`only${n}`]: n, call: (x: number) => (x + n) | 0 }));
  return () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) sum = shapes[i & 7].call(sum);
    return sum;
  };
}

export default benchmarks([
  {
    name: 'map + unmap, direct',
    operations: OPERATIONS,
    tested: mapUnmap('direct'),
    limitName: 'a megamorphic call',
    limit: megamorphicCall,
    atMost: 2,
    goal: 1,
  },
  {
    name: 'map + unmap, IOMMU lazy',
    operations: OPERATIONS,
    tested: mapUnmap('lazy'),
    limitName: 'L_pair',
    limit: () => pairKernel(OPERATIONS),
    atMost: 18,
    goal: 2,
  },
  {
    name: 'map + unmap, IOMMU lazy, dma-debug on',
    operations: OPERATIONS,
    tested: mapUnmap('lazy', true),
    limitName: 'the same without',
    limit: mapUnmap('lazy'),
    atMost: 1.7,
    goal: 3,
  },
  {
    name: 'map + unmap, IOMMU strict',
    operations: OPERATIONS,
    tested: mapUnmap('strict'),
    limitName: 'the same, lazy',
    limit: mapUnmap('lazy'),
    atMost: 2,
    goal: 4,
  },
  {
    name: 'map + unmap, bounced, one copy, hot',
    operations: COPIES,
    tested: bounce(HOT_PAGES, HOT_SLOTS, DMA_TO_DEVICE),
    limitName: 'hot copy of 4 KiB',
    limit: copies(HOT_PAGES, HOT_SLOTS),
    atMost: 3.3,
    goal: 5,
  },
  {
    name: 'map + unmap, bounced, both ways, cold',
    operations: COPIES,
    tested: bounce(COLD_PAGES, COLD_SLOTS, DMA_BIDIRECTIONAL),
    limitName: 'cold copy of 4 KiB',
    limit: copies(COLD_PAGES, COLD_SLOTS),
    atMost: 1.15,
    goal: 5,
  },
  {
    name: 'two-step 128 KiB, lazy domain',
    operations: TRANSFERS,
    tested: twoStep('lazy'),
    limitName: 'L_pte128K',
    limit: () => pteKernel(TRANSFERS),
    goal: 6,
  },
  {
    name: 'two-step 128 KiB, strict domain',
    operations: TRANSFERS,
    tested: twoStep('strict'),
    limitName: 'L_pte128K',
    limit: () => pteKernel(TRANSFERS),
    atMost: 10,
    goal: 6,
  },
  {
    name: 'two-step 128 KiB against 32 single maps',
    operations: TRANSFERS,
    tested: twoStep('strict'),
    limitName: '32 single maps',
    limit: singles('strict'),
    atMost: 0.4,
    goal: 6,
  },
]);
