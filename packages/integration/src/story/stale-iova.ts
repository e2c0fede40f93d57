import { REQ_OP_READ, REQ_OP_WRITE } from '@dmalab/blk-nvme';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import type { RunningMachine } from '../machine/machine.ts';
import type { IommuPolicy, MachineDescription } from '../machine/machine-description.ts';
import type { PeerPart } from '../machine/parts/peer-part.ts';
import { MACHINES } from '../machine/presets.ts';
import type { Story, StoryRequest, StoryRun } from './story.ts';
import { type WatchedTransfer, watchRequest } from './watched-request.ts';

export const STALE_IOVA_TITLE = 'A peer-to-peer write that fails because of the read before it';

const KIB = 1024;
/** As in the report: enough for the next request to get an object that served one of them (spec T95). */
const READS = 201;
const READ_PAGES = 32;
const PATTERN_STEP = 7;
const PATTERN_BYTES = 256 * KIB;

const PLOT = [
  'A disk is told to write memory of a GPU beside it under one switch. The block layer finds that the two can talk by bus address, so nothing is mapped and no IOVA is needed.',
  'The NVMe driver asks its request object whether the data became one range of IOVAs. Linux 7.3 returns from the bus-address path before it clears what the object holds (block/blk-mq-dma.c, blk_dma_map_iter_start), so an object that served an ordinary read behind an IOMMU still says yes.',
  'The driver then takes the whole request for one range: from 32 KiB on it chooses an SGL, and puts only the first piece into it. The command says 64 KiB, its descriptor names 32 KiB, and the disk refuses it: SGL data length invalid.',
  'The IOMMU sees nothing wrong, no mapping leaks, and the same write worked before: it depends on what the request object did last.',
];

interface Setting {
  readonly setting: string;
  readonly iommu: IommuPolicy;
  readonly staleIovaState: boolean;
}

const SETTINGS: readonly Setting[] = [
  { setting: 'Linux 7.3, IOMMU on', iommu: 'strict', staleIovaState: true },
  { setting: 'state cleared, IOMMU on', iommu: 'strict', staleIovaState: false },
  { setting: 'Linux 7.3, IOMMU off', iommu: 'off', staleIovaState: true },
];

/**
 * The kernel defect of spec N181 and T95, run: a peer-to-peer write that fails because of what its request object did
 * before. Deterministic.
 */
export function staleIovaStory(): Story {
  const runs = SETTINGS.map(runSetting);
  return {
    title: STALE_IOVA_TITLE,
    plot: PLOT,
    machine: staleIovaMachine('strict'),
    runs,
    findings: findings(runs),
  };
}

/** The machine on which the story plays: where the switch's ports don't redirect, peers talk by bus address (spec T46). */
function staleIovaMachine(iommu: IommuPolicy): MachineDescription {
  return {
    ...MACHINES['gpu-peer'],
    name: 'a disk and a GPU under one switch',
    iommu,
    commandLine: 'pci=disable_acs_redir=02:00.0;02:01.0',
  };
}

function runSetting({ setting, iommu, staleIovaState }: Setting): StoryRun {
  const machine = bringUp(buildMachine(staleIovaMachine(iommu)), { staleIovaState, maxRetries: 0 });
  const [peer] = machine.peers;
  peer.memory.write(
    0,
    Uint8Array.from({ length: PATTERN_BYTES }, (_, i) => 1 + ((i * PATTERN_STEP + (i >>> 8)) % 255)),
  );
  const at = (offset: number, lengthBytes: number) => [peer.phys + offset, lengthBytes] as const;
  const apart = [at(64 * KIB, 32 * KIB), at(192 * KIB, 32 * KIB)];
  const write = (what: string, pieces: WatchedTransfer['pieces']) =>
    watchPeerWrite(machine, { what, opf: REQ_OP_WRITE, pieces });
  const fresh = write('64 KiB of peer memory in two pieces, objects unused', apart);
  const read = { what: `one of ${READS} reads of 128 KiB into RAM`, opf: REQ_OP_READ, pieces: scatteredPages(machine) };
  for (let i = 1; i < READS; i++) watchRequest(machine, read);
  const requests = [
    fresh,
    watchRead(machine, read),
    write('64 KiB of peer memory in two pieces, again', apart),
    write('16 KiB of peer memory in two pieces', [at(64 * KIB, 8 * KIB), at(192 * KIB, 8 * KIB)]),
    write('64 KiB of peer memory in one piece', [at(64 * KIB, 64 * KIB)]),
  ];
  machine.remove();
  return { setting, requests };
}

/** A write from peer memory to the start of the disk, which held nothing of it before. */
function watchPeerWrite(machine: RunningMachine, transfer: WatchedTransfer): StoryRequest {
  const { media } = machine.disk;
  const [peer] = machine.peers;
  const sent = transfer.pieces.flatMap(([phys, lengthBytes]) => [...bytesOf(peer, phys - peer.phys, lengthBytes)]);
  const disk = Uint8Array.from(sent, (byte) => ~byte);
  media.write(0, disk, 0, disk.length);
  const request = watchRequest(machine, transfer);
  media.read(0, disk, 0, disk.length);
  return { ...request, arrivedBytes: disk.filter((byte, i) => byte === sent[i]).length };
}

/** A read from the start of the disk, which holds a pattern, into memory that held nothing of it. */
function watchRead(machine: RunningMachine, transfer: WatchedTransfer): StoryRequest {
  const { memory, peers, disk } = machine;
  const sent = bytesOf(peers[0], 0, transfer.pieces.length * PAGE_SIZE);
  disk.media.write(0, sent, 0, sent.length);
  for (const [phys, lengthBytes] of transfer.pieces) memory.fill(phys, lengthBytes, 0);
  const request = watchRequest(machine, transfer);
  const arrived = new Uint8Array(sent.length);
  for (const [i, [phys]] of transfer.pieces.entries()) memory.read(phys, arrived, i * PAGE_SIZE, PAGE_SIZE);
  return { ...request, arrivedBytes: arrived.filter((byte, i) => byte === sent[i]).length };
}

function bytesOf({ memory }: PeerPart, offset: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  memory.read(offset, bytes);
  return bytes;
}

/** No two of them side by side, so that they stay 32 segments; page by page they fit one range of IOVAs (spec N41). */
function scatteredPages({ pages }: RunningMachine): WatchedTransfer['pieces'] {
  const run = Array.from({ length: 2 * READ_PAGES }, () => pages.allocPages(0, 0) * PAGE_SIZE);
  return run.filter((_, i) => i % 2 === 0).map((phys) => [phys, PAGE_SIZE] as const);
}

function findings([broken, cleared, direct]: readonly StoryRun[]): string[] {
  const [, , again, small, whole] = broken.requests;
  const { bytes, describedBytes, nvmeStatus, errno, arrivedBytes, heldRange, iommuFaults, iommuMaps } = again;
  const [unbroken, unmapped] = [cleared, direct].map(({ requests }) => requests[2]);
  return [
    `The command moves ${bytes} bytes and describes ${describedBytes}; status ${nvmeStatus}, errno ${errno}, and ${arrivedBytes} bytes arrive.`,
    heldRange === null
      ? 'Its request object holds no range of IOVAs.'
      : `Its request object still holds ${heldRange.bytes} bytes at IOVA ${heldRange.iova}, which the read before it used and gave back.`,
    `IOMMU faults: ${iommuFaults}. Mappings made for it: ${iommuMaps}. Only the status and the kernel's log tell of it.`,
    `With the state cleared ${unbroken.arrivedBytes} bytes arrive, without an IOMMU ${unmapped.arrivedBytes}: there no read leaves a range behind.`,
    `Even on the broken kernel ${small.arrivedBytes} of ${small.bytes} bytes arrive when the request is below 32 KiB, and ${whole.arrivedBytes} of ${whole.bytes} when it is one piece.`,
  ];
}
