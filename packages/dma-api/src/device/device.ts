import type { DmaDomain, PageLane } from '@dmalab/iommu/core';
import { ADDRESS_LIMIT } from '@dmalab/phys-memory';
import type { Swiotlb } from '@dmalab/swiotlb';
import type { ManagedBuffer } from '../alloc/managed.ts';
import type { CoherentPool } from '../alloc/sources/coherent-pool.ts';
import type { ContiguousArea } from '../alloc/sources/page-source.ts';
import type { DmaContext } from '../context/dma-context.ts';
import type { DmaDebugHooks } from '../debug/debug-hooks.ts';
import type { PageDmaMapOps } from '../page-era/page-dma-map-ops.ts';
import type { DmaMapOps } from '../platform/dma-map-ops.ts';
import type { DmaPool } from '../pool/dma-pool.ts';
import { ALL_ONES, minNotZero } from '../types/masks.ts';
import { type DeviceOptions, type DmaParms, PCI_DMA_PARMS } from './device-options.ts';
import { goDirect } from './go-direct.ts';
import type { DmaRange } from './range-map.ts';

/** The mask pointer is null: the device is not set up for DMA (spec D5). */
export const ROUTE_NO_MASK = 0;
export const ROUTE_DIRECT = 1;
export const ROUTE_IOMMU = 2;
/** A platform table, an arch override or nothing at all: decided call by call (spec D10). */
export const ROUTE_OTHER = 3;

/**
 * `struct device` as the DMA API sees it (spec D5). Everything that a backend choice depends on is a property with a
 * setter; each setter settles the choice again, so that map and unmap read one small integer instead of deciding.
 */
export class Device {
  readonly name: string;
  readonly context: DmaContext;
  readonly bus: string;
  boundDriver: string | null;
  readonly node: number;
  #dmaParms: DmaParms | null;
  /** Two live words and a pointer to one of them, because `dma_coerce_mask_and_coherent` aliases them (spec D7). */
  #streamingWord = 0;
  #coherentWord = 0;
  #pointsAt: 'nothing' | 'streaming' | 'coherent';
  #busDmaLimit = 0;
  #rangeMap: readonly DmaRange[] | null;
  #coherentFlag: boolean;
  #dmaOpsBypass: boolean;
  #dmaOps: DmaMapOps | null;
  #ioTlbMem: Swiotlb | null;
  #iommu: DmaDomain | null;
  readonly #needsUnencrypted: boolean;
  /** The page-era table of a platform that has one (spec G4). */
  pageOps: PageDmaMapOps | null = null;
  readonly untrusted: boolean;
  #pci32bitWorkaround: boolean;
  /** A coherent pool of its own (spec D50). */
  dmaMem: CoherentPool | null = null;
  /** Freed when the driver detaches (spec D66). */
  readonly managedBuffers: ManagedBuffer[] = [];
  /** Newest first (spec D67). */
  readonly dmaPools: DmaPool[] = [];
  /** A contiguous area of its own (spec D46). */
  cmaArea: ContiguousArea | null = null;
  /** "Syncs may be skipped" (spec section 6). Starts false (spec T1). */
  dmaSkipSync = false;

  // Settled by #settle(), read on the hot path.
  /** One of the ROUTE_ constants. */
  mapRoute = ROUTE_NO_MASK;
  /** Last address of which a direct map is the identity with nothing else to do, -1 where there is always more. */
  plainReach = -1;
  /** Direct unmaps have nothing to do: no cache to maintain, no pool to look into. */
  plainUnmap = false;
  /** dma-iommu maps never bounce and need no cache work. */
  plainIommu = false;
  /** The short way of single pages through the IOMMU; null where every call has more to do, or is traced. */
  iommuLane: PageLane | null = null;
  /** The same, null also while somebody looks: then what takes it needs no look at who does. */
  pageLane: PageLane | null = null;
  /** `mnz(*dma_mask, bus_dma_limit)`. */
  streamingLimit = 0;
  /** `dev_is_dma_coherent`. */
  coherent = true;
  /** How many look at each call: the recorder while it is on, KMSAN and dma-debug. A number, which costs less to test than a boolean. */
  observers = 0;
  /** The machine's dma-debug. Declared only: a field that is defined first is no constant to V8, and costs a direct map 5 %. */
  declare readonly debug: DmaDebugHooks | null;
  /** This device's number in the trace ring's string table. */
  readonly traceId: number = 0;
  /** And among the devices of its machine. */
  readonly debugId: number = 0;

  constructor(context: DmaContext, name: string, options: DeviceOptions = {}) {
    this.context = context;
    this.name = name;
    this.debug = context.debug;
    this.traceId = context.ring.intern(name);
    this.bus = options.bus ?? 'pci';
    this.boundDriver = options.driver ?? null;
    this.node = options.node ?? -1;
    this.#dmaParms = options.dmaParms === undefined ? PCI_DMA_PARMS : options.dmaParms;
    this.#streamingWord = options.dmaMask ?? (options.dmaMask === null ? 0 : 0xffffffff);
    this.#coherentWord = options.coherentDmaMask ?? 0xffffffff;
    this.#pointsAt = options.dmaMask === null ? 'nothing' : 'streaming';
    this.#busDmaLimit = options.busDmaLimit ?? 0;
    this.#rangeMap = options.dmaRangeMap ?? null;
    this.#coherentFlag = options.dmaCoherent ?? !context.options.cacheMaintenance;
    this.#dmaOpsBypass = options.dmaOpsBypass ?? false;
    this.#dmaOps = options.dmaOps ?? null;
    this.#ioTlbMem = options.ioTlbMem === undefined ? context.swiotlb : options.ioTlbMem;
    this.#iommu = options.iommu ?? null;
    this.#pci32bitWorkaround = this.bus === 'pci';
    this.untrusted = options.untrusted ?? false;
    this.#needsUnencrypted = options.needsUnencrypted ?? false;
    this.#settle();
    this.debugId = context.addDevice(this);
  }

  /** What messages call the driver: the bound one, else the bus. */
  get driver(): string {
    return this.boundDriver ?? this.bus;
  }

  /** The mask pointer is not null. */
  get hasDmaMask(): boolean {
    return this.#pointsAt !== 'nothing';
  }

  /** `*dev->dma_mask`; 0 where the pointer is null and the kernel would have crashed. */
  get dmaMask(): number {
    return this.#pointsAt === 'coherent' ? this.#coherentWord : this.#streamingWord;
  }

  /** Stores through the pointer; a null pointer is left alone. */
  set dmaMask(mask: number) {
    if (this.#pointsAt === 'streaming') this.#streamingWord = mask;
    else if (this.#pointsAt === 'coherent') this.#coherentWord = mask;
    this.#settle();
  }

  get coherentDmaMask(): number {
    return this.#coherentWord;
  }

  set coherentDmaMask(mask: number) {
    this.#coherentWord = mask;
    this.#settle();
  }

  /** `dev->dma_mask = &dev->coherent_dma_mask` (spec D7). */
  pointMaskAtCoherentMask(): void {
    this.#pointsAt = 'coherent';
    this.#settle();
  }

  get busDmaLimit(): number {
    return this.#busDmaLimit;
  }

  set busDmaLimit(limit: number) {
    this.#busDmaLimit = limit;
    this.#settle();
  }

  get dmaRangeMap(): readonly DmaRange[] | null {
    return this.#rangeMap;
  }

  set dmaRangeMap(map: readonly DmaRange[] | null) {
    this.#rangeMap = map;
    this.#settle();
  }

  get dmaCoherent(): boolean {
    return this.#coherentFlag;
  }

  set dmaCoherent(flag: boolean) {
    this.#coherentFlag = flag;
    this.#settle();
  }

  get dmaOpsBypass(): boolean {
    return this.#dmaOpsBypass;
  }

  set dmaOpsBypass(flag: boolean) {
    this.#dmaOpsBypass = flag;
    this.#settle();
  }

  /** The device's own table, or the arch-wide one (spec D5). */
  get dmaOps(): DmaMapOps | null {
    return this.#dmaOps ?? this.context.archDmaOps;
  }

  set dmaOps(ops: DmaMapOps | null) {
    this.#dmaOps = ops;
    this.#settle();
  }

  get ioTlbMem(): Swiotlb | null {
    return this.#ioTlbMem;
  }

  set ioTlbMem(mem: Swiotlb | null) {
    this.#ioTlbMem = mem;
    this.#settle();
  }

  /** Not null exactly while the `dma_iommu` flag is set (spec D5, D11). */
  get iommu(): DmaDomain | null {
    return this.#iommu;
  }

  set iommu(binding: DmaDomain | null) {
    this.#iommu = binding;
    this.#pci32bitWorkaround = this.bus === 'pci'; // set up anew each time (spec I39)
    this.#settle();
  }

  /** Try IOVAs below 4 GiB first; the IOMMU core clears it when that space is exhausted (spec I38 to I41). */
  get pci32bitWorkaround(): boolean {
    return this.#pci32bitWorkaround;
  }

  set pci32bitWorkaround(flag: boolean) {
    this.#pci32bitWorkaround = flag;
    this.#settle();
  }

  get dmaParms(): DmaParms | null {
    return this.#dmaParms;
  }

  set dmaParms(parms: DmaParms | null) {
    this.#dmaParms = parms;
    this.#settle();
  }

  /** `force_dma_unencrypted` (spec D49), and below under the name that the bounce allocator reads. */
  get needsUnencrypted(): boolean {
    return this.#needsUnencrypted;
  }

  get forceDmaUnencrypted(): boolean {
    return this.#needsUnencrypted;
  }

  /** `dma_get_seg_boundary`, under the name that the bounce allocator reads (spec D6, S33). */
  get segBoundaryMask(): number {
    return this.dmaParms?.segmentBoundaryMask || ALL_ONES;
  }

  /** `dma_get_max_seg_size` (spec D6). */
  get maxSegSize(): number {
    return this.dmaParms?.maxSegmentSize || 65536;
  }

  /** `dma_get_min_align_mask`, under the name that the bounce allocator reads (spec D6, S30). */
  get minAlignMask(): number {
    return this.dmaParms?.minAlignMask ?? 0;
  }

  /** `is_swiotlb_active` (spec D36). */
  get swiotlbActive(): boolean {
    return this.#ioTlbMem !== null && this.#ioTlbMem.nslabs > 0;
  }

  /** `is_swiotlb_force_bounce` (spec D36). */
  get forceBounce(): boolean {
    return this.#ioTlbMem?.force ?? false;
  }

  /** Tracing was switched on or off. */
  observersChanged(): void {
    this.#settle();
  }

  #settle(): void {
    const { options, encryption } = this.context;
    this.coherent = this.#coherentFlag || !options.cacheMaintenance;
    this.streamingLimit = minNotZero(this.dmaMask, this.#busDmaLimit);
    this.mapRoute = this.#route();
    const bare = this.#rangeMap === null && encryption.bit === 0 && !this.#needsUnencrypted && this.coherent;
    // While somebody looks, no call takes the short way; so the short way needs no look at who does.
    const isTraced = this.context.ring.on;
    this.observers = (isTraced ? 1 : 0) + (this.context.watched ? 1 : 0);
    const isDirect = this.mapRoute === ROUTE_DIRECT && this.observers === 0;
    this.plainReach = isDirect && bare && !this.forceBounce ? Math.min(this.streamingLimit, ADDRESS_LIMIT - 1) : -1;
    this.plainIommu = this.coherent && !this.untrusted;
    const hasLane = this.mapRoute === ROUTE_IOMMU && this.plainIommu && !isTraced;
    this.iommuLane = hasLane ? this.#iommu!.pageLane(this, this.dmaMask, this.context.ring) : null;
    this.pageLane = this.observers === 0 ? this.iommuLane : null;
    this.plainUnmap = isDirect && bare && !this.swiotlbActive;
  }

  /** Spec D9 and D10, for the streaming mask. */
  #route(): number {
    if (this.#pointsAt === 'nothing') return ROUTE_NO_MASK;
    if (this.#iommu !== null) return this.context.archMapDirect === null ? ROUTE_IOMMU : ROUTE_OTHER;
    if (this.dmaOps === null) return ROUTE_DIRECT;
    return goDirect(this, this.dmaMask) ? ROUTE_DIRECT : ROUTE_OTHER;
  }
}
