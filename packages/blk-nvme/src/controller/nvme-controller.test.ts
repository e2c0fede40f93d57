import { describe, expect, it } from 'vitest';
import { AdminOpcode, NvmOpcode } from '../spec/opcodes.ts';
import { CSTS_CFS, CSTS_RDY, Register } from '../spec/registers.ts';
import { dnr, Status } from '../spec/status.ts';
import { BUFFER, RawHost } from '../testing/raw-host.ts';

function readyHost(options = {}): RawHost {
  const host = new RawHost(options);
  host.enable();
  host.createQueuePair(1);
  return host;
}

describe('NvmeController', () => {
  it('N121 becomes ready when enabled with a configuration that it offers', () => {
    const host = new RawHost();
    host.enable();
    expect(host.controller.readRegister(Register.CSTS)).toBe(CSTS_RDY);
  });

  it('N121 turns fatal instead when the admin queue size is one entry', () => {
    const host = new RawHost();
    host.controller.writeRegister(Register.AQA, 0);
    host.controller.writeRegister(Register.CC, 0x00460001);
    expect(host.controller.readRegister(Register.CSTS)).toBe(CSTS_CFS);
  });

  it('B40 causes no request inside a register write', () => {
    const host = readyHost();
    let requests = 0;
    host.port.onRequest = () => requests++;
    host.submit(1, { opcode: NvmOpcode.FLUSH, nsid: 1 });
    expect(requests).toBe(0);
    host.settle();
    expect(requests).toBe(2); // the entry, the completion
  });

  it('N160 reads back what was written, through PRP1, PRP2 and a list', () => {
    const host = readyHost();
    const pattern = Uint8Array.from({ length: 16384 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
    host.memory.write(BUFFER, pattern);
    const pages = [BUFFER, BUFFER + 4096, BUFFER + 8192, BUFFER + 12288];
    const list = BUFFER + 0x10_0000;
    for (const [i, page] of pages.slice(1).entries()) host.memory.store32(list + 8 * i, page);
    const wrote = host.run(1, { opcode: NvmOpcode.WRITE, nsid: 1, prp1: pages[0], prp2: list, cdw10: 3, cdw12: 31 });
    expect(wrote.status).toBe(0);
    host.memory.fill(BUFFER, 16384, 0);
    const read = host.run(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: pages[0], prp2: list, cdw10: 3, cdw12: 31 });
    expect(read).toMatchObject({ status: 0, sqid: 1, sqHead: 2 });
    expect(host.bytes(BUFFER, 16384)).toEqual(pattern);
  });

  it('N141 ends a read whose buffer is not mapped with 004h, without DNR, and moves no byte', () => {
    const host = readyHost();
    host.memory.fill(BUFFER, 4096, 0x5a);
    host.submit(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER, cdw12: 7 });
    host.port.revoke(BUFFER, 4096);
    host.settle();
    expect(host.poll(1)?.status).toBe(Status.DATA_XFER_ERROR);
    expect(host.bytes(BUFFER, 4096).every((byte) => byte === 0x5a)).toBe(true);
  });

  it('N141 stores nothing of a write whose second page is not mapped', () => {
    const host = readyHost();
    host.memory.fill(BUFFER, 4096, 0x5a);
    const bad = 0x9000_0000;
    const wrote = host.run(1, { opcode: NvmOpcode.WRITE, nsid: 1, prp1: BUFFER, prp2: bad, cdw12: 15 });
    expect(wrote.status).toBe(Status.DATA_XFER_ERROR);
    const read = host.run(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER, cdw12: 7 });
    expect(read.status).toBe(0);
    expect(host.bytes(BUFFER, 4096).every((byte) => byte === 0)).toBe(true);
  });

  it('N160 refuses a range past the end with 080h DNR', () => {
    const host = readyHost();
    const blocks = (64 * 2 ** 20) / 512;
    const read = host.run(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER, cdw10: blocks - 7, cdw12: 7 });
    expect(read.status).toBe(dnr(Status.LBA_RANGE));
  });

  it('N125 turns fatal when a submission entry cannot be fetched', () => {
    const host = readyHost();
    host.port.revoke(host.sqAddress(1), 64);
    host.submit(1, { opcode: NvmOpcode.FLUSH, nsid: 1 });
    host.settle();
    expect(host.controller.readRegister(Register.CSTS) & CSTS_CFS).toBe(CSTS_CFS);
  });

  it('B40 drops the rest when a reset comes between two requests of one step', () => {
    const host = readyHost();
    host.submit(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER, cdw12: 7 });
    host.port.onRequest = (at, isWrite) => {
      if (isWrite && at === BUFFER) host.controller.writeRegister(Register.CC, 0);
    };
    host.settle();
    expect(host.poll(1)).toBeUndefined();
    expect(host.controller.readRegister(Register.CSTS)).toBe(0);
  });

  it('B40 writes no further range of a transfer that a reset came into', () => {
    const host = readyHost();
    const second = BUFFER + 0x10000;
    host.memory.fill(second, 4096, 0x5a);
    host.submit(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER, prp2: second, cdw12: 15 });
    host.port.onRequest = (at) => {
      if (at === BUFFER) host.controller.writeRegister(Register.CC, 0);
    };
    host.settle();
    expect(host.memory.load8(second)).toBe(0x5a);
  });

  it('N130 holds completions while the queue is full and goes on when the head moves', () => {
    const host = new RawHost();
    host.enable();
    host.createQueuePair(1, 4);
    for (let i = 0; i < 3; i++) host.submit(1, { opcode: NvmOpcode.FLUSH, nsid: 1 });
    host.settle();
    host.submit(1, { opcode: NvmOpcode.FLUSH, nsid: 1, cid: 77 });
    host.settle();
    for (let i = 0; i < 3; i++) expect(host.poll(1)?.status).toBe(0);
    host.settle();
    expect(host.poll(1)?.cid).toBe(77);
  });

  it('N153 answers Number of Queues with what is allocated, which may exceed the request', () => {
    const host = new RawHost();
    host.enable();
    const { dw0 } = host.run(0, { opcode: AdminOpcode.SET_FEATURES, cdw10: 0x07, cdw11: 0 });
    expect(dw0).toBe(0x3f003f);
  });

  it('N134 raises the vector of a queue once for the completions of one step', () => {
    const host = readyHost();
    host.port.interrupts.length = 0;
    for (let i = 0; i < 5; i++) host.submit(1, { opcode: NvmOpcode.FLUSH, nsid: 1 });
    host.settle();
    expect(host.port.interrupts).toEqual([1]);
  });
});
