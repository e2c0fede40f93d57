import { Bio, NVME_STATUS_DNR, REQ_OP_READ, Status } from '@dmalab/blk-nvme';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import { EventKind } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import type { RunningMachine } from '../machine/machine.ts';
import { MACHINES } from '../machine/presets.ts';

const FSTS = 0x34;
const FAULT_RECORD = 0x220;
/** A write met an entry without the write bit (spec H26). */
const REASON_WRITE = 5;

function strictMachine(): RunningMachine {
  const machine = bringUp(buildMachine({ ...MACHINES['x86-vtd'], iommu: 'strict' }), { maxRetries: 0 });
  machine.ring.on = true;
  return machine;
}

/** Submits a 4 KiB read of what the disk holds (0x5a) into a page of 0xdb; the controller has not looked at it yet. */
function submitRead(machine: RunningMachine) {
  machine.disk.media.write(0, new Uint8Array(PAGE_SIZE).fill(0x5a), 0, PAGE_SIZE);
  const phys = machine.pages.allocPages(0, 0) * PAGE_SIZE;
  machine.memory.fill(phys, PAGE_SIZE, 0xdb);
  const bio = new Bio().init(REQ_OP_READ, 0);
  bio.addPhys(phys, PAGE_SIZE);
  const ended: number[] = [];
  bio.endIo = ({ status }) => ended.push(status);
  machine.disk.queue.submitBio(bio);
  return { phys, ended };
}

function lastEvent(machine: RunningMachine, kind: EventKind) {
  const { log } = machine.ring.toLog();
  const i = Array.from({ length: log.length }, (_, index) => index).findLast((index) => log.kind(index) === kind);
  if (i === undefined) throw new Error('no such event');
  return { log, i };
}

const bytesAt = ({ memory }: RunningMachine, phys: number): Set<number> => {
  const bytes = new Uint8Array(PAGE_SIZE);
  memory.read(phys, bytes);
  return new Set(bytes);
};

describe('an IOMMU mapping that is killed under an in-flight read', () => {
  it('leaves a fault record, ends the command with 004h without DNR, and moves no byte (H24, H26, N141)', () => {
    const machine = strictMachine();
    const { phys, ended } = submitRead(machine);
    const { log, i } = lastEvent(machine, EventKind.DMA_MAP_PHYS);
    const iova = log.address(i);
    machine.nvme.domain?.unmapRange(iova, PAGE_SIZE);
    machine.advance(1000);

    const unit = machine.iommu?.unit;
    expect(unit?.readRegister(FSTS)).toBe(2); // PPF, record 0
    expect(unit?.readRegister(FAULT_RECORD)).toBe(iova);
    expect(unit?.readRegister(FAULT_RECORD + 8)).toBe(machine.nvme.pciFunction.rid);
    expect(unit?.readRegister(FAULT_RECORD + 12)).toBe((0x80000000 | REASON_WRITE) >>> 0);

    const completion = lastEvent(machine, EventKind.NVME_COMPLETE_RQ);
    expect(completion.log.status(completion.i)).toBe(Status.DATA_XFER_ERROR);
    expect(completion.log.status(completion.i) & NVME_STATUS_DNR).toBe(0);
    expect(ended).toEqual([10]); // BLK_STS_IOERR
    expect(bytesAt(machine, phys)).toEqual(new Set([0xdb]));
  });

  it('is what makes the difference: left alone, the same read moves every byte and faults nowhere', () => {
    const machine = strictMachine();
    const { phys, ended } = submitRead(machine);
    machine.advance(1000);
    expect(machine.iommu?.unit.readRegister(FSTS)).toBe(0);
    expect(ended).toEqual([0]);
    expect(bytesAt(machine, phys)).toEqual(new Set([0x5a]));
  });
});
