import { describe, expect, it } from 'vitest';
import { LogPage, SelfTestLog } from '../spec/log-pages.ts';
import { AdminOpcode, NvmOpcode } from '../spec/opcodes.ts';
import { Register } from '../spec/registers.ts';
import { dnr, Status } from '../spec/status.ts';
import { BUFFER, RawHost } from '../testing/raw-host.ts';
import type { NvmeControllerOptions } from './options.ts';

const SECOND = 1e9;
const WRITE = { opcode: NvmOpcode.WRITE, nsid: 1, prp1: BUFFER };
const READ = { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER };
const LOG = BUFFER + 0x10_0000;

function ready(options: Partial<NvmeControllerOptions> = {}): RawHost {
  const host = new RawHost(options);
  host.enable();
  host.createQueuePair(1);
  return host;
}

function log(host: RawHost, lid: number, lengthBytes: number): DataView {
  const cdw10 = lid | ((lengthBytes / 4 - 1) << 16);
  expect(host.run(0, { opcode: AdminOpcode.GET_LOG_PAGE, prp1: LOG, cdw10 }).status).toBe(0);
  return new DataView(host.bytes(LOG, lengthBytes).buffer);
}

function pass(host: RawHost, nanos: number): void {
  host.controller.advance(nanos);
  host.settle();
}

describe('Format that takes time', () => {
  const FORMAT = { opcode: AdminOpcode.FORMAT_NVM, nsid: 1, cdw10: 4 };

  it('N150 refuses I/O with 084h until the contents are gone, and completes then', () => {
    const host = ready({ formatNanos: 3 * SECOND });
    host.memory.fill(BUFFER, 512, 0x5a);
    host.run(1, WRITE);
    const cid = host.submit(0, FORMAT);
    host.settle();
    expect(host.poll(0)).toBeUndefined();
    expect(host.run(1, READ).status).toBe(Status.FORMAT_IN_PROGRESS);
    expect(host.run(0, { ...FORMAT, cid: 900 }).status).toBe(Status.FORMAT_IN_PROGRESS);
    expect(host.controller.nextDueNanos).toBe(3 * SECOND);
    pass(host, 3 * SECOND);
    expect(host.poll(0)).toMatchObject({ cid, status: 0 });
    expect(host.run(1, READ).status).toBe(0);
    expect([host.memory.load8(BUFFER), host.controller.namespace(1)!.blockBytes]).toEqual([0, 4096]);
  });

  it('N122 a reset drops the command and not the work', () => {
    const host = ready({ formatNanos: SECOND });
    host.submit(0, FORMAT);
    host.settle();
    host.controller.writeRegister(Register.CC, 0);
    pass(host, SECOND);
    host.enable();
    host.settle();
    expect(host.poll(0)).toBeUndefined();
    expect(host.controller.namespace(1)!.blockBytes).toBe(4096);
  });
});

describe('Sanitize', () => {
  const SANITIZE = { opcode: AdminOpcode.SANITIZE_NVM, cdw10: 2 };

  it('N150 N154 erases all in the background, tells how far it is, and that it ended', () => {
    const host = ready({ sanitizeNanos: 10 * SECOND });
    host.memory.fill(BUFFER, 512, 0x5a);
    host.run(1, WRITE);
    const event = host.submit(0, { opcode: AdminOpcode.ASYNC_EVENT });
    expect(host.run(0, SANITIZE).status).toBe(0);
    pass(host, 5 * SECOND);
    expect(host.run(1, READ).status).toBe(Status.SANITIZE_IN_PROGRESS);
    const during = log(host, LogPage.SANITIZE, 512);
    expect([0, 2, 4].map((at) => during.getUint16(at, true))).toEqual([0x8000, 2, 2]);
    pass(host, 5 * SECOND);
    expect(host.poll(0)).toMatchObject({ cid: event, dw0: 0x81_01_06 });
    const after = log(host, LogPage.SANITIZE, 512);
    expect([0, 2, 4].map((at) => after.getUint16(at, true))).toEqual([0xffff, 0x101, 2]);
    expect(host.run(1, READ).status).toBe(0);
    expect(host.memory.load8(BUFFER)).toBe(0);
    host.run(1, WRITE);
    expect(log(host, LogPage.SANITIZE, 512).getUint16(2, true)).toBe(1);
  });

  it.each([AdminOpcode.SANITIZE_NVM, AdminOpcode.FORMAT_NVM, AdminOpcode.DEV_SELF_TEST, AdminOpcode.DOWNLOAD_FW])(
    'N170 refuses admin command %i with 01Dh meanwhile',
    (opcode) => {
      const host = ready({ sanitizeNanos: SECOND });
      host.run(0, SANITIZE);
      expect(host.run(0, { opcode, nsid: 1 }).status).toBe(dnr(Status.SANITIZE_IN_PROGRESS));
    },
  );

  it('N150 knows four actions, of which the first has nothing to leave', () => {
    const host = ready();
    const run = (cdw10: number) => host.run(0, { ...SANITIZE, cdw10 }).status;
    expect([0, 1, 4, 5].map(run)).toEqual([dnr(Status.INVALID_FIELD), 0, 0, dnr(Status.INVALID_FIELD)]);
  });
});

describe('Device Self-test', () => {
  const test = (code: number, nsid = 0) => ({ opcode: AdminOpcode.DEV_SELF_TEST, nsid, cdw10: code });

  function results(host: RawHost): { now: number; percent: number; ended: number[] } {
    const page = log(host, LogPage.SELF_TEST, SelfTestLog.BYTES);
    const ended = [0, 1, 2].map((i) => page.getUint8(SelfTestLog.FIRST + i * SelfTestLog.RESULT_BYTES));
    return { now: page.getUint8(0), percent: page.getUint8(1), ended };
  }

  it('N150 takes its time and passes; one at a time', () => {
    const host = ready({ selfTestNanos: 100 * SECOND });
    expect(host.run(0, test(2, 1)).status).toBe(0);
    expect(host.run(0, test(1)).status).toBe(dnr(Status.SELF_TEST_IN_PROGRESS));
    pass(host, 40 * SECOND);
    expect(results(host)).toEqual({ now: 2, percent: 40, ended: [0x0f, 0x0f, 0x0f] });
    pass(host, 60 * SECOND);
    expect(results(host)).toEqual({ now: 0, percent: 0, ended: [0x20, 0x0f, 0x0f] });
  });

  it('N150 a command aborts any test, a reset only a short one', () => {
    const host = ready();
    host.run(0, test(2));
    expect(host.run(0, test(0xf)).status).toBe(0);
    host.run(0, test(1));
    host.controller.writeRegister(Register.CC, 0);
    host.enable();
    host.run(0, test(2));
    host.controller.writeRegister(Register.CC, 0);
    host.enable();
    expect(results(host)).toMatchObject({ now: 2, ended: [0x12, 0x21, 0x0f] });
  });

  it('N150 refuses other codes, and namespaces that are not there', () => {
    const host = ready();
    expect(host.run(0, test(3)).status).toBe(dnr(Status.INVALID_FIELD));
    expect(host.run(0, test(1, 9)).status).toBe(dnr(Status.INVALID_NS));
  });
});

describe('activation of firmware without a reset', () => {
  const DOWNLOAD = { opcode: AdminOpcode.DOWNLOAD_FW, prp1: BUFFER, cdw10: 1023 };
  const COMMIT = { opcode: AdminOpcode.ACTIVATE_FW, cdw10: 2 | (3 << 3) };

  it('N95 N120 tells the host, sets PP and fetches nothing until it is done', () => {
    const host = ready({ activationNanos: SECOND });
    host.run(0, { opcode: AdminOpcode.SET_FEATURES, cdw10: 0x0b, cdw11: 0x200 });
    const event = host.submit(0, { opcode: AdminOpcode.ASYNC_EVENT });
    host.run(0, DOWNLOAD);
    const commit = host.submit(0, COMMIT);
    host.settle();
    expect([host.poll(0), host.poll(0)]).toMatchObject([
      { cid: commit, status: 0 },
      { cid: event, dw0: 0x03_01_02 },
    ]);
    expect(host.controller.readRegister(Register.CSTS)).toBe(0x21);
    host.submit(1, READ);
    host.settle();
    expect(host.poll(1)).toBeUndefined();
    pass(host, SECOND);
    expect(host.poll(1)?.status).toBe(0);
    expect(host.controller.readRegister(Register.CSTS)).toBe(1);
    const slots = log(host, LogPage.FW_SLOT, 512);
    expect([slots.getUint8(0), slots.getUint8(8), slots.getUint8(16), slots.getUint8(24)]).toEqual([2, 0x31, 0x31, 0]);
  });
});

describe('the keep-alive timer', () => {
  const kato = (millis: number) => ({ opcode: AdminOpcode.SET_FEATURES, cdw10: 0x0f, cdw11: millis });

  it('N150 N170 ends in a fatal status with 019h in the log when the host is silent', () => {
    const host = ready({ kas: 10 });
    expect(host.run(0, kato(1000)).status).toBe(0);
    pass(host, 0.9 * SECOND);
    host.run(0, { opcode: AdminOpcode.KEEP_ALIVE });
    pass(host, 0.9 * SECOND);
    expect(host.controller.readRegister(Register.CSTS)).toBe(1);
    expect(host.controller.nextDueNanos).toBeCloseTo(0.1 * SECOND);
    pass(host, 0.1 * SECOND);
    expect(host.controller.readRegister(Register.CSTS)).toBe(3);
    host.controller.writeRegister(Register.CC, 0);
    host.enable();
    const entry = log(host, LogPage.ERROR, 64);
    expect([entry.getUint16(8, true), entry.getUint16(12, true) >>> 1]).toEqual([0xffff, Status.KA_TIMEOUT_EXPIRED]);
  });

  it('N170 refuses a timeout where there is no timer', () => {
    expect(ready().run(0, kato(1000)).status).toBe(dnr(Status.KA_TIMEOUT_INVALID));
    expect(ready().run(0, kato(0)).status).toBe(0);
  });
});

describe('Abort', () => {
  it('N150 refuses more than four at a time with 103h', () => {
    const host = ready();
    const action = { kind: 'delay', nanos: SECOND } as const;
    host.controller.faults.add({ queue: 'admin', opcode: AdminOpcode.ABORT_CMD, action });
    for (let cid = 100; cid < 105; cid++) host.submit(0, { opcode: AdminOpcode.ABORT_CMD, cid, cdw10: 1 });
    host.settle();
    expect(host.poll(0)).toMatchObject({ cid: 104, status: dnr(Status.ABORT_LIMIT) });
    pass(host, SECOND);
    const ends = [0, 1, 2, 3].map(() => host.poll(0)!).sort((a, b) => a.cid - b.cid);
    expect(ends.map(({ cid, status, dw0 }) => [cid, status, dw0])).toEqual([100, 101, 102, 103].map((c) => [c, 0, 1]));
  });
});

describe('Directives', () => {
  it('N150 knows the Identify directive, which is on for good', () => {
    const host = ready();
    const receive = (cdw11: number) =>
      host.run(0, { opcode: AdminOpcode.DIRECTIVE_RECV, prp1: LOG, cdw10: 1023, cdw11 }).status;
    expect([receive(1), receive(2), receive(0x101)]).toEqual([0, dnr(Status.INVALID_FIELD), dnr(Status.INVALID_FIELD)]);
    expect([host.memory.load8(LOG), host.memory.load8(LOG + 32)]).toEqual([1, 1]);
    const send = (cdw12: number) => host.run(0, { opcode: AdminOpcode.DIRECTIVE_SEND, cdw11: 1, cdw12 }).status;
    expect([send(1), send(0), send(0x101)]).toEqual([0, dnr(Status.INVALID_FIELD), dnr(Status.INVALID_FIELD)]);
  });
});

describe('Get LBA Status', () => {
  const STATUS = { opcode: AdminOpcode.GET_LBA_STATUS, nsid: 1, prp1: LOG, cdw12: 1023, cdw13: 0x1000_0000 };

  it('N150 lists the runs of blocks that a read would fail on', () => {
    const host = ready();
    for (const [slba, blocks] of [
      [40, 2],
      [42, 1],
      [65600, 1],
    ])
      host.run(1, { opcode: NvmOpcode.WRITE_UNCOR, nsid: 1, cdw10: slba, cdw12: blocks - 1 });
    expect(host.run(0, { ...STATUS, cdw10: 41 }).status).toBe(0);
    const words = new Uint32Array(host.bytes(LOG, 40).buffer);
    expect([...words]).toEqual([2, 2, 41, 0, 2, 0, 65600, 0, 1, 0]);
    host.run(0, { ...STATUS, cdw12: 5 });
    expect([...new Uint32Array(host.bytes(LOG, 24).buffer)]).toEqual([1, 1, 40, 0, 3, 0]);
    host.run(0, { ...STATUS, cdw13: 0x1100_0029 });
    expect([...new Uint32Array(host.bytes(LOG, 24).buffer)]).toEqual([1, 2, 40, 0, 1, 0]);
  });

  it.each([
    ['a namespace that is not there', { nsid: 7 }, Status.INVALID_NS],
    ['an action of nobody', { cdw13: 0x1200_0000 }, Status.INVALID_FIELD],
    ['a start past the end', { cdw10: 131072 }, Status.LBA_RANGE],
    ['more than a transfer may be', { cdw12: 0x1_0000_0 }, Status.INVALID_FIELD],
  ])('N150 refuses %s', (_what, fields, status) => {
    expect(ready().run(0, { ...STATUS, ...fields }).status).toBe(dnr(status));
  });
});
