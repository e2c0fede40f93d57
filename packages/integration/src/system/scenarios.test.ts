import { Bio, BLK_STS_OK, REQ_OP_READ } from '@dmalab/blk-nvme';
import { DMA_FROM_DEVICE, dmaMapPhys, dmaUnmapPhys } from '@dmalab/dma-api';
import { FAULT_TRANSLATION } from '@dmalab/pci-p2p';
import { PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import { IO_TLB_SIZE } from '@dmalab/swiotlb';
import { renderBody } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import type { RunningMachine } from '../machine/machine.ts';
import type { MachineDescription } from '../machine/machine-description.ts';
import { MACHINES } from '../machine/presets.ts';
import { parseFioJobs } from '../workload/fio-parser.ts';
import { WorkloadRunner } from '../workload/workload-runner.ts';

const jobs = parseFioJobs('[mixed]\nrw=randrw\nbssplit=4k/60:64k/40\nsize=2m\nio_size=512k\niodepth=8\n', 'mixed.fio');
const everyMachine = Object.values(MACHINES);
const start = (description: MachineDescription): RunningMachine => bringUp(buildMachine(description));

function verifiedBytes(machine: RunningMachine, workload = jobs): number {
  const runner = new WorkloadRunner(machine, workload);
  while (runner.round());
  return runner.finish().bytesVerified;
}

/** All that a workload left in the recorder, as the kernel would print it. */
function traceOf(description: MachineDescription): string[] {
  const machine = start(description);
  machine.ring.on = true;
  verifiedBytes(machine);
  const { log } = machine.ring.toLog();
  return Array.from({ length: log.length }, (_, i) => `${log.name(i)}: ${renderBody(log, i)}`);
}

describe.each(everyMachine)('$name', (description) => {
  it('does the same twice, address by address', () => {
    const first = traceOf(description);
    expect(first.length).toBeGreaterThan(200);
    expect(traceOf(description)).toEqual(first);
  });

  it('N97 goes on after a controller reset, with its bounce slots back', () => {
    const machine = start(description);
    const before = verifiedBytes(machine);
    expect(machine.driver.reset()).toBe(0);
    expect(verifiedBytes(machine)).toBe(before);
    expect(machine.swiotlb?.used ?? 0).toBe(0);
  });

  it('serves all of its disks side by side', () => {
    const machine = start(description);
    const reads = machine.drivers.map((driver, i) => {
      const phys = machine.pages.allocPages(0, 0) * PAGE_SIZE;
      machine.disks[i].controller.namespace(1)?.media.write(0, new Uint8Array(PAGE_SIZE).fill(0x50 + i), 0, PAGE_SIZE);
      const bio = new Bio().init(REQ_OP_READ, 0);
      bio.addPhys(phys, PAGE_SIZE);
      driver.disk(1)?.queue.submitBio(bio);
      return { bio, phys };
    });
    machine.advance(1000);
    for (const [i, { bio, phys }] of reads.entries()) {
      expect(bio.status).toBe(BLK_STS_OK);
      expect([machine.cpu.load8(phys), machine.cpu.load8(phys + PAGE_SIZE - 1)]).toEqual([0x50 + i, 0x50 + i]);
    }
  });
});

describe('a device that writes after its buffer was unmapped', () => {
  /** The late write's fault and whether the page changed; the IOTLB knows the page from the write before. */
  function lateWrite(name: string, waitNanos: number) {
    const machine = start(MACHINES[name]);
    const { device, pciFunction } = machine.nvme;
    const phys = (machine.pages.allocPages(0, 0) * PAGE_SIZE) as PhysAddr;
    const address = dmaMapPhys(device, phys, PAGE_SIZE, DMA_FROM_DEVICE);
    expect(pciFunction.port.write(address, Uint8Array.of(1))).toBe(0);
    dmaUnmapPhys(device, address, PAGE_SIZE, DMA_FROM_DEVICE);
    if (waitNanos > 0) machine.advance(waitNanos);
    const fault = pciFunction.port.write(address, Uint8Array.of(2));
    return { fault, byte: machine.memory.load8(phys) };
  }

  it.each([
    ['x86-direct', 0, { fault: 0, byte: 2 }],
    ['x86-vtd-pt', 0, { fault: 0, byte: 2 }],
    ['x86-vtd', 0, { fault: 0, byte: 2 }], // I93: lazy invalidation leaves the translation in the IOTLB
    ['x86-vtd', 20_000_000, { fault: FAULT_TRANSLATION, byte: 1 }], // I102: until the flush timer ran
    ['x86-vtd-strict', 0, { fault: FAULT_TRANSLATION, byte: 1 }],
    ['x86-swiotlb', 0, { fault: 0, byte: 1 }], // S55: it hits the pool, not the buffer
  ] as const)('%s, %d ns later: %o', (name, waitNanos, expected) => {
    expect(lateWrite(name, waitNanos)).toEqual(expected);
  });
});

describe('a bounce pool that is too small for the queue depth', () => {
  it('N43 puts requests back until slots come free, and loses nothing', () => {
    const machine = start({ ...MACHINES['x86-swiotlb'], commandLine: 'swiotlb=512,force' });
    const deep = parseFioJobs('[a]\nrw=randrw\nbs=128k\nsize=8m\niodepth=32\n', 'a.fio');
    expect((machine.swiotlb?.nslabs ?? 0) * IO_TLB_SIZE).toBeLessThan((32 * 128 * 1024) / 2);
    expect(verifiedBytes(machine, deep)).toBeGreaterThan(2_000_000);
    expect(machine.swiotlb?.used).toBe(0);
  });
});

describe('what a confidential guest keeps to itself', () => {
  it('P66 its devices find ciphertext in private pages, and plain data in the pool alone', () => {
    const machine = start(MACHINES['sev-guest']);
    const phys = machine.pages.allocPages(0, 0) * PAGE_SIZE;
    machine.memory.fill(phys, PAGE_SIZE, 0x5a);
    const seen = new Uint8Array(PAGE_SIZE);
    expect(machine.nvme.pciFunction.port.read(phys, seen)).toBe(0);
    expect(seen.filter((byte) => byte === 0x5a).length).toBeLessThan(PAGE_SIZE / 16);
    expect(verifiedBytes(machine)).toBeGreaterThan(0);
  });
});
