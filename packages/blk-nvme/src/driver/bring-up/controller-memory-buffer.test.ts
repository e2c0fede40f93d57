import { p2pmemSysfs, pciAllocP2pmem } from '@dmalab/pci-p2p';
import { describe, expect, it } from 'vitest';
import { BLK_STS_OK } from '../../block/bio/block-status.ts';
import { REQ_OP_READ, REQ_OP_WRITE } from '../../block/bio/op.ts';
import { Register } from '../../spec/registers.ts';
import { NvmeMachine, type NvmeMachineOptions } from '../../testing/nvme-machine.ts';
import { CmbQueueMemory } from '../queues/cmb-queue-memory.ts';

const MIB = 2 ** 20;
const B = 0x2000_0000;

function machineWith(cmbBytes: number, options: NvmeMachineOptions = {}): NvmeMachine {
  return new NvmeMachine({ traced: true, ...options, controller: { cmbBytes, ...options.controller } });
}

const inCmb = ({ driver }: NvmeMachine) => driver.ioPath.queues.map(({ sq }) => sq instanceof CmbQueueMemory);
const state = (machine: NvmeMachine) => p2pmemSysfs(machine.p2pdma, machine.fabric.functions()[0]);

describe('controller memory buffer', () => {
  it('N65 N56 asks for the buffer, registers and publishes it, and puts the submission queue there', () => {
    const machine = machineWith(16 * MIB);
    const writes: number[] = [];
    const { backing } = machine.driver;
    const write = backing.writeRegister.bind(backing);
    backing.writeRegister = (offset, value) => {
      if (offset === Register.CMBMSC || offset === Register.CMBMSC + 4) writes.push(offset, value);
      write(offset, value);
    };
    expect(machine.driver.probe()).toBe(0);
    const bar = machine.fabric.functions()[0].barBusAddress(2);
    expect(writes).toEqual([0x54, 0, 0x50, 1, 0x54, Math.floor(bar / 2 ** 32), 0x50, (bar >>> 0) + 3]);
    expect(state(machine)).toEqual({ size: '16777216\n', available: '16711680\n', published: '1\n' });
    expect(inCmb(machine)).toEqual([true]);
    expect(machine.driver.ioPath.queues[0].sq.dmaAddr).toBe(bar);
    expect(machine.events().some((line) => /^dma_alloc: .*size=65536 /.test(line))).toBe(false);
    expect(machine.driver.cmb.sysfs()).toBe('cmbloc : 0x00000062\ncmbsz  : 0x0001021d\n');
  });

  it.each(['direct', 'vtd'] as const)('N65 commands in the buffer work, also after a reset (%s)', (mode) => {
    const machine = machineWith(16 * MIB, { mode });
    expect(machine.driver.probe()).toBe(0);
    machine.memory.fill(B, 8192, 0x5a);
    expect(machine.io(REQ_OP_WRITE, 0, [[B, 8192]]).status).toBe(BLK_STS_OK);
    expect(machine.driver.reset()).toBe(0);
    for (let i = 0; i < 40; i++)
      expect(machine.io(REQ_OP_READ, 0, [[B + 8192 * (i + 1), 8192]]).status).toBe(BLK_STS_OK);
    expect(machine.memory.load8(B + 8192 * 40 + 8191)).toBe(0x5a);
    expect(inCmb(machine)).toEqual([true]);
  });

  it('N65 N144 data in the buffer goes by bus address, around the IOMMU', () => {
    const machine = machineWith(16 * MIB, { mode: 'vtd' });
    machine.driver.probe();
    const fn = machine.fabric.functions()[0];
    const peer = pciAllocP2pmem(machine.p2pdma, fn, 4096);
    machine.controller.cmb.bytes.fill(0x33, peer - fn.barCpuAddress(2), peer - fn.barCpuAddress(2) + 4096);
    const maps = machine.events().filter((line) => line.startsWith('map:')).length;
    expect(machine.io(REQ_OP_WRITE, 8, [[peer, 4096]]).status).toBe(BLK_STS_OK);
    expect(machine.events().filter((line) => line.startsWith('map:'))).toHaveLength(maps);
    expect(machine.io(REQ_OP_READ, 8, [[B, 4096]]).status).toBe(BLK_STS_OK);
    expect(machine.memory.load32(B)).toBe(0x3333_3333);
  });

  it.each([
    ['as asked while all fit', 16 * MIB, 2, 1023, [1023, 1023]],
    ['what a share of the buffer holds when they do not', 2 * MIB, 40, 1024, [768, 768]],
  ])('N65 queues are as deep %s', (_what, cmbBytes, cpus, ioQueueDepth, [depth, entries]) => {
    const machine = machineWith(cmbBytes, { driver: { cpus, parameters: { ioQueueDepth } } });
    expect(machine.driver.probe()).toBe(0);
    expect(machine.driver.ioQueues.depth).toBe(depth);
    expect(machine.driver.ioPath.queues.map((queue) => queue.depth)).toEqual(new Array(cpus).fill(entries));
    expect(inCmb(machine)).toEqual(new Array(cpus).fill(true));
  });

  it('N65 a share below 64 entries is given up: the queues lie in memory', () => {
    const { driver } = machineWith(2 * MIB);
    driver.probe();
    expect([driver.cmb.queueDepth(512, 1024), driver.cmb.queueDepth(513, 1024)]).toEqual([64, 0]);
  });

  it.each([
    ['does not want it', 16 * MIB, { driver: { parameters: { useCmbSqes: false } } }, '16777216\n'],
    ['finds a size that is no multiple of 2 MiB', MIB, {}, undefined],
  ])('N65 a driver that %s keeps its queues in memory', (_what, cmbBytes, options, size) => {
    const machine = machineWith(cmbBytes, options);
    expect(machine.driver.probe()).toBe(0);
    expect([inCmb(machine), state(machine)?.size]).toEqual([[false], size]);
  });

  it('N65 takes the buffer back from the controller when it cannot be registered', () => {
    const machine = machineWith(16 * MIB);
    machine.fabric.functions()[0].nonMappableBars = true;
    expect(machine.driver.probe()).toBe(0);
    expect(machine.controller.readRegister(Register.CMBMSC)).toBe(0);
    expect([inCmb(machine), machine.driver.cmb.sysfs()]).toEqual([[false], '']);
  });

  it('N98 N65 removal gives the memory back', () => {
    const machine = machineWith(16 * MIB);
    machine.driver.probe();
    machine.driver.remove();
    expect(state(machine)).toBeNull();
  });
});
