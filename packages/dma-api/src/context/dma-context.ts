import { KernelContext } from '@dmalab/iommu/core';
import type { PhysMemory } from '@dmalab/phys-memory';
import type { Swiotlb } from '@dmalab/swiotlb';
import { TraceRing } from '@dmalab/trace';
import type { PageBlock } from '../alloc/iommu-alloc.ts';
import { type KernelPointer, KernelSpace } from '../alloc/kernel-space.ts';
import { type AtomicPoolOptions, AtomicPools } from '../alloc/sources/atomic-pool.ts';
import type { CoherentPool } from '../alloc/sources/coherent-pool.ts';
import type { ContiguousAreas, PageSource, SharedMemoryControl } from '../alloc/sources/page-source.ts';
import { DmaDebugHooks } from '../debug/debug-hooks.ts';
import type { DmaDebugOptions } from '../debug/dma-debug.ts';
import type { Device } from '../device/device.ts';
import type { P2pClassifier } from '../p2p.ts';
import type { DmaFront } from '../page-era/dma-front.ts';
import { PageConversions } from '../page-era/page-conversions.ts';
import { PageEraTrace } from '../page-era/page-era-trace.ts';
import type { ArchMapDirect, DmaMapOps } from '../platform/dma-map-ops.ts';
import type { CacheMaintenance } from './cache-maintenance.ts';
import { DEFAULT_DMA_OPTIONS, type DmaOptions } from './dma-options.ts';
import { type EncryptionForms, NO_ENCRYPTION } from './encryption.ts';
import { KernelLog } from './kernel-log.ts';
import type { KmsanShadow } from './kmsan.ts';
import { type PageView, RamPageView, type RamRange } from './page-view.ts';

/** Events that a machine keeps which nobody gave a ring. */
const IDLE_RING_EVENTS = 1024;

/** Which interface the machine's drivers were written against. */
export type DmaEra = 'phys' | 'page';

export interface DmaContextOptions {
  readonly memory: PhysMemory;
  /** System RAM, ascending; the last end decides the required mask (spec D39). */
  readonly ram: readonly RamRange[];
  readonly era?: DmaEra;
  /** Stands before the era's mapping calls, to count them for example. Default: nothing does. */
  readonly wrapFront?: (front: DmaFront) => DmaFront;
  /** Shared with the machine's IOMMU domains. */
  readonly kernel?: KernelContext;
  /** Where coherent memory comes from; a machine without one can map but not allocate. */
  readonly pageSource?: PageSource | null;
  readonly cma?: ContiguousAreas;
  /** Pools for allocations that can't block; none unless given (spec D47). */
  readonly atomicPools?: AtomicPoolOptions;
  /** Coherent memory for every non-coherent device (spec D43 step 2). */
  readonly globalPool?: CoherentPool | null;
  readonly sharedMemory?: SharedMemoryControl | null;
  readonly ring?: TraceRing;
  readonly swiotlb?: Swiotlb | null;
  readonly pages?: PageView;
  readonly kmsan?: KmsanShadow | null;
  readonly cache?: CacheMaintenance | null;
  readonly encryption?: EncryptionForms;
  readonly archDmaOps?: DmaMapOps | null;
  readonly archMapDirect?: ArchMapDirect | null;
  readonly options?: Partial<DmaOptions>;
  readonly debug?: DmaDebugOptions;
}

/** The machine around the DMA API: built once, shared by its devices, told apart from others by nothing but itself. */
export class DmaContext {
  readonly memory: PhysMemory;
  readonly ram: readonly RamRange[];
  readonly era: DmaEra;
  readonly wrapFront: (front: DmaFront) => DmaFront;
  readonly options: DmaOptions;
  /** Which processor executes, and when: decides swiotlb areas and range caches. */
  readonly kernel: KernelContext;
  readonly log = new KernelLog();
  readonly ring: TraceRing;
  readonly swiotlb: Swiotlb | null;
  readonly pages: PageView;
  readonly conversions = new PageConversions();
  /** What the page-based front traced (spec G10). */
  readonly pageEraTrace = new PageEraTrace();
  readonly kernelSpace: KernelSpace;
  readonly pageSource: PageSource | null;
  /** What lies behind each allocation that was remapped into kernel space, for its free. */
  readonly remappedBlocks = new Map<KernelPointer, readonly PageBlock[]>();
  readonly cma: ContiguousAreas;
  readonly globalPool: CoherentPool | null;
  readonly sharedMemory: SharedMemoryControl | null;
  readonly atomicPools: AtomicPools | null;
  /** Null unless built in (spec D79). */
  readonly debug: DmaDebugHooks | null;
  readonly kmsan: KmsanShadow | null;
  readonly cache: CacheMaintenance | null;
  readonly encryption: EncryptionForms;
  readonly archDmaOps: DmaMapOps | null;
  readonly archMapDirect: ArchMapDirect | null;
  /** Something looks at mappings besides the trace: one field read on the hot path. */
  readonly watched: boolean;
  /** Answers for peer-to-peer memory; set when the machine has a fabric. */
  p2p: P2pClassifier | null = null;
  /** Interrupts are disabled: coherent memory must not be freed now (spec D61). */
  interruptsOff = false;
  readonly devices: Device[] = [];

  constructor(init: DmaContextOptions) {
    this.memory = init.memory;
    this.ram = init.ram;
    this.era = init.era ?? 'phys';
    this.wrapFront = init.wrapFront ?? ((front) => front);
    this.kernel = init.kernel ?? new KernelContext();
    this.options = { ...DEFAULT_DMA_OPTIONS, ...init.options };
    this.ring = init.ring ?? new TraceRing(IDLE_RING_EVENTS);
    this.swiotlb = init.swiotlb ?? null;
    this.pages = init.pages ?? new RamPageView(init.ram);
    this.pageSource = init.pageSource ?? null;
    this.cma = init.cma ?? { default: null, perNode: [] };
    this.globalPool = init.globalPool ?? null;
    this.sharedMemory = init.sharedMemory ?? null;
    this.kernelSpace = new KernelSpace(init.memory);
    this.kmsan = init.kmsan ?? null;
    this.cache = init.cache ?? null;
    this.encryption = init.encryption ?? NO_ENCRYPTION;
    this.archDmaOps = init.archDmaOps ?? null;
    this.archMapDirect = init.archMapDirect ?? null;
    this.debug = this.options.dmaApiDebug ? new DmaDebugHooks(this, init.debug) : null;
    this.watched = this.debug !== null || this.kmsan !== null;
    this.ring.whenSwitched(() => {
      for (const dev of this.devices) dev.observersChanged();
    });
    this.atomicPools = init.atomicPools === undefined ? null : new AtomicPools(this, init.atomicPools);
  }

  /** Registers a device; its number among the machine's devices. */
  addDevice(dev: Device): number {
    return this.devices.push(dev) - 1;
  }

  /** Last byte of System RAM. */
  get lastRamByte(): number {
    return this.ram.at(-1)?.end ?? 0;
  }
}
