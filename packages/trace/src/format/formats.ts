import { EventKind } from './event-kind.ts';
import type { FormatPart } from './field.ts';
import * as f from './field.ts';

type Row = readonly [kind: number, ...parts: FormatPart[]];

const DEVICE_DIR: readonly FormatPart[] = [f.device, ' dir=', f.dir];
const ADDR_SIZE: readonly FormatPart[] = [' dma_addr=', f.dmaAddr, ' size=', f.size];
const ATTRS: readonly FormatPart[] = [' attrs=', f.attrs];

function dmaFormats(): Row[] {
  const single = [...DEVICE_DIR, ...ADDR_SIZE];
  const alloc = [...single, ' virt_addr=', f.virtAddr, ' flags=', f.gfp, ...ATTRS];
  const free = [...single, ' virt_addr=', f.virtAddr, ...ATTRS];
  return [
    [EventKind.DMA_MAP_PHYS, ...single, ' phys_addr=', f.physAddr, ...ATTRS],
    [EventKind.DMA_UNMAP_PHYS, ...single, ...ATTRS],
    [EventKind.DMA_ALLOC, ...alloc],
    [EventKind.DMA_ALLOC_PAGES, ...alloc],
    [EventKind.DMA_ALLOC_SGT_ERR, ...alloc],
    [EventKind.DMA_FREE, ...free],
    [EventKind.DMA_FREE_PAGES, ...free],
    [EventKind.DMA_SYNC_SINGLE_FOR_CPU, ...single],
    [EventKind.DMA_SYNC_SINGLE_FOR_DEVICE, ...single],
  ];
}

function scatterlistFormats(): Row[] {
  const table = [...DEVICE_DIR, ...ADDR_SIZE, ' phys_addrs=', f.physAddrs];
  const counts = [' nents=', f.tracedNents, '/', f.nents, ' ents=', f.tracedEnts, '/', f.ents, f.truncated];
  const dmaSide = [' dma_addrs=', f.dmaAddrs, ' sizes=', f.sizes];
  return [
    [EventKind.DMA_ALLOC_SGT, ...table, ' flags=', f.gfp, ...ATTRS],
    [EventKind.DMA_FREE_SGT, ...table],
    [EventKind.DMA_MAP_SG, ...DEVICE_DIR, ...counts, ...dmaSide, ' phys_addrs=', f.physAddrs, ...ATTRS],
    // The label says dma_addrs; what it lists are physical addresses (spec D96).
    [EventKind.DMA_MAP_SG_ERR, ...DEVICE_DIR, ' dma_addrs=', f.physAddrs, ' err=', f.err, ...ATTRS],
    [EventKind.DMA_UNMAP_SG, ...DEVICE_DIR, ' phys_addrs=', f.physAddrs, ...ATTRS],
    [EventKind.DMA_SYNC_SG_FOR_CPU, ...DEVICE_DIR, ...dmaSide],
    [EventKind.DMA_SYNC_SG_FOR_DEVICE, ...DEVICE_DIR, ...dmaSide],
  ];
}

function iommuFormats(): Row[] {
  const bounced = ['dev_name: ', f.device, ' dma_mask=', f.dmaMask, ' dev_addr=', f.devAddr, ' size=', f.size, ' '];
  const range = ['IOMMU: iova=', f.iova, ' - ', f.end];
  const group = ['IOMMU: groupID=', f.groupId, ' device=', f.device];
  return [
    [EventKind.SWIOTLB_BOUNCED, ...bounced, f.force],
    [EventKind.MAP, ...range, ' paddr=', f.paddr, ' size=', f.size],
    [EventKind.UNMAP, ...range, ' size=', f.size, ' unmapped_size=', f.unmappedSize],
    [EventKind.ADD_DEVICE_TO_GROUP, ...group],
    [EventKind.REMOVE_DEVICE_FROM_GROUP, ...group],
    [EventKind.ATTACH_DEVICE_TO_DOMAIN, 'IOMMU: device=', f.device],
    [EventKind.IO_PAGE_FAULT, 'IOMMU:', f.driver, ' ', f.device, ' iova=', f.iova, ' flags=', f.faultFlags],
  ];
}

function nvmeFormats(): Row[] {
  const queue = [f.device, ': ', f.disk, 'qid=', f.qid];
  const setup = [...queue, ', cmdid=', f.cmdid, ', nsid=', f.nsid, ', flags=', f.nvmeFlags, ', meta=', f.meta];
  const complete = [...queue, ', cmdid=', f.cmdid, ', res=', f.result, ', retries=', f.retries];
  return [
    [EventKind.NVME_SETUP_CMD, ...setup, ', cmd=', f.command],
    [EventKind.NVME_SQ, ...queue, ', head=', f.head, ', tail=', f.tail],
    [EventKind.NVME_COMPLETE_RQ, ...complete, ', flags=', f.nvmeFlags, ', status=', f.status],
    [EventKind.NVME_ASYNC_EVENT, f.device, ': NVME_AEN=', f.aen, ' [', f.aenName],
  ];
}

function blockFormats(): Row[] {
  const span = [f.sector, ' + ', f.sectors];
  const priority = [' ', f.ioClass, ',', f.ioHint, ',', f.ioLevel, ' ['];
  const issue = [f.device, ' ', f.rwbs, ' ', f.bytes, ' () ', ...span, ...priority, f.submitter];
  const complete = [f.device, ' ', f.rwbs, ' () ', ...span, ...priority, f.errno, ']'];
  const bio = [f.device, ' ', f.rwbs, ' ', ...span, ' [', f.submitter];
  return [
    [EventKind.BLOCK_RQ_ISSUE, ...issue],
    [EventKind.BLOCK_RQ_INSERT, ...issue],
    [EventKind.BLOCK_RQ_MERGE, ...issue],
    [EventKind.BLOCK_RQ_COMPLETE, ...complete],
    [EventKind.BLOCK_RQ_ERROR, ...complete],
    [EventKind.BLOCK_RQ_REQUEUE, ...complete],
    [EventKind.BLOCK_BIO_BACKMERGE, ...bio],
    [EventKind.BLOCK_BIO_FRONTMERGE, ...bio],
    [EventKind.BLOCK_BIO_QUEUE, ...bio],
    [EventKind.BLOCK_GETRQ, ...bio],
    [EventKind.BLOCK_SPLIT, f.device, ' ', f.rwbs, ' ', f.sector, ' / ', f.newSector, ' [', f.submitter],
    [EventKind.BLOCK_UNPLUG, '[', f.unplugger, '] ', f.unplugged],
  ];
}

function table(): FormatPart[][] {
  const formats: FormatPart[][] = [[f.body]];
  for (const [kind, ...parts] of [...dmaFormats(), ...scatterlistFormats(), ...iommuFormats(), ...nvmeFormats()]) {
    formats[kind] = parts;
  }
  for (const [kind, ...parts] of blockFormats()) formats[kind] = parts;
  return formats;
}

/**
 * The body of every event as the kernel prints it, indexed by kind: the one table that the reader, the renderer and
 * `TraceLog.event` go by. Spec D96 (DMA, IOMMU), I160 (map, unmap), S97 (swiotlb_bounced), N110 (NVMe, block).
 */
export const FORMATS: readonly (readonly FormatPart[])[] = table();
