import { describe, expect, it } from 'vitest';
import { BLK_STS_OK } from '../../block/bio/block-status.ts';
import { REQ_OP_READ } from '../../block/bio/op.ts';
import { NvmOpcode } from '../../spec/opcodes.ts';
import { Register } from '../../spec/registers.ts';
import { NvmeMachine } from '../../testing/nvme-machine.ts';
import { BUFFER, RawHost } from '../../testing/raw-host.ts';

const B = 0x2000_0000;

describe('interrupts other than MSI-X', () => {
  it.each([
    ['msi', 8, 2, [1, 2]],
    ['msi', 2, 2, [1]],
    ['msi', 1, 1, [0]],
    ['wire', undefined, 2, [0]],
  ] as const)(
    'N56 N62 N64 N134 a driver with %s (%i vectors, %i CPUs) has queues at vectors %j',
    (kind, vectors, cpus, at) => {
      const controller = kind === 'wire' ? { interruptWire: true } : { vectors: vectors ?? 1 };
      const machine = new NvmeMachine({ function: { interrupts: kind }, controller, driver: { cpus } });
      expect(machine.driver.probe()).toBe(0);
      expect(machine.driver.ioPath.queues.map(({ vector }) => vector)).toEqual(at);
      for (let i = 0; i < 70; i++) expect(machine.io(REQ_OP_READ, 8 * i, [[B, 4096]]).status).toBe(BLK_STS_OK);
      expect(machine.fabric.interrupts.spurious).toBe(0);
      expect(machine.driver.reset()).toBe(0);
      expect(machine.io(REQ_OP_READ, 0, [[B, 4096]]).status).toBe(BLK_STS_OK);
      // Everything was taken, so that a wire is let go.
      expect(machine.fabric.wireAsserted(0, machine.fabric.functions()[0].rid)).toBe(false);
    },
  );

  it('N56 a function that cannot interrupt at all is no device', () => {
    const machine = new NvmeMachine({ function: { interrupts: 'wire' }, controller: { interruptWire: true } });
    machine.driver.backing.enableWire = () => false;
    expect(machine.driver.probe()).toBe(-19);
  });
});

describe('the interrupt wire of the controller', () => {
  const READ = { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER };

  function wired(): { host: RawHost; levels: boolean[] } {
    const levels: boolean[] = [];
    const host = new RawHost({ interruptWire: true, vectors: 2 });
    host.port.wire = (isAsserted) => void levels.push(isAsserted);
    host.enable();
    host.createQueuePair(1);
    levels.length = 0;
    return { host, levels };
  }

  it('N134 is pulled while a queue holds entries, and let go by the doorbell that takes the last', () => {
    const { host, levels } = wired();
    for (let i = 0; i < 2; i++) host.submit(1, READ);
    host.settle();
    expect(levels).toEqual([true]);
    host.poll(1);
    expect(levels).toEqual([true]);
    host.poll(1);
    expect(levels).toEqual([true, false]);
  });

  it('N120 N134 INTMS holds it back, and INTMC lets it out again', () => {
    const { host, levels } = wired();
    host.controller.writeRegister(Register.INTMS, 2);
    host.submit(1, READ);
    host.settle();
    expect(levels).toEqual([]);
    host.controller.writeRegister(Register.INTMC, 2);
    expect(levels).toEqual([true]);
    host.controller.writeRegister(Register.INTMS, 2);
    expect(levels).toEqual([true, false]);
  });

  it('N122 is let go by a reset', () => {
    const { host, levels } = wired();
    host.submit(1, READ);
    host.settle();
    host.controller.writeRegister(Register.CC, 0);
    expect(levels).toEqual([true, false]);
  });

  it('N120 INTMS holds a message back until it is cleared', () => {
    const host = new RawHost();
    host.enable();
    host.createQueuePair(1);
    host.controller.writeRegister(Register.INTMS, 2);
    host.port.interrupts.length = 0;
    host.submit(1, READ);
    host.settle();
    expect(host.port.interrupts).toEqual([]);
    host.controller.writeRegister(Register.INTMC, 2);
    host.settle();
    expect(host.port.interrupts).toEqual([1]);
  });
});
