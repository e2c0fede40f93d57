import {
  Bio,
  blkStatusToErrno,
  Cdw0,
  get,
  type NvmeIod,
  PSDT_PRP,
  SGL_DESCRIPTOR_BYTES,
  SglType,
  SglWord3,
  SqeWord,
} from '@dmalab/blk-nvme';
import { EventKind, type TraceLog } from '@dmalab/trace';
import type { RunningMachine } from '../machine/machine.ts';
import type { StoryRequest } from './story.ts';

/** Longer than any command takes that nobody lets down. */
const PATIENCE_NANOS = 1_000_000;
const PRP_ENTRY_BYTES = 4096;

/** A transfer between the start of the disk and these pieces of memory. */
export interface WatchedTransfer {
  readonly what: string;
  readonly opf: number;
  readonly pieces: readonly (readonly [phys: number, lengthBytes: number])[];
}

/** Submits one transfer, looks at the command while it is in the queue, lets the device work, and counts what happened. */
export function watchRequest(
  machine: RunningMachine,
  { what, opf, pieces }: WatchedTransfer,
): Omit<StoryRequest, 'arrivedBytes'> {
  const { ring, dma, iommu, kernel } = machine;
  const bio = new Bio().init(opf, 0);
  for (const [phys, lengthBytes] of pieces) bio.addPhys(phys, lengthBytes);
  const bytes = pieces.reduce((sum, [, lengthBytes]) => sum + lengthBytes, 0);
  const linesBefore = dma.log.records.length;
  ring.clear();
  ring.on = true;
  machine.disk.queue.submitBio(bio);
  const data = describeData(machine, commandInQueue(machine), bytes);
  machine.advance(PATIENCE_NANOS);
  ring.on = false;
  const { log } = ring.toLog();
  return {
    what,
    bytes,
    ...data,
    // A descriptor pool that grows maps a page of its own.
    iommuMaps: Math.max(0, count(log, EventKind.MAP) - count(log, EventKind.DMA_ALLOC)),
    iommuUnmaps: count(log, EventKind.UNMAP),
    iommuFaults: iommu?.driver.handleFaultEvent(kernel.nowNanos).length ?? 0,
    nvmeStatus: statusOf(log),
    errno: blkStatusToErrno(bio.status),
    log: dma.log.records.slice(linesBefore).map(({ text }) => text),
  };
}

/** The driver's part of the only request that the device has not answered. */
function commandInQueue({ driver }: RunningMachine): NvmeIod {
  const contexts = driver.ioPath.tagSet?.contexts ?? [];
  const request = contexts.flatMap(({ inFlight }) => inFlight).find((one) => one !== null);
  if (request === undefined || request === null) throw new Error('the request is not in the queue');
  return request.data;
}

function describeData({ memory }: RunningMachine, iod: NvmeIod, bytes: number) {
  const { command, iovaState } = iod;
  const heldRange = iovaState.size === 0 ? null : { iova: `0x${iovaState.addr.toString(16)}`, bytes: iovaState.size };
  if (get(command[SqeWord.CDW0], Cdw0.PSDT) === PSDT_PRP) {
    const entries = Math.ceil(bytes / PRP_ENTRY_BYTES);
    return { heldRange, descriptor: `${entries} PRP entries`, describedBytes: bytes };
  }
  const length = command[SqeWord.DPTR + 2];
  if (get(command[SqeWord.DPTR + 3], SglWord3.TYPE) === SglType.DATA) {
    return { heldRange, descriptor: `SGL, 1 data block`, describedBytes: length };
  }
  const blocks = length / SGL_DESCRIPTOR_BYTES;
  let describedBytes = 0;
  for (let i = 0; i < blocks; i++) {
    describedBytes += memory.load32(iod.descriptorPhys[0] + i * SGL_DESCRIPTOR_BYTES + 8);
  }
  return { heldRange, descriptor: `SGL, ${blocks} data blocks`, describedBytes };
}

function count(log: TraceLog, kind: EventKind): number {
  let found = 0;
  for (let i = 0; i < log.length; i++) if (log.kind(i) === kind) found++;
  return found;
}

function statusOf(log: TraceLog): string {
  for (let i = log.length - 1; i >= 0; i--) {
    if (log.kind(i) === EventKind.NVME_COMPLETE_RQ) return `0x${log.status(i).toString(16)}`;
  }
  return 'none';
}
