import { EventKind, readTrace, renderEvent, TraceRing } from '@dmalab/trace';
import { beforeEach, describe, expect, it } from 'vitest';
import { iovaOperations } from './operations.ts';

const DISK = '0000:00:1f.2';
const NVME = '0000:00:03.0';
const TASK = 7;
const PHYS = 0x1000000;
let ring: TraceRing;
let disk: number;
let nvme: number;

beforeEach(() => {
  ring = new TraceRing(256);
  ring.on = true;
  disk = ring.intern(DISK);
  nvme = ring.intern(NVME);
  inTask(TASK);
});

function inTask(pid: number): void {
  ring.setTask(ring.intern('fio'), pid);
  ring.setFlags(ring.intern('.....'));
}

function inInterrupt(pid = TASK): void {
  ring.setTask(ring.intern('fio'), pid);
  ring.setFlags(ring.intern('d.h1.'));
}

/** `kind pfn+pages device calls`, through the text of the trace. */
function operations(): string[] {
  const { log } = ring.toLog();
  const text = Array.from({ length: log.length }, (_, i) => `${renderEvent(log, i)}\n`).join('');
  const read = readTrace(new TextEncoder().encode(text));
  expect(read.notes).toEqual([]);
  return iovaOperations(read.log).map(
    ({ kind, pfn, pages, device, twoStep }) =>
      `${kind} ${pfn.toString(16)}+${pages} ${device}${twoStep ? ' two-step' : ''}`,
  );
}

function map(iova: number, pages: number): void {
  ring.iommuMap(iova, pages * 4096, PHYS);
}

function unmap(iova: number, pages: number): void {
  ring.iommuUnmap(iova, pages * 4096, pages * 4096);
}

describe('one-step requests', () => {
  it('I240 dma_map_phys counts the pages that its bytes touch', () => {
    map(0xffffe000, 2);
    ring.dmaMapPhys(nvme, 1, 0xffffef00, 0x200, PHYS + 0xf00, 0);
    unmap(0xffffe000, 2);
    ring.dmaUnmapPhys(nvme, 1, 0xffffef00, 0x200, 0);
    expect(operations()).toEqual([`alloc ffffe+2 ${NVME}`, `free ffffe+2 ${NVME}`]);
  });

  it('I240 dma_alloc takes all runs that tile it, and dma_free stands before its unmap', () => {
    map(0xffff0000, 7);
    map(0xffff7000, 8);
    map(0xfffff000, 1);
    ring.dmaAlloc(nvme, 0, 0xffff0000, 0x10000, 0, ring.intern('GFP_KERNEL'), 0);
    ring.dmaFree(nvme, 0, 0xffff0000, 0x10000, 0, 0);
    unmap(0xffff0000, 16);
    expect(operations()).toEqual([`alloc ffff0+16 ${NVME}`, `free ffff0+16 ${NVME}`]);
  });

  it('I240 I242 a scatterlist is one request; dma_unmap_sg names no IOVA, what mapped the range decides', () => {
    map(0xffffc000, 3);
    map(0xfffff000, 1);
    const phys = [PHYS, PHYS + 0x9000];
    ring.dmaMapSg(disk, 2, 2, 1, [0xffffc000], [0x4000], phys, 0);
    inInterrupt();
    ring.dmaUnmapSg(disk, 2, phys, 2, 0);
    unmap(0xffffc000, 4);
    expect(operations()).toEqual([`alloc ffffc+4 ${DISK}`, `free ffffc+4 ${DISK}`]);
  });

  it('I69 a bounced scatterlist has a range for each entry', () => {
    map(0xfffff000, 1);
    map(0xffffd000, 1);
    const phys = [PHYS, PHYS + 0x9000];
    ring.dmaMapSg(disk, 2, 2, 2, [0xfffff010, 0xffffd020], [0x10, 0x20], phys, 0);
    ring.dmaUnmapSg(disk, 2, phys, 2, 0);
    unmap(0xfffff000, 1);
    unmap(0xffffd000, 1);
    expect(operations()).toEqual([
      `alloc fffff+1 ${DISK}`,
      `alloc ffffd+1 ${DISK}`,
      `free fffff+1 ${DISK}`,
      `free ffffd+1 ${DISK}`,
    ]);
  });

  it('I240 a noncontiguous allocation', () => {
    map(0xffffc000, 2);
    map(0xffffe000, 2);
    ring.dmaAllocSgt(disk, 0, 0xffffc000, 0x4000, [PHYS, PHYS + 0x9000], 2, ring.intern('GFP_KERNEL'), 0);
    expect(operations()).toEqual([`alloc ffffc+4 ${DISK}`]);
  });
});

describe('two-step requests', () => {
  function nvmeCommand(): void {
    const dwords = new Uint32Array(6);
    ring.nvme.setupCmd(ring.intern('nvme0'), ring.intern('nvme0n1'), 1, 0, 1, 0, 0, 2, dwords);
  }

  /** Teaches which device nvme0 is. */
  function oneStepCommand(): void {
    nvmeCommand();
    map(0xfffff000, 1);
    ring.dmaMapPhys(nvme, 1, 0xfffff000, 4096, PHYS, 0);
  }

  it('I240 stands at its first link and is as long as the unmap that ends it', () => {
    oneStepCommand();
    nvmeCommand();
    map(0xfffc0000, 1);
    map(0xfffc1000, 1);
    inInterrupt();
    unmap(0xfffff000, 1);
    ring.dmaUnmapPhys(nvme, 1, 0xfffff000, 4096, 0);
    inTask(TASK);
    map(0xfffc2000, 1);
    inInterrupt();
    ring.nvme.sq(ring.intern('nvme0'), ring.intern('nvme0n1'), 1, 0, 0);
    unmap(0xfffc0000, 3);
    expect(operations()).toEqual([
      `alloc fffff+1 ${NVME}`,
      `alloc fffc0+3 ${NVME} two-step`,
      `free fffff+1 ${NVME}`,
      `free fffc0+3 ${NVME} two-step`,
    ]);
  });

  it('I240 still mapped at the end: as long as the run of its links', () => {
    oneStepCommand();
    nvmeCommand();
    map(0xfffc0000, 1);
    map(0xfffc1000, 1);
    expect(operations().at(-1)).toBe(`alloc fffc0+2 ${NVME} two-step`);
  });

  it('belongs to the controller that the flow works for, not to the busiest device', () => {
    for (let i = 0; i < 3; i++) {
      map(0xffffe000, 1);
      ring.dmaMapPhys(disk, 1, 0xffffe000, 4096, PHYS, 0);
    }
    oneStepCommand();
    nvmeCommand();
    map(0xffff0000, 2);
    map(0xffff2000, 2);
    expect(operations().at(-1)).toBe(`alloc ffff0+4 ${NVME} two-step`);
  });
});

it('what an interrupt does in between is not the task’s next step', () => {
  map(0xfffff000, 1);
  inInterrupt();
  unmap(0xffffd000, 1);
  ring.dmaUnmapPhys(nvme, 1, 0xffffd000, 4096, 0);
  inTask(TASK);
  ring.dmaMapPhys(nvme, 1, 0xfffff000, 4096, PHYS, 0);
  expect(operations()).toEqual([`alloc fffff+1 ${NVME}`, `free ffffd+1 ${NVME}`]);
});

it('events that are not mapped by the IOMMU are no requests', () => {
  ring.dmaMapPhys(disk, 1, PHYS, 4096, PHYS, 0);
  ring.dmaFree(disk, 0, PHYS, 4096, 0, 0, EventKind.DMA_FREE);
  expect(operations()).toEqual([]);
});
