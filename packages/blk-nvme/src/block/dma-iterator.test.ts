import { DmaIovaState, dmaFront, dmaSetMask, dmaSetMaskAndCoherent, dmaUseIova } from '@dmalab/dma-api';
import { describe, expect, it } from 'vitest';
import { type DmaMode, NvmeMachine } from '../testing/nvme-machine.ts';
import { Bio } from './bio/bio.ts';
import { BLK_STS_OK, BLK_STS_RESOURCE } from './bio/block-status.ts';
import { REQ_OP_READ } from './bio/op.ts';
import { BlkDmaIterator, blkDmaUnmap } from './dma-iterator.ts';
import { ffs } from './limits/gap.ts';
import { emptyLimits, type QueueLimits, validateLimits } from './limits/queue-limits.ts';
import { Request } from './queue/request.ts';
import type { RequestQueue } from './queue/request-queue.ts';

const FROM_DEVICE = 2;
const B = 0x2000_0000;
type Vectors = readonly (readonly [phys: number, lengthBytes: number])[];

/** A request over bios of these vectors, on a queue that is nothing but its limits. */
function requestOf(bios: readonly Vectors[], wanted: Partial<QueueLimits> = {}, gaps = 0): Request<null> {
  const limits = { ...emptyLimits(), maxHwSectors: 1024, maxSegmentSize: 0xffffffff, dmaAlignment: 3, ...wanted };
  expect(validateLimits(limits)).toBe(0);
  const chain = bios.map((vectors) => {
    const bio = new Bio().init(REQ_OP_READ, 0);
    for (const [phys, bytes] of vectors) bio.addPhys(phys, bytes);
    return bio;
  });
  for (const [i, bio] of chain.entries()) bio.next = chain[i + 1] ?? null;
  const request = new Request<null>(null);
  request.fromBio({ limits } as unknown as RequestQueue<null>, chain[0], bios.flat().length);
  request.bytes = chain.reduce((sum, bio) => sum + bio.bytes, 0);
  request.gapBit = ffs(gaps);
  return request;
}

function machineOf(mode: DmaMode): NvmeMachine {
  const machine = new NvmeMachine({ mode });
  dmaSetMaskAndCoherent(machine.device, 2 ** 52 - 1);
  machine.ring.on = true;
  return machine;
}

/** Every vector that a walk yields: address and length. */
function walk(machine: NvmeMachine, request: Request<null>, state = new DmaIovaState()) {
  const iter = new BlkDmaIterator(dmaFront(machine.context));
  const seen: number[][] = [];
  if (!iter.start(request, machine.device, state, FROM_DEVICE, false)) return { seen, status: iter.status };
  seen.push([iter.addr, iter.lengthBytes]);
  if (!dmaUseIova(state)) while (iter.next(machine.device, FROM_DEVICE)) seen.push([iter.addr, iter.lengthBytes]);
  return { seen, status: iter.status };
}

const names = (machine: NvmeMachine) => machine.events().map((line) => line.slice(0, line.indexOf(':')));

describe('the DMA iterator', () => {
  it('N40 absorbs neighbours across bios, N3 so that there are fewer DMA vectors than segments', () => {
    const request = requestOf([
      [
        [B, 4096],
        [B + 4096, 4096],
      ],
      [
        [B + 8192, 4096],
        [B + 0x10000, 4096],
      ],
    ]);
    expect(request.nrPhysSegments).toBe(4);
    expect(walk(machineOf('direct'), request).seen).toEqual([
      [B, 12288],
      [B + 0x10000, 4096],
    ]);
  });

  it('N40 clips a vector at the segment limit and absorbs nothing past it', () => {
    const request = requestOf(
      [
        [
          [B, 12288],
          [B + 12288, 4096],
          [B + 16384, 4096],
        ],
      ],
      { maxSegmentSize: 8192 },
    );
    expect(walk(machineOf('direct'), request).seen).toEqual([
      [B, 8192],
      [B + 8192, 8192],
      [B + 16384, 4096],
    ]);
  });

  const apart: Vectors = [
    [B + 0x200, 4096 - 0x200],
    [B + 8192, 4096],
    [B + 16384, 100 * 4],
  ];

  it('N41 N42 puts vectors side by side where only start and end are unaligned: one map a vector, one range', () => {
    const machine = machineOf('vtd');
    const state = new DmaIovaState();
    const { seen } = walk(machine, requestOf([apart], {}, 0x1000), state);
    expect(seen).toHaveLength(1);
    expect([seen[0][0] % 4096, seen[0][1]]).toEqual([0x200, 8192 - 0x200 + 400]);
    expect(names(machine)).toEqual(['map', 'map', 'map']);
    expect(dmaUseIova(state)).toBe(true);
  });

  it.each([
    ['direct', 0x1000, 'no IOMMU merges'],
    ['vtd', 0x200, 'an inner boundary is unaligned'],
  ] as const)('N41 N43 maps each vector by itself, %s with gap %i: %s', (mode, gap, _why) => {
    const machine = machineOf(mode);
    expect(walk(machine, requestOf([apart], {}, gap)).seen).toHaveLength(3);
    expect(names(machine).filter((name) => name === 'dma_map_phys')).toHaveLength(3);
  });

  it('N43 asks for a retry when a vector cannot be mapped', () => {
    const machine = machineOf('direct');
    dmaSetMask(machine.device, 2 ** 24 - 1);
    expect(walk(machine, requestOf([[[B, 4096]]])).status).toBe(BLK_STS_RESOURCE);
  });

  it('N44 keeps the class of the first page for all of the request', () => {
    const machine = machineOf('direct');
    let asked = 0;
    machine.context.p2p = {
      providerOf: () => {
        asked++;
        return null;
      },
      mapType: () => 0,
    };
    const { seen, status } = walk(machine, requestOf([apart]));
    expect([seen.length, status]).toEqual([3, BLK_STS_OK]);
    const first = asked;
    walk(machine, requestOf([[[B, 4096]]]));
    expect(asked - first).toBeLessThanOrEqual(first);
  });

  it('N45 leaves single vectors to the driver behind an IOMMU, none where no unmap is needed, and frees a range', () => {
    const state = new DmaIovaState();
    const done = (mode: DmaMode) => blkDmaUnmap(machineOf(mode).device, state, 4096, FROM_DEVICE, 0);
    expect([done('direct'), done('vtd')]).toEqual([true, false]);
    const machine = machineOf('vtd');
    const request = requestOf([apart], {}, 0x1000);
    walk(machine, request, state);
    expect(blkDmaUnmap(machine.device, state, request.bytes, FROM_DEVICE, 0)).toBe(true);
    expect(names(machine)).toEqual(['map', 'map', 'map', 'unmap']);
  });
});
