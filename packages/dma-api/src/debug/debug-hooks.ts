import type { DmaMemory } from '../alloc/dma-memory.ts';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import type { DmaContext } from '../context/dma-context.ts';
import type { Device } from '../device/device.ts';
import { type Scatterlist, sgPhys } from '../sg/scatterlist.ts';
import { DMA_ATTR_ALLOC_CC_SHARED, DMA_ATTR_NO_KERNEL_MAPPING } from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL } from '../types/direction.ts';
import { debugAlloc, debugMap, debugMappingError, debugMapSg, debugMapSingle } from './checks/map-checks.ts';
import { debugSync } from './checks/sync-checks.ts';
import { debugUnmap, mappedEntries } from './checks/unmap-checks.ts';
import { DmaDebug, type DmaDebugOptions } from './dma-debug.ts';
import { EntryType } from './store/entry-type.ts';

/** Where the API tells dma-debug what happened: one method a hook of spec section 9, over the machine's own types. */
export class DmaDebugHooks {
  readonly state: DmaDebug;
  readonly #context: DmaContext;
  /** Reused by every single-range unmap, which must not allocate. */
  readonly #ref = { type: 0, address: 0, size: 0, dir: 0, attrs: 0, sgCalls: 0, phys: -1 };

  constructor(context: DmaContext, options: DmaDebugOptions = {}) {
    this.#context = context;
    this.state = new DmaDebug(context, options);
  }

  mapPhys(dev: Device, phys: number, size: number, dir: number, address: number, attrs: number): void {
    debugMap(this.state, dev, phys, size, dir, address, attrs);
  }

  unmapPhys(dev: Device, address: number, size: number, dir: number, attrs: number): void {
    this.#unmap(EntryType.PHY, dev, address, size, dir, attrs);
  }

  /** The page era kept maps of pages and of resources apart (spec G5). */
  mapPage(dev: Device, phys: number, size: number, dir: number, address: number, attrs: number): void {
    debugMap(this.state, dev, phys, size, dir, address, attrs, EntryType.SINGLE);
  }

  unmapPage(dev: Device, address: number, size: number, dir: number, attrs: number): void {
    this.#unmap(EntryType.SINGLE, dev, address, size, dir, attrs);
  }

  mapResource(dev: Device, phys: number, size: number, dir: number, address: number, attrs: number): void {
    debugMap(this.state, dev, phys, size, dir, address, attrs, EntryType.RESOURCE);
  }

  unmapResource(dev: Device, address: number, size: number, dir: number, attrs: number): void {
    this.#unmap(EntryType.RESOURCE, dev, address, size, dir, attrs);
  }

  mappingError(dev: Device, address: number): void {
    debugMappingError(this.state, dev, address);
  }

  checkMapSingle(dev: Device, pointer: KernelPointer, size: number): void {
    debugMapSingle(this.state, dev, pointer, size, this.#context.kernelSpace.isVmalloc(pointer));
  }

  syncSingle(dev: Device, address: number, size: number, dir: number, forCpu: boolean): void {
    debugSync(this.state, dev, { type: EntryType.SINGLE, address, size, dir, sgCalls: 0, forCpu });
  }

  mapSg(dev: Device, list: Scatterlist, nents: number, mapped: number, dir: number, attrs: number): void {
    const { conversions } = this.#context;
    const entries = list.entries.slice(0, nents);
    const cpuSide = entries.map((entry) => ({ phys: sgPhys(conversions, entry), length: entry.length }));
    const dmaSide = entries.slice(0, mapped).map((e) => ({ address: e.dmaAddress, length: e.dmaLength }));
    debugMapSg(this.state, dev, cpuSide, dmaSide, dir, attrs);
  }

  /** Entries of the list as it was mapped; all of them if the first one isn't known (spec D90). */
  unmapSg(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): void {
    if (this.state.disabled) return;
    const ref = (i: number) => {
      const { dmaAddress, dmaLength } = list.entries[i];
      return { type: EntryType.SG, address: dmaAddress, size: dmaLength, dir, attrs, sgCalls: nents, phys: -1 };
    };
    const mapped = nents > 0 ? mappedEntries(this.state, dev, ref(0)) : 0;
    for (let i = 0; i < (mapped === 0 ? nents : Math.min(mapped, nents)); i++) debugUnmap(this.state, dev, ref(i));
  }

  /** The same, but an unknown first entry ends it with nothing checked (spec D90). */
  syncSg(dev: Device, list: Scatterlist, nents: number, dir: number, forCpu: boolean): void {
    if (this.state.disabled || nents === 0) return;
    const { dmaAddress, dmaLength } = list.entries[0];
    const first = { type: EntryType.SG, address: dmaAddress, size: dmaLength, dir, attrs: 0, sgCalls: nents, phys: -1 };
    const mapped = Math.min(mappedEntries(this.state, dev, first), nents);
    for (const entry of list.entries.slice(0, mapped)) {
      const ref = { type: EntryType.SG, address: entry.dmaAddress, size: entry.dmaLength, dir, sgCalls: nents, forCpu };
      debugSync(this.state, dev, ref);
    }
  }

  allocCoherent(dev: Device, size: number, memory: DmaMemory, attrs: number): void {
    if (isCookie(dev, attrs)) return;
    const phys = this.#context.kernelSpace.physOf(memory.cpuAddr);
    debugAlloc(this.state, dev, EntryType.COHERENT, phys, size, DMA_BIDIRECTIONAL, memory.dmaAddr, attrs);
  }

  freeCoherent(dev: Device, size: number, cpuAddr: KernelPointer, address: number, attrs: number): void {
    if (isCookie(dev, attrs)) return;
    const phys = this.#context.kernelSpace.physOf(cpuAddr);
    const dir = DMA_BIDIRECTIONAL;
    debugUnmap(this.state, dev, { type: EntryType.COHERENT, address, size, dir, attrs, sgCalls: 0, phys });
  }

  allocPages(dev: Device, size: number, dir: number, phys: number, address: number): void {
    debugAlloc(this.state, dev, EntryType.NONCOHERENT, phys, size, dir, address, 0);
  }

  freePages(dev: Device, size: number, dir: number, phys: number, address: number): void {
    debugUnmap(this.state, dev, { type: EntryType.NONCOHERENT, address, size, dir, attrs: 0, sgCalls: 0, phys });
  }

  #unmap(type: number, dev: Device, address: number, size: number, dir: number, attrs: number): void {
    const ref = this.#ref;
    ref.type = type;
    ref.address = address;
    ref.size = size;
    ref.dir = dir;
    ref.attrs = attrs;
    debugUnmap(this.state, dev, ref);
  }
}

/** The CPU address is a page cookie, neither linear nor vmalloc: such memory isn't tracked (spec D91). */
function isCookie(dev: Device, attrs: number): boolean {
  return (
    dev.iommu === null &&
    (attrs & (DMA_ATTR_NO_KERNEL_MAPPING | DMA_ATTR_ALLOC_CC_SHARED)) === DMA_ATTR_NO_KERNEL_MAPPING
  );
}
