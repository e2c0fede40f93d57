import type { Kernel } from '@dmalab/bench';
import { DMA_MAPPING_ERROR, type DmaAddr, type PhysAddr } from '@dmalab/phys-memory';
import { dmaIovaLink, dmaIovaSync } from '../iova/iova-link.ts';
import { dmaIovaTryAlloc } from '../iova/iova-reserve.ts';
import { DmaIovaState } from '../iova/iova-state.ts';
import { dmaIovaDestroy } from '../iova/iova-unlink.ts';
import { dmaMappingError } from '../map/map-page.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../types/direction.ts';
import { type BenchBackend, benchDevice } from './bench-machine.ts';

// What the benchmarks of this package repeat: calls of the API as a driver makes them, each with a look at its result.

/** Map + unmap pairs in one call of a kernel. */
export const OPERATIONS = 2_000;
export const COPIES = 200;
export const TRANSFERS = 200;
const FIRST = 0x10000000;
/** Half of a working set of 1 MiB, which fits the caches; the pool is the other half. */
export const HOT_PAGES = 128;
export const HOT_SLOTS = 256;
/** Fits none: 512 MiB. */
export const COLD_PAGES = 2 ** 17;
export const COLD_SLOTS = 32768;
const PAGES_OF_128K = 32;

/** Maps and unmaps single pages and looks at the result, as a driver must. */
export function mapUnmap(backend: BenchBackend, debug = false): () => Kernel {
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
export function bounce(pages: number, slots: number, dir: number): () => Kernel {
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
export function copies(pages: number, slots: number): () => Kernel {
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
export function twoStep(backend: BenchBackend): () => Kernel {
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
export function singles(backend: BenchBackend): () => Kernel {
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
