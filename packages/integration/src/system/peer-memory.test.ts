import { Bio, BLK_STS_INVAL, BLK_STS_OK, REQ_OP_READ, REQ_OP_WRITE } from '@dmalab/blk-nvme';
import { describe, expect, it } from 'vitest';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import type { RunningMachine } from '../machine/machine.ts';
import type { MachineDescription } from '../machine/machine-description.ts';
import { MACHINES } from '../machine/presets.ts';

const BYTES = 16384;
const PATTERN = Uint8Array.from({ length: BYTES }, (_, i) => (i * 7 + (i >>> 8)) & 0xff);

/** One transfer between the disk's start and an address: its block status. */
function transfer(machine: RunningMachine, opf: number, phys: number): number {
  const bio = new Bio().init(opf, 0);
  bio.addPhys(phys, BYTES);
  let status = -1;
  bio.endIo = (ended) => {
    status = ended.status;
  };
  machine.disk.queue.submitBio(bio);
  machine.advance(1000);
  return status;
}

/** Peer memory to disk, disk to another place in peer memory. */
function roundTrip(change: Partial<MachineDescription>) {
  const machine = bringUp(buildMachine({ ...MACHINES['gpu-peer'], ...change }));
  const [{ memory, phys }] = machine.peers;
  memory.write(0, PATTERN);
  const statuses = [transfer(machine, REQ_OP_WRITE, phys), transfer(machine, REQ_OP_READ, phys + 0x40000)];
  const arrived = new Uint8Array(BYTES);
  memory.read(0x40000, arrived);
  return { statuses, arrived };
}

describe.each(['page', 'phys'] as const)('a disk and a GPU under one switch, %s', (era) => {
  it('T60 without an IOMMU the data pass by bus address', () => {
    expect(roundTrip({ era })).toEqual({ statuses: [BLK_STS_OK, BLK_STS_OK], arrived: PATTERN });
  });

  it('T61 behind an IOMMU ports redirect: refused, unless the CPU forwards', () => {
    const refused = roundTrip({ era, iommu: 'strict' });
    expect(refused).toEqual({ statuses: [BLK_STS_INVAL, BLK_STS_INVAL], arrived: new Uint8Array(BYTES) });
    const forwarded = roundTrip({ era, iommu: 'strict', forwardsPeers: true });
    expect(forwarded).toEqual({ statuses: [BLK_STS_OK, BLK_STS_OK], arrived: PATTERN });
  });
});
