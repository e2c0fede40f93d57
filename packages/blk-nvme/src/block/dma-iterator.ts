import {
  type Device,
  DMA_ATTR_MMIO,
  type DmaFront,
  type DmaIovaState,
  dmaGetMergeBoundary,
  dmaIovaDestroy,
  dmaIovaFree,
  dmaIovaLink,
  dmaIovaSync,
  dmaIovaTryAlloc,
  dmaMappingError,
  dmaNeedUnmap,
  dmaUseIova,
  P2pMapState,
  PCI_P2PDMA_MAP_BUS_ADDR,
  PCI_P2PDMA_MAP_NONE,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '@dmalab/dma-api';
import type { PhysAddr } from '@dmalab/phys-memory';
import type { Bio } from './bio/bio.ts';
import { BLK_STS_INVAL, BLK_STS_OK, BLK_STS_RESOURCE, errnoToBlkStatus } from './bio/block-status.ts';
import { gapMask } from './limits/gap.ts';
import { physMergeable } from './limits/merge.ts';
import { boundaryRoom, type QueueLimits } from './limits/queue-limits.ts';

/** What a walk needs to know of its request: the data's vectors, or those of its metadata (spec N46). */
export interface WalkedVectors {
  readonly queue: { readonly limits: QueueLimits } | null;
  readonly bio: Bio | null;
  /** One vector instead of the bios'; -1 for none. */
  readonly specialPhys: number;
  readonly specialBytes: number;
  readonly bytes: number;
  readonly gapBit: number;
}

/**
 * Walks the physical vectors of a request and maps each for the device (spec N40 to N45). One object serves every
 * request of a driver in turn: `start`, then `next` until it says false with status OK.
 */
export class BlkDmaIterator {
  /** Device address and length of the vector in hand; the whole payload on the IOVA path. */
  addr = 0;
  lengthBytes = 0;
  status = BLK_STS_OK;
  /** How the request's memory is reached (spec T30): the first page's class decides for all of it. */
  mapType = PCI_P2PDMA_MAP_NONE;
  readonly #front: DmaFront;
  readonly #p2p = new P2pMapState();
  #limits: QueueLimits | null = null;
  #bio: Bio | null = null;
  #index = 0;
  #done = 0;
  /** Bytes of the current bio not walked yet. */
  #bioLeft = 0;
  #phys = 0;
  #bytes = 0;

  constructor(front: DmaFront) {
    this.#front = front;
  }

  /** Maps the first vector, or all of them where the IOMMU can put them side by side (spec N41). */
  start(request: WalkedVectors, dev: Device, state: DmaIovaState, dir: number, staleIova: boolean): boolean {
    this.status = BLK_STS_OK;
    this.mapType = PCI_P2PDMA_MAP_NONE;
    if (!this.#open(request)) return false;
    this.mapType = this.#p2p.classify(dev, this.#phys);
    if (this.mapType === PCI_P2PDMA_MAP_BUS_ADDR) {
      // Linux 7.3 returns here with the state of the request object's last use (spec N181, T95).
      if (!staleIova) state.clear();
      return this.#yieldBusAddress();
    }
    if (this.mapType !== PCI_P2PDMA_MAP_NONE && this.mapType !== PCI_P2PDMA_MAP_THRU_HOST_BRIDGE) {
      this.status = BLK_STS_INVAL;
      return false;
    }
    const fitsOneRange = (gapMask(request.gapBit) & dmaGetMergeBoundary(dev)) === 0;
    if (fitsOneRange && dmaIovaTryAlloc(dev, state, this.#phys, payloadBytes(request))) {
      return this.#linkAll(request, dev, state, dir);
    }
    state.clear();
    return this.#mapOne(dev, dir);
  }

  /** The next vector; not called when `start` mapped everything at once (spec N44). */
  next(dev: Device, dir: number): boolean {
    if (!this.#nextVector()) return false;
    return this.mapType === PCI_P2PDMA_MAP_BUS_ADDR ? this.#yieldBusAddress() : this.#mapOne(dev, dir);
  }

  #open(request: WalkedVectors): boolean {
    this.#limits = request.queue!.limits;
    this.#bio = request.bio;
    if (request.specialPhys >= 0) {
      this.#bio = null;
      this.#phys = request.specialPhys;
      this.#bytes = request.specialBytes;
      this.#bioLeft = 0;
      return true;
    }
    if (this.#bio === null) return false;
    this.#openBio(this.#bio);
    return this.#nextVector();
  }

  #openBio(bio: Bio): void {
    this.#index = bio.index;
    this.#done = bio.done;
    this.#bioLeft = bio.bytes;
  }

  /** Spec N40: what is left of the current vector up to the segment limit, and the neighbours that continue it. */
  #nextVector(): boolean {
    if (!this.#skipToData()) return false;
    const lim = this.#limits!;
    const bio = this.#bio!;
    this.#phys = bio.vecs.phys[this.#index] + this.#done;
    const most = Math.min(boundaryRoom(lim, this.#phys), lim.maxSegmentSize);
    this.#bytes = Math.min(this.#vectorLeft(), most);
    if (!this.#consume(this.#bytes)) return true;
    while (this.#skipToData()) {
      const start = this.#bio!.vecs.phys[this.#index] + this.#done;
      const more = this.#vectorLeft();
      if (this.#bytes + more > most || !physMergeable(lim, this.#phys + this.#bytes, start)) break;
      this.#bytes += more;
      this.#consume(more);
    }
    return true;
  }

  #vectorLeft(): number {
    return Math.min(this.#bio!.vecs.lengthBytes[this.#index] - this.#done, this.#bioLeft);
  }

  /** Moves on to a bio that has bytes left; false at the end of the request. */
  #skipToData(): boolean {
    while (this.#bioLeft === 0) {
      const next: Bio | null = this.#bio === null ? null : this.#bio.next;
      if (next === null) return false;
      this.#bio = next;
      this.#openBio(next);
    }
    return true;
  }

  /** True when that used up the vector. */
  #consume(bytes: number): boolean {
    this.#bioLeft -= bytes;
    this.#done += bytes;
    if (this.#done < this.#bio!.vecs.lengthBytes[this.#index] && this.#bioLeft > 0) return false;
    this.#done = 0;
    this.#index++;
    return true;
  }

  #yieldBusAddress(): boolean {
    this.addr = this.#p2p.busAddress(this.#phys);
    this.lengthBytes = this.#bytes;
    return true;
  }

  /** Spec N43. */
  #mapOne(dev: Device, dir: number): boolean {
    const attrs = this.mapType === PCI_P2PDMA_MAP_THRU_HOST_BRIDGE ? DMA_ATTR_MMIO : 0;
    const addr = this.#front.mapVector(dev, this.#phys as PhysAddr, this.#bytes, dir, attrs);
    if (dmaMappingError(dev, addr) !== 0) {
      this.status = BLK_STS_RESOURCE;
      return false;
    }
    this.addr = addr;
    this.lengthBytes = this.#bytes;
    return true;
  }

  /** Spec N42: every vector at increasing offset in one range, then one sync over all. */
  #linkAll(request: WalkedVectors, dev: Device, state: DmaIovaState, dir: number): boolean {
    const attrs = this.mapType === PCI_P2PDMA_MAP_THRU_HOST_BRIDGE ? DMA_ATTR_MMIO : 0;
    let mapped = 0;
    let error = 0;
    do {
      error = dmaIovaLink(dev, state, this.#phys, mapped, this.#bytes, dir, attrs);
      if (error !== 0) break;
      mapped += this.#bytes;
    } while (this.#nextVector());
    if (error === 0) error = dmaIovaSync(dev, state, 0, mapped);
    if (error !== 0) {
      this.#unlinkAll(dev, state, mapped, dir, attrs);
      this.status = errnoToBlkStatus(error);
      return false;
    }
    this.addr = state.addr;
    this.lengthBytes = payloadBytes(request);
    return true;
  }

  #unlinkAll(dev: Device, state: DmaIovaState, mapped: number, dir: number, attrs: number): void {
    if (mapped > 0) dmaIovaDestroy(dev, state, mapped, dir, attrs);
    else dmaIovaFree(dev, state);
    state.clear();
  }
}

/** Bytes that the request moves. */
export function payloadBytes(request: WalkedVectors): number {
  return request.specialPhys >= 0 ? request.specialBytes : request.bytes;
}

/**
 * Undoes a walk (spec N45). True when nothing is left to do; false: the driver unmaps the vectors that it recorded.
 */
export function blkDmaUnmap(dev: Device, state: DmaIovaState, bytes: number, dir: number, mapType: number): boolean {
  if (mapType === PCI_P2PDMA_MAP_BUS_ADDR) return true;
  if (dmaUseIova(state)) {
    const attrs = mapType === PCI_P2PDMA_MAP_THRU_HOST_BRIDGE ? DMA_ATTR_MMIO : 0;
    dmaIovaDestroy(dev, state, bytes, dir, attrs);
    return true;
  }
  return !dmaNeedUnmap(dev);
}
