import {
  type Device,
  DMA_ATTR_MMIO,
  DMA_FROM_DEVICE,
  DMA_TO_DEVICE,
  type DmaFront,
  dmaFront,
  dmaUseIova,
  PCI_P2PDMA_MAP_NONE,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '@dmalab/dma-api';
import type { DmaAddr, PhysAddr, PhysMemory } from '@dmalab/phys-memory';
import type { Bio } from '../../block/bio/bio.ts';
import { BLK_STS_OK, BLK_STS_RESOURCE } from '../../block/bio/block-status.ts';
import { opIsWrite } from '../../block/bio/op.ts';
import { BlkDmaIterator, blkDmaUnmap, type WalkedVectors } from '../../block/dma-iterator.ts';
import { ffs } from '../../block/limits/gap.ts';
import type { Request } from '../../block/queue/request.ts';
import { high32, low32, put, set } from '../../spec/bits.ts';
import { SGL_DESCRIPTOR_BYTES, SglType, SglWord3 } from '../../spec/sgl.ts';
import { Cdw0, PSDT_SGL_MPTR_SGL, SqeWord } from '../../spec/sqe.ts';
import { MetadataIod, NVME_REQ_USERCMD, type NvmeIod } from '../requests/nvme-iod.ts';
import type { DescriptorPools } from './descriptor-pools.ts';

const PAGE = 4096;

/** Maps the metadata of requests that carry a payload of their own for it, after the data (spec N46, N86). */
export class MetadataMapping {
  readonly #dev: Device;
  readonly #front: DmaFront;
  readonly #memory: PhysMemory;
  readonly #pools: DescriptorPools;
  readonly #iter: BlkDmaIterator;
  /** Set once the controller was identified: SGLS bit 19 (spec N60). */
  sglSupported = false;

  constructor(dev: Device, pools: DescriptorPools) {
    this.#dev = dev;
    this.#front = dmaFront(dev.context);
    this.#memory = dev.context.memory;
    this.#pools = pools;
    this.#iter = new BlkDmaIterator(this.#front);
  }

  /** Completes MPTR, and the flags where an SGL is used; the data is mapped already. A block status. */
  map(request: Request<NvmeIod>, usesSgl: boolean, staleIova: boolean): number {
    const iod = request.data;
    iod.metadata ??= new MetadataIod();
    const walked = integrityVectors(request);
    const isUser = (iod.requestFlags & NVME_REQ_USERCMD) !== 0;
    const several = request.nrIntegritySegments > 1 || isUser;
    iod.metadata.totalBytes = walked.bytes;
    return usesSgl && this.sglSupported && several
      ? this.#mapSgl(request, iod.metadata, walked, staleIova)
      : this.#mapSingle(request, iod.metadata, walked, staleIova);
  }

  #mapSingle(request: Request<NvmeIod>, meta: MetadataIod, walked: WalkedVectors, staleIova: boolean): number {
    const dir = directionOf(request);
    const phys = walked.bio!.vecs.phys[walked.bio!.index] + walked.bio!.done;
    const { p2p } = this.#dev.context;
    meta.blockPhys = -1;
    if (p2p !== null && p2p.providerOf(phys) !== null) {
      if (!this.#iter.start(walked, this.#dev, meta.iovaState, dir, staleIova)) return this.#iter.status;
      meta.mapType = this.#iter.mapType;
      meta.address = this.#iter.addr;
    } else {
      const address = this.#front.mapVector(this.#dev, phys as PhysAddr, walked.bytes, dir, 0);
      if (address < 0) return BLK_STS_RESOURCE;
      meta.mapType = PCI_P2PDMA_MAP_NONE;
      meta.iovaState.clear();
      meta.address = address;
    }
    meta.mapped = true;
    putMptr(request.data.command, meta.address);
    return BLK_STS_OK;
  }

  #mapSgl(request: Request<NvmeIod>, meta: MetadataIod, walked: WalkedVectors, staleIova: boolean): number {
    const dir = directionOf(request);
    const iter = this.#iter;
    if (!iter.start(walked, this.#dev, meta.iovaState, dir, staleIova)) return iter.status;
    meta.mapType = iter.mapType;
    const { small } = this.#pools;
    if (!small.alloc()) {
      blkDmaUnmap(this.#dev, meta.iovaState, walked.bytes, dir, meta.mapType);
      return BLK_STS_RESOURCE;
    }
    meta.blockPhys = small.phys;
    meta.blockDma = small.dmaAddr;
    meta.entries = 0;
    meta.mapped = true;
    // Place 0 stays free for the segment descriptor, which is needed only when there is more than one entry.
    do this.#putDescriptor(meta, ++meta.entries, iter.addr, iter.lengthBytes, SglType.DATA);
    while (!dmaUseIova(meta.iovaState) && iter.next(this.#dev, dir));
    if (meta.entries === 1)
      this.#memory.copy(meta.blockPhys, meta.blockPhys + SGL_DESCRIPTOR_BYTES, SGL_DESCRIPTOR_BYTES);
    else {
      const bytes = SGL_DESCRIPTOR_BYTES * meta.entries;
      this.#putDescriptor(meta, 0, meta.blockDma + SGL_DESCRIPTOR_BYTES, bytes, SglType.LAST_SEGMENT);
    }
    const { command } = request.data;
    putMptr(command, meta.blockDma);
    command[SqeWord.CDW0] = set(command[SqeWord.CDW0], Cdw0.PSDT, PSDT_SGL_MPTR_SGL);
    return iter.status;
  }

  #putDescriptor(meta: MetadataIod, place: number, address: number, lengthBytes: number, type: number): void {
    const at = meta.blockPhys + place * SGL_DESCRIPTOR_BYTES;
    this.#memory.store32(at, low32(address));
    this.#memory.store32(at + 4, high32(address));
    this.#memory.store32(at + 8, lengthBytes);
    this.#memory.store32(at + 12, put(SglWord3.TYPE, type));
  }

  /** Before the data is unmapped (spec N87). */
  unmap(request: Request<NvmeIod>): void {
    const meta = request.data.metadata;
    if (meta === null || !meta.mapped) return;
    meta.mapped = false;
    const dir = directionOf(request);
    // spec gap: N86 does not say; a single vector is unmapped in every mode, as a single data segment is (N81).
    const single = meta.blockPhys < 0 && meta.mapType === PCI_P2PDMA_MAP_NONE;
    if (single || !blkDmaUnmap(this.#dev, meta.iovaState, meta.totalBytes, dir, meta.mapType)) {
      this.#unmapVectors(meta, dir);
    }
    meta.iovaState.clear();
    if (meta.blockPhys >= 0) this.#pools.small.free(meta.blockPhys, meta.blockDma);
  }

  #unmapVectors(meta: MetadataIod, dir: number): void {
    const attrs = meta.mapType === PCI_P2PDMA_MAP_THRU_HOST_BRIDGE ? DMA_ATTR_MMIO : 0;
    if (meta.blockPhys < 0) {
      this.#front.unmapVector(this.#dev, meta.address as DmaAddr, meta.totalBytes, dir, attrs);
      return;
    }
    for (let i = 1; i <= meta.entries; i++) {
      const at = meta.blockPhys + i * SGL_DESCRIPTOR_BYTES;
      const address = this.#memory.load32(at) + this.#memory.load32(at + 4) * 2 ** 32;
      this.#front.unmapVector(this.#dev, address as DmaAddr, this.#memory.load32(at + 8), dir, attrs);
    }
  }
}

function directionOf(request: Request<NvmeIod>): number {
  return opIsWrite(request.opf) ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

function putMptr(command: Uint32Array, address: number): void {
  command[SqeWord.MPTR] = address;
  command[SqeWord.MPTR + 1] = high32(address);
}

/** The payloads of a request's bios as one walk over vectors (spec N46). */
function integrityVectors(request: Request<NvmeIod>): WalkedVectors {
  let bytes = 0;
  let gaps = 0;
  let end = -1;
  for (let bio = request.bio; bio !== null; bio = bio.next) {
    const payload: Bio = bio.integrity!;
    payload.next = bio.next === null ? null : bio.next.integrity;
    bytes += payload.bytes;
    for (let i = payload.index; i < payload.vecs.count; i++) {
      const start = payload.vecs.phys[i];
      if (end >= 0) gaps |= (start % PAGE) | (end % PAGE === 0 ? PAGE : end % PAGE);
      end = start + payload.vecs.lengthBytes[i];
    }
  }
  const { queue, bio } = request;
  return { queue, bio: bio!.integrity, bytes, gapBit: ffs(gaps), specialPhys: -1, specialBytes: 0 };
}
