import { describe, expect, it } from 'vitest';
import { AdminOpcode, NvmOpcode } from '../../spec/opcodes.ts';
import { Register } from '../../spec/registers.ts';
import { BUFFER, RawHost } from '../../testing/raw-host.ts';

function ready(options = {}): RawHost {
  const host = new RawHost(options);
  host.enable();
  host.createQueuePair(1);
  return host;
}

const FLUSH = { opcode: NvmOpcode.FLUSH, nsid: 1 };

describe('registers and queues', () => {
  it('N120 reads both interrupt mask registers alike, and 0 where nothing is', () => {
    const { controller } = new RawHost();
    controller.writeRegister(Register.INTMS, 0b1011);
    controller.writeRegister(Register.INTMC, 0b0010);
    expect([controller.readRegister(Register.INTMS), controller.readRegister(Register.INTMC)]).toEqual([9, 9]);
    expect([0x41, 0x48, 0x60, 0xe00, 0x1000].map((offset) => controller.readRegister(offset))).toEqual([0, 0, 0, 0, 0]);
  });

  it('N122 loses queues and features at a reset, and keeps the admin queue addresses', () => {
    const host = ready();
    host.run(0, { opcode: AdminOpcode.SET_FEATURES, cdw10: 6, cdw11: 0 });
    const asq = host.controller.readRegister(Register.ASQ);
    host.controller.writeRegister(Register.CC, 0);
    expect(host.controller.readRegister(Register.CSTS)).toBe(0);
    expect(host.controller.readRegister(Register.ASQ)).toBe(asq);
    host.enable();
    expect(host.run(0, { opcode: AdminOpcode.GET_FEATURES, cdw10: 6 }).dw0).toBe(1);
    host.createQueuePair(1);
    expect(host.run(1, FLUSH).status).toBe(0);
  });

  it('N123 completes a shutdown with EN kept', () => {
    const host = ready();
    host.controller.writeRegister(Register.CC, 0x00464001);
    expect(host.controller.readRegister(Register.CSTS)).toBe(0b1001);
  });

  it('N124 forgets the admin queue addresses at a function reset', () => {
    const host = ready();
    host.controller.reset();
    expect([Register.AQA, Register.ASQ, Register.CC].map((r) => host.controller.readRegister(r))).toEqual([0, 0, 0]);
  });

  it.each([
    ['a queue that does not exist', 0x1010, 1, 0x010000],
    ['a tail past the ring', 0x1008, 64, 0x010100],
    ['a head past what was posted', 0x100c, 5, 0x010100],
  ])('N131 ignores a doorbell of %s and reports it', (_what, offset, value, event) => {
    const host = ready();
    host.submit(0, { opcode: AdminOpcode.ASYNC_EVENT });
    host.controller.writeRegister(offset, value);
    host.settle();
    expect(host.poll(0)?.dw0).toBe(event);
    expect(host.run(1, FLUSH).status).toBe(0);
  });

  it('N150 reports one event of a type until its log page is read', () => {
    const host = ready();
    for (let i = 0; i < 2; i++) host.submit(0, { opcode: AdminOpcode.ASYNC_EVENT });
    host.controller.writeRegister(0x1008, 64);
    host.settle();
    expect(host.poll(0)?.dw0).toBe(0x010100);
    host.controller.writeRegister(0x1010, 1);
    host.settle();
    expect(host.poll(0)).toBeUndefined();
    expect(host.run(0, { opcode: AdminOpcode.GET_LOG_PAGE, prp1: BUFFER, cdw10: 0x000f_0001 }).status).toBe(0);
    host.settle();
    expect(host.poll(0)?.dw0).toBe(0x010000);
  });

  it('N132 toggles the phase at each wrap and reports the submission head', () => {
    const host = new RawHost();
    host.enable();
    host.createQueuePair(1, 4);
    const seen = Array.from({ length: 9 }, () => host.run(1, FLUSH)).map(({ phase, sqHead }) => [phase, sqHead]);
    expect(seen).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 0],
      [0, 1],
      [0, 2],
      [0, 3],
      [0, 0],
      [1, 1],
    ]);
  });

  it('N133 serves the queues in turn', () => {
    const host = ready();
    host.createQueuePair(2);
    host.run(0, { opcode: AdminOpcode.SET_FEATURES, cdw10: 1, cdw11: 0 });
    const order: number[] = [];
    for (let i = 0; i < 3; i++) for (const qid of [1, 2]) host.submit(qid, FLUSH);
    host.port.onRequest = (at, isWrite) => {
      if (!isWrite) order.push(at >= host.sqAddress(2) ? 2 : 1);
    };
    host.settle();
    expect(order).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it('N134 holds interrupts back until enough entries or enough time came together', () => {
    const host = ready();
    host.run(0, { opcode: AdminOpcode.SET_FEATURES, cdw10: 8, cdw11: 0x0a02 });
    host.port.interrupts.length = 0;
    host.submit(1, FLUSH);
    host.settle();
    expect(host.port.interrupts).toEqual([]);
    host.controller.advance(1_000_000);
    host.settle();
    expect(host.port.interrupts).toEqual([1]);
    for (let i = 0; i < 3; i++) host.submit(1, FLUSH);
    host.settle();
    expect(host.port.interrupts).toEqual([1, 1]);
  });

  it('N135 finds commands by the shadow tail alone, and publishes how far it looked', () => {
    const host = ready();
    const [shadow, indexes] = [BUFFER, BUFFER + 4096];
    expect(host.run(0, { opcode: AdminOpcode.DBBUF, prp1: shadow, prp2: indexes }).status).toBe(0);
    host.memory.store32(host.sqAddress(1) + 4, 1);
    host.memory.store32(shadow + 8, 1);
    host.settle();
    expect(host.poll(1)?.status).toBe(0);
    expect(host.memory.load32(indexes + 8)).toBe(1);
  });

  it('N152 and N152a fill Identify as the tables say', () => {
    const host = ready();
    host.run(0, { opcode: AdminOpcode.IDENTIFY, prp1: BUFFER, cdw10: 1 });
    const u = (at: number) => host.memory.load32(BUFFER + at);
    expect([u(0), u(0x200) & 0xffff, u(0x218), u(0x50)]).toEqual([0x1af41b36, 0x4466, 0x80001, 0x10400]);
    host.run(0, { opcode: AdminOpcode.IDENTIFY, nsid: 1, prp1: BUFFER, cdw10: 0 });
    expect([u(0), u(0x80), u(0x90), u(0x94)]).toEqual([131072, 0x90000, 0xc0000, 0xc0008]);
  });

  it('N154 counts in the SMART log, N172 and keeps failed commands where asked to', () => {
    const host = ready({ errorLog: true });
    for (let i = 0; i < 3; i++) host.run(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER + 8192 });
    expect(host.run(1, { opcode: NvmOpcode.READ, nsid: 1, cdw10: 0xffffff }).status).toBe(0x6080);
    host.run(0, { opcode: AdminOpcode.GET_LOG_PAGE, prp1: BUFFER, cdw10: 0x007f_0002 });
    expect([host.memory.load32(BUFFER + 0x40), host.memory.load32(BUFFER + 0xb0)]).toEqual([3, 1]);
    host.run(0, { opcode: AdminOpcode.GET_LOG_PAGE, prp1: BUFFER, cdw10: 0x000f_0001 });
    expect([host.memory.load32(BUFFER), host.memory.load32(BUFFER + 0x10)]).toEqual([1, 0xffffff]);
  });

  it('N150 formats to another block size, and everything reads as zeroes', () => {
    const host = ready();
    host.memory.fill(BUFFER, 4096, 0xaa);
    host.run(1, { opcode: NvmOpcode.WRITE, nsid: 1, prp1: BUFFER, cdw12: 7 });
    expect(host.run(0, { opcode: AdminOpcode.FORMAT_NVM, nsid: 1, cdw10: 4 }).status).toBe(0);
    expect(host.controller.namespace(1)!.blockBytes).toBe(4096);
    host.run(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER });
    expect(host.memory.load32(BUFFER)).toBe(0);
  });
});
