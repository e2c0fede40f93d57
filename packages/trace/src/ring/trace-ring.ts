import { EventKind } from '../format/event-kind.ts';
import * as slot from '../format/record.ts';
import { NARROW_STRIDE, WIDE_STRIDE } from '../format/record.ts';
import { TRACED_LIMIT } from '../log/trace-log.ts';
import { BlockEvents } from './block-events.ts';
import { NvmeEvents } from './nvme-events.ts';
import { RingStore } from './ring-store.ts';

/**
 * Recorder of trace events: the newest `capacity` ones, in fixed-width records that are rendered later.
 *
 * A caller guards each call with the one field `on`: `if (ring.on) ring.dmaMapPhys(...)`. Arguments come in the order
 * of the printed line (spec D96, S97, I160). Devices, flags by name and other text are string numbers from `intern`;
 * addresses are numbers, -1 for all-ones.
 */
export class TraceRing extends RingStore {
  readonly nvme: NvmeEvents = new NvmeEvents(this);
  readonly block: BlockEvents = new BlockEvents(this);

  dmaMapPhys(device: number, dir: number, dmaAddr: number, size: number, phys: number, attrs: number): void {
    const i = this.#beginMapping(EventKind.DMA_MAP_PHYS, device, dir, dmaAddr, size, attrs);
    this.wide[i * WIDE_STRIDE + slot.PHYS] = phys;
  }

  dmaUnmapPhys(device: number, dir: number, dmaAddr: number, size: number, attrs: number): void {
    this.#beginMapping(EventKind.DMA_UNMAP_PHYS, device, dir, dmaAddr, size, attrs);
  }

  /** `virt`: the CPU's address or handle, 0 for null. `gfp`: string number of the flags by name. */
  dmaAlloc(
    device: number,
    dir: number,
    dmaAddr: number,
    size: number,
    virt: number,
    gfp: number,
    attrs: number,
    kind:
      | typeof EventKind.DMA_ALLOC
      | typeof EventKind.DMA_ALLOC_PAGES
      | typeof EventKind.DMA_ALLOC_SGT_ERR = EventKind.DMA_ALLOC,
  ): void {
    const i = this.#beginMapping(kind, device, dir, dmaAddr, size, attrs);
    this.#virtual(i, virt);
    this.narrow[i * NARROW_STRIDE + slot.N2] = gfp;
  }

  dmaFree(
    device: number,
    dir: number,
    dmaAddr: number,
    size: number,
    virt: number,
    attrs: number,
    kind: typeof EventKind.DMA_FREE | typeof EventKind.DMA_FREE_PAGES = EventKind.DMA_FREE,
  ): void {
    this.#virtual(this.#beginMapping(kind, device, dir, dmaAddr, size, attrs), virt);
  }

  dmaAllocSgt(
    device: number,
    dir: number,
    dmaAddr: number,
    size: number,
    physAddrs: ArrayLike<number>,
    count: number,
    gfp: number,
    attrs: number,
  ): void {
    const i = this.#beginMapping(EventKind.DMA_ALLOC_SGT, device, dir, dmaAddr, size, attrs);
    this.narrow[i * NARROW_STRIDE + slot.N2] = gfp;
    this.#physList(i, physAddrs, count);
  }

  dmaFreeSgt(
    device: number,
    dir: number,
    dmaAddr: number,
    size: number,
    physAddrs: ArrayLike<number>,
    count: number,
  ): void {
    this.#physList(this.#beginMapping(EventKind.DMA_FREE_SGT, device, dir, dmaAddr, size, 0), physAddrs, count);
  }

  /** `nents` entries with physical addresses were mapped as `ents` ranges; of each at most 128 are kept (spec D96). */
  dmaMapSg(
    device: number,
    dir: number,
    nents: number,
    ents: number,
    dmaAddrs: ArrayLike<number>,
    sizes: ArrayLike<number>,
    physAddrs: ArrayLike<number>,
    attrs: number,
  ): void {
    const i = this.#beginMapping(EventKind.DMA_MAP_SG, device, dir, 0, 0, attrs);
    const tracedNents = Math.min(nents, TRACED_LIMIT);
    const tracedEnts = Math.min(ents, TRACED_LIMIT);
    const { narrow } = this;
    const at = i * NARROW_STRIDE;
    narrow[at + slot.N2] = nents;
    narrow[at + slot.N3] = ents;
    narrow[at + slot.N4] = tracedNents;
    narrow[at + slot.N5] = tracedEnts;
    this.#dmaList(i, dmaAddrs, sizes, tracedEnts);
    narrow[at + slot.N1] = tracedNents;
    this.pushList(physAddrs, tracedNents);
  }

  dmaMapSgErr(
    device: number,
    dir: number,
    physAddrs: ArrayLike<number>,
    nents: number,
    err: number,
    attrs: number,
  ): void {
    const i = this.#beginMapping(EventKind.DMA_MAP_SG_ERR, device, dir, 0, 0, attrs);
    this.narrow[i * NARROW_STRIDE + slot.N2] = err;
    this.#physList(i, physAddrs, nents);
  }

  dmaUnmapSg(device: number, dir: number, physAddrs: ArrayLike<number>, nents: number, attrs: number): void {
    this.#physList(this.#beginMapping(EventKind.DMA_UNMAP_SG, device, dir, 0, 0, attrs), physAddrs, nents);
  }

  dmaSyncSingleForCpu(device: number, dir: number, dmaAddr: number, size: number): void {
    this.#beginMapping(EventKind.DMA_SYNC_SINGLE_FOR_CPU, device, dir, dmaAddr, size, 0);
  }

  dmaSyncSingleForDevice(device: number, dir: number, dmaAddr: number, size: number): void {
    this.#beginMapping(EventKind.DMA_SYNC_SINGLE_FOR_DEVICE, device, dir, dmaAddr, size, 0);
  }

  dmaSyncSgForCpu(
    device: number,
    dir: number,
    dmaAddrs: ArrayLike<number>,
    sizes: ArrayLike<number>,
    count: number,
  ): void {
    this.#dmaList(this.#beginMapping(EventKind.DMA_SYNC_SG_FOR_CPU, device, dir, 0, 0, 0), dmaAddrs, sizes, count);
  }

  dmaSyncSgForDevice(
    device: number,
    dir: number,
    dmaAddrs: ArrayLike<number>,
    sizes: ArrayLike<number>,
    count: number,
  ): void {
    this.#dmaList(this.#beginMapping(EventKind.DMA_SYNC_SG_FOR_DEVICE, device, dir, 0, 0, 0), dmaAddrs, sizes, count);
  }

  /** `dmaMask`: 0 when the device has none. `devAddr`: device address of the buffer, physical behind an IOMMU (spec S97). */
  swiotlbBounced(device: number, dmaMask: number, devAddr: number, size: number, force: boolean): void {
    const i = this.begin(EventKind.SWIOTLB_BOUNCED, device);
    const at = i * WIDE_STRIDE;
    this.wide[at + slot.ADDRESS] = devAddr;
    this.wide[at + slot.SIZE] = size;
    this.wide[at + slot.EXTRA] = dmaMask;
    this.narrow[i * NARROW_STRIDE + slot.N0] = force ? 1 : 0;
  }

  /** `map`; `size` is what was mapped, also when that is less than was asked for (spec I154). */
  iommuMap(iova: number, size: number, phys: number): void {
    this.#beginRange(EventKind.MAP, iova, size, phys);
  }

  /** `unmap`; `size` is what was asked for. */
  iommuUnmap(iova: number, size: number, unmapped: number): void {
    this.#beginRange(EventKind.UNMAP, iova, size, unmapped);
  }

  addDeviceToGroup(groupId: number, device: number): void {
    this.narrow[this.begin(EventKind.ADD_DEVICE_TO_GROUP, device) * NARROW_STRIDE + slot.N0] = groupId;
  }

  removeDeviceFromGroup(groupId: number, device: number): void {
    this.narrow[this.begin(EventKind.REMOVE_DEVICE_FROM_GROUP, device) * NARROW_STRIDE + slot.N0] = groupId;
  }

  attachDeviceToDomain(device: number): void {
    this.begin(EventKind.ATTACH_DEVICE_TO_DOMAIN, device);
  }

  ioPageFault(driver: number, device: number, iova: number, flags: number): void {
    const i = this.begin(EventKind.IO_PAGE_FAULT, device);
    this.narrow[i * NARROW_STRIDE + slot.N0] = driver;
    this.narrow[i * NARROW_STRIDE + slot.ATTRS] = flags;
    this.wide[i * WIDE_STRIDE + slot.ADDRESS] = iova;
  }

  #beginMapping(kind: EventKind, device: number, dir: number, dmaAddr: number, size: number, attrs: number): number {
    const i = this.begin(kind, device);
    this.wide[i * WIDE_STRIDE + slot.ADDRESS] = dmaAddr;
    this.wide[i * WIDE_STRIDE + slot.SIZE] = size;
    this.narrow[i * NARROW_STRIDE + slot.DIR] = dir;
    this.narrow[i * NARROW_STRIDE + slot.ATTRS] = attrs;
    return i;
  }

  #beginRange(kind: EventKind, iova: number, size: number, phys: number): void {
    const at = this.begin(kind, -1) * WIDE_STRIDE;
    this.wide[at + slot.ADDRESS] = iova;
    this.wide[at + slot.SIZE] = size;
    this.wide[at + slot.PHYS] = phys;
    this.wide[at + slot.EXTRA] = iova + size;
  }

  #virtual(i: number, virt: number): void {
    this.narrow[i * NARROW_STRIDE + slot.N0] = Math.floor(virt / 0x100000000);
    this.narrow[i * NARROW_STRIDE + slot.N1] = virt;
  }

  #dmaList(i: number, dmaAddrs: ArrayLike<number>, sizes: ArrayLike<number>, count: number): void {
    this.narrow[i * NARROW_STRIDE + slot.N0] = count;
    this.narrow[i * NARROW_STRIDE + slot.N1] = 0;
    this.beginList(i);
    this.pushList(dmaAddrs, count);
    this.pushList(sizes, count);
  }

  #physList(i: number, physAddrs: ArrayLike<number>, count: number): void {
    this.narrow[i * NARROW_STRIDE + slot.N0] = 0;
    this.narrow[i * NARROW_STRIDE + slot.N1] = count;
    this.beginList(i);
    this.pushList(physAddrs, count);
  }
}
