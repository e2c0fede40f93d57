import {
  type Device,
  DMA_ATTR_MMIO,
  DMA_FROM_DEVICE,
  DMA_TO_DEVICE,
  type DmaFront,
  dmaFront,
  dmaMappingError,
  dmaNeedUnmap,
  dmaUseIova,
  PCI_P2PDMA_MAP_BUS_ADDR,
  PCI_P2PDMA_MAP_NONE,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '@dmalab/dma-api';
import type { DmaAddr, PhysAddr, PhysMemory } from '@dmalab/phys-memory';
import { BLK_STS_IOERR, BLK_STS_OK, BLK_STS_RESOURCE } from '../../block/bio/block-status.ts';
import { opIsWrite } from '../../block/bio/op.ts';
import { BlkDmaIterator, blkDmaUnmap, payloadBytes } from '../../block/dma-iterator.ts';
import { gapMask } from '../../block/limits/gap.ts';
import { bioFirstPhys } from '../../block/limits/merge.ts';
import type { Request } from '../../block/queue/request.ts';
import { get, high32, low32, put } from '../../spec/bits.ts';
import { SGL_DESCRIPTOR_BYTES, SglType, SglWord3 } from '../../spec/sgl.ts';
import { Cdw0, PSDT_PRP, PSDT_SGL_MPTR_CONTIG, SqeWord } from '../../spec/sqe.ts';
import {
  NVME_CTRL_PAGE_SIZE,
  NVME_SMALL_DESCRIPTOR_PRPS,
  NVME_SMALL_DESCRIPTOR_SGLS,
  type NvmeParameters,
} from '../constants.ts';
import { IOD_MAPPED, IOD_SGL, IOD_SINGLE_SEGMENT, IOD_SMALL_DESCRIPTOR, type NvmeIod } from '../requests/nvme-iod.ts';
import type { DescriptorPool, DescriptorPools } from './descriptor-pools.ts';
import { MetadataMapping } from './metadata-mapping.ts';

/** Whether a request may, or must, use SGLs (spec N80). */
export const SGL_UNSUPPORTED = 0;
export const SGL_SUPPORTED = 1;
export const SGL_FORCED = 2;

const PRPS_PER_PAGE = 512;
/** `&` is right up to 2^53; `%` of doubles is a call of some 15 ns. */
const PAGE_MASK: number = NVME_CTRL_PAGE_SIZE - 1;
const PSDT_FLAGS = put(Cdw0.PSDT, PSDT_SGL_MPTR_CONTIG);

/** Maps the data of requests and writes PRPs or SGLs for it; undoes both at completion (spec B4). */
export class DataMapping {
  readonly #dev: Device;
  readonly #front: DmaFront;
  readonly #memory: PhysMemory;
  readonly #pools: DescriptorPools;
  readonly #parameters: NvmeParameters;
  readonly #iter: BlkDmaIterator;
  /** Set once the controller was identified: SGLS bits 1:0 (spec N60). */
  sglSupported = false;
  readonly metadata: MetadataMapping;

  constructor(dev: Device, pools: DescriptorPools, parameters: NvmeParameters) {
    this.#dev = dev;
    this.#front = dmaFront(dev.context);
    this.#memory = dev.context.memory;
    this.#pools = pools;
    this.#parameters = parameters;
    this.#iter = new BlkDmaIterator(this.#front);
    this.metadata = new MetadataMapping(dev, pools);
  }

  /** Spec N80. */
  sglPolicy(request: Request<NvmeIod>, isAdmin: boolean, isUserCommand: boolean): number {
    if (isAdmin || !this.sglSupported) return SGL_UNSUPPORTED;
    const gaps = (gapMask(request.gapBit) & (NVME_CTRL_PAGE_SIZE - 1)) !== 0;
    return gaps || isUserCommand || request.nrIntegritySegments > 1 ? SGL_FORCED : SGL_SUPPORTED;
  }

  /** Maps the request's data, then its metadata, and completes their pointers: a block status. */
  map(request: Request<NvmeIod>, policy: number): number {
    const status = this.#mapData(request, policy);
    if (status !== BLK_STS_OK || request.nrIntegritySegments === 0) return status;
    const usesSgl = get(request.data.command[SqeWord.CDW0], Cdw0.PSDT) !== PSDT_PRP;
    const mapped = this.metadata.map(request, usesSgl, this.#parameters.staleIovaState);
    if (mapped !== BLK_STS_OK) this.unmap(request);
    return mapped;
  }

  #mapData(request: Request<NvmeIod>, policy: number): number {
    const iod = request.data;
    iod.flags = 0;
    iod.vecCount = 0;
    iod.descriptorCount = 0;
    iod.totalBytes = payloadBytes(request);
    if (request.nrPhysSegments === 1) {
      const status = this.#mapSimple(request, policy);
      if (status >= 0) return status;
    }
    return this.#mapIterated(request, policy);
  }

  /** One segment, without the iterator (spec N81); -1 where the iterator has to do it. */
  #mapSimple(request: Request<NvmeIod>, policy: number): number {
    const iod = request.data;
    const isSpecial = request.specialPhys >= 0;
    const phys = isSpecial ? request.specialPhys : bioFirstPhys(request.bio!);
    const bytes = iod.totalBytes;
    const offset = phys & PAGE_MASK;
    const prpOk = offset + bytes <= 2 * NVME_CTRL_PAGE_SIZE;
    if (policy === SGL_UNSUPPORTED && !prpOk) return -1;
    if (this.#dev.context.p2p !== null && this.#dev.context.p2p.providerOf(phys) !== null) return -1;
    const dir = opIsWrite(request.opf) ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
    const addr = this.#front.mapVector(this.#dev, phys as PhysAddr, bytes, dir, 0);
    if (dmaMappingError(this.#dev, addr) !== 0) return BLK_STS_RESOURCE;
    iod.flags = IOD_MAPPED | IOD_SINGLE_SEGMENT;
    iod.iovaState.clear();
    iod.mapType = PCI_P2PDMA_MAP_NONE;
    if (policy === SGL_FORCED || !prpOk) {
      this.#putCommandSgl(iod, addr, bytes, SglType.DATA);
    } else {
      const first = NVME_CTRL_PAGE_SIZE - (addr & PAGE_MASK);
      this.#putPrps(iod, addr, bytes > first ? addr + first : 0);
    }
    return BLK_STS_OK;
  }

  /** Spec N82. */
  #mapIterated(request: Request<NvmeIod>, policy: number): number {
    const iod = request.data;
    const iter = this.#iter;
    const dir = opIsWrite(request.opf) ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
    const { staleIovaState, sglThreshold } = this.#parameters;
    if (!iter.start(request, this.#dev, iod.iovaState, dir, staleIovaState)) return iter.status;
    iod.mapType = iter.mapType;
    iod.flags = IOD_MAPPED;
    const coalesced = dmaUseIova(iod.iovaState);
    const average = Math.ceil(iod.totalBytes / (coalesced ? 1 : request.nrPhysSegments));
    const bySize = policy === SGL_SUPPORTED && sglThreshold !== 0 && average >= sglThreshold;
    const status =
      policy === SGL_FORCED || bySize ? this.#writeSgl(request, dir, coalesced) : this.#writePrps(request, dir);
    if (status !== BLK_STS_OK) this.unmap(request);
    return status;
  }

  /** Remembers a vector that has to be unmapped by itself (spec N84). */
  #record(iod: NvmeIod): void {
    const iter = this.#iter;
    if (dmaUseIova(iod.iovaState) || iter.mapType === PCI_P2PDMA_MAP_BUS_ADDR || !dmaNeedUnmap(this.#dev)) return;
    iod.recordVector(iter.addr, iter.lengthBytes);
  }

  /** Spec N83: each vector is mapped only when its first entry is written. */
  #writePrps(request: Request<NvmeIod>, dir: number): number {
    const iod = request.data;
    const iter = this.#iter;
    this.#record(iod);
    let remaining = iod.totalBytes;
    const prp1 = iter.addr;
    let piece = Math.min(remaining, NVME_CTRL_PAGE_SIZE - (prp1 & PAGE_MASK));
    remaining -= piece;
    if (remaining === 0) {
      this.#putPrps(iod, prp1, 0);
      return BLK_STS_OK;
    }
    if (!this.#takePiece(iod, piece, dir)) return this.#pieceStatus();
    if (remaining <= NVME_CTRL_PAGE_SIZE) {
      this.#putPrps(iod, prp1, iter.addr);
      return iter.lengthBytes < remaining ? BLK_STS_IOERR : BLK_STS_OK;
    }
    const entries = Math.ceil(remaining / NVME_CTRL_PAGE_SIZE);
    const small = entries <= NVME_SMALL_DESCRIPTOR_PRPS;
    if (small) iod.flags |= IOD_SMALL_DESCRIPTOR;
    if (!this.#addDescriptor(iod, small ? this.#pools.small : this.#pools.large)) return BLK_STS_RESOURCE;
    this.#putPrps(iod, prp1, iod.descriptorDma[0]);
    for (let slot = 0; ; slot++) {
      if (slot === PRPS_PER_PAGE) {
        if (!this.#chain(iod)) return BLK_STS_RESOURCE;
        slot = 1;
      }
      this.#storeEntry(iod, slot, iter.addr);
      piece = Math.min(remaining, NVME_CTRL_PAGE_SIZE);
      if (iter.lengthBytes < piece) return BLK_STS_IOERR;
      remaining -= piece;
      if (remaining === 0) return BLK_STS_OK;
      if (!this.#takePiece(iod, piece, dir)) return this.#pieceStatus();
    }
  }

  /** Uses up `piece` bytes of the vector in hand and moves to the next when it is empty. */
  #takePiece(iod: NvmeIod, piece: number, dir: number): boolean {
    const iter = this.#iter;
    iter.addr += piece;
    iter.lengthBytes -= piece;
    if (iter.lengthBytes > 0) return true;
    if (iter.lengthBytes < 0 || !iter.next(this.#dev, dir)) return false;
    this.#record(iod);
    return true;
  }

  /** The request's vectors ended before its bytes did, unless mapping failed (spec N83). */
  #pieceStatus(): number {
    return this.#iter.status === BLK_STS_OK ? BLK_STS_IOERR : this.#iter.status;
  }

  #addDescriptor(iod: NvmeIod, pool: DescriptorPool): boolean {
    if (!pool.alloc()) return false;
    iod.descriptorPhys[iod.descriptorCount] = pool.phys;
    iod.descriptorDma[iod.descriptorCount++] = pool.dmaAddr;
    return true;
  }

  /** The last entry moves to a new list, and its slot points there: so 512 entries fit without one (spec N83). */
  #chain(iod: NvmeIod): boolean {
    const full = iod.descriptorPhys[iod.descriptorCount - 1] + 8 * (PRPS_PER_PAGE - 1);
    if (!this.#addDescriptor(iod, this.#pools.large)) return false;
    const list = iod.descriptorPhys[iod.descriptorCount - 1];
    this.#memory.copy(list, full, 8);
    this.#store64(full, iod.descriptorDma[iod.descriptorCount - 1]);
    return true;
  }

  #storeEntry(iod: NvmeIod, slot: number, address: number): void {
    this.#store64(iod.descriptorPhys[iod.descriptorCount - 1] + 8 * slot, address);
  }

  #store64(at: number, value: number): void {
    this.#memory.store32(at, low32(value));
    this.#memory.store32(at + 4, high32(value));
  }

  /** Spec N85. */
  #writeSgl(request: Request<NvmeIod>, dir: number, coalesced: boolean): number {
    const iod = request.data;
    const iter = this.#iter;
    iod.flags |= IOD_SGL;
    if (request.nrPhysSegments === 1 || coalesced) {
      this.#putCommandSgl(iod, iter.addr, iter.lengthBytes, SglType.DATA);
      this.#record(iod);
      return BLK_STS_OK;
    }
    const small = request.nrPhysSegments <= NVME_SMALL_DESCRIPTOR_SGLS;
    if (small) iod.flags |= IOD_SMALL_DESCRIPTOR;
    if (!this.#addDescriptor(iod, small ? this.#pools.small : this.#pools.large)) {
      this.#record(iod);
      return BLK_STS_RESOURCE;
    }
    let count = 0;
    do {
      this.#record(iod);
      const at = iod.descriptorPhys[0] + SGL_DESCRIPTOR_BYTES * count++;
      this.#store64(at, iter.addr);
      this.#memory.store32(at + 8, iter.lengthBytes);
      this.#memory.store32(at + 12, put(SglWord3.TYPE, SglType.DATA));
    } while (iter.next(this.#dev, dir));
    this.#putCommandSgl(iod, iod.descriptorDma[0], SGL_DESCRIPTOR_BYTES * count, SglType.LAST_SEGMENT);
    return iter.status;
  }

  #putPrps(iod: NvmeIod, prp1: number, prp2: number): void {
    const { command } = iod;
    command[SqeWord.PRP1] = prp1;
    command[SqeWord.PRP1 + 1] = high32(prp1);
    command[SqeWord.PRP2] = prp2;
    command[SqeWord.PRP2 + 1] = high32(prp2);
  }

  #putCommandSgl(iod: NvmeIod, address: number, lengthBytes: number, type: number): void {
    const { command } = iod;
    command[SqeWord.CDW0] |= PSDT_FLAGS;
    command[SqeWord.DPTR] = address;
    command[SqeWord.DPTR + 1] = high32(address);
    command[SqeWord.DPTR + 2] = lengthBytes;
    command[SqeWord.DPTR + 3] = put(SglWord3.TYPE, type);
  }

  /** Undoes the mapping of metadata, then that of data, then gives the descriptors back (spec N87). */
  unmap(request: Request<NvmeIod>): void {
    const iod = request.data;
    if ((iod.flags & IOD_MAPPED) === 0) return;
    if (iod.metadata !== null) this.metadata.unmap(request);
    const dir = opIsWrite(request.opf) ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
    if ((iod.flags & IOD_SINGLE_SEGMENT) !== 0) {
      // The address is read back from the command, PRP1 or descriptor alike: both begin at the same word.
      const { command } = iod;
      const addr = command[SqeWord.PRP1] + command[SqeWord.PRP1 + 1] * 2 ** 32;
      this.#front.unmapVector(this.#dev, addr as DmaAddr, iod.totalBytes, dir, 0);
    } else {
      this.#unmapIterated(iod, dir);
      this.#freeDescriptors(iod);
    }
    iod.flags &= ~IOD_MAPPED;
  }

  #unmapIterated(iod: NvmeIod, dir: number): void {
    // Unlike Linux the state is cleared here; the stale-state switch keeps it for the next use (spec N181).
    const used = dmaUseIova(iod.iovaState);
    if (blkDmaUnmap(this.#dev, iod.iovaState, iod.totalBytes, dir, iod.mapType)) {
      if (used && !this.#parameters.staleIovaState) iod.iovaState.clear();
      return;
    }
    const attrs = iod.mapType === PCI_P2PDMA_MAP_THRU_HOST_BRIDGE ? DMA_ATTR_MMIO : 0;
    for (let i = 0; i < iod.vecCount; i++) {
      this.#front.unmapVector(this.#dev, iod.vectorAddress(i) as DmaAddr, iod.vectorBytes(i), dir, attrs);
    }
  }

  #freeDescriptors(iod: NvmeIod): void {
    const pool = (iod.flags & IOD_SMALL_DESCRIPTOR) !== 0 ? this.#pools.small : this.#pools.large;
    for (let i = 0; i < iod.descriptorCount; i++) pool.free(iod.descriptorPhys[i], iod.descriptorDma[i]);
    iod.descriptorCount = 0;
  }
}
