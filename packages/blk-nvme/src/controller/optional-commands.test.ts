import { describe, expect, it } from 'vitest';
import { put } from '../spec/bits.ts';
import { IdentifyNamespace } from '../spec/identify.ts';
import { AdminOpcode, NvmOpcode } from '../spec/opcodes.ts';
import { Cc, NSSR_MAGIC, Register } from '../spec/registers.ts';
import { FirmwareCommitCdw10 } from '../spec/sqe.ts';
import { dnr, Status } from '../spec/status.ts';
import { BUFFER, RawHost } from '../testing/raw-host.ts';
import type { NvmeControllerOptions } from './options.ts';
import { nvmeFunction } from './pci-function.ts';

const MIB = 2 ** 20;
const LIST = BUFFER + MIB;

function ready(options: Partial<NvmeControllerOptions> = {}): RawHost {
  const host = new RawHost(options);
  host.enable();
  host.createQueuePair(1);
  return host;
}

/** Copy source ranges: first block and number of blocks. */
function ranges(host: RawHost, rows: readonly (readonly [slba: number, blocks: number])[]): void {
  for (const [i, [slba, blocks]] of rows.entries()) {
    host.memory.store32(LIST + i * 32 + 8, slba);
    host.memory.store32(LIST + i * 32 + 16, blocks - 1);
  }
}

describe('Copy', () => {
  const COPY = { opcode: NvmOpcode.COPY, nsid: 1, prp1: LIST };

  it('N160 puts source ranges behind each other, read before anything is stored', () => {
    const host = ready();
    for (let block = 0; block < 16; block++) host.memory.fill(BUFFER + block * 512, 512, block + 1);
    host.run(1, { opcode: NvmOpcode.WRITE, nsid: 1, prp1: BUFFER, prp2: BUFFER + 4096, cdw12: 15 });
    ranges(host, [
      [8, 4],
      [0, 2],
    ]);
    expect(host.run(1, { ...COPY, cdw10: 1, cdw12: 1 }).status).toBe(0);
    host.run(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER, cdw12: 7 });
    const blocks = Array.from({ length: 8 }, (_, i) => host.memory.load8(BUFFER + i * 512));
    expect(blocks).toEqual([1, 9, 10, 11, 12, 1, 2, 8]);
  });

  it.each([
    ['a range past the end', [[131071, 2]], 0, Status.LBA_RANGE],
    ['a target past the end', [[0, 8]], 131068, Status.LBA_RANGE],
    ['a range that is too long', [[0, 129]], 0, Status.CMD_SIZE_LIMIT_EXCEEDED],
    [
      'more blocks than one Copy moves',
      [
        [0, 100],
        [0, 29],
      ],
      0,
      Status.CMD_SIZE_LIMIT_EXCEEDED,
    ],
  ] as const)('N160 refuses %s', (_what, rows, target, status) => {
    const host = ready();
    ranges(host, rows);
    expect(host.run(1, { ...COPY, cdw10: target, cdw12: rows.length - 1 }).status).toBe(dnr(status));
  });
});

describe('namespace management', () => {
  const CREATE = { opcode: AdminOpcode.NS_MGMT, prp1: LIST };
  const ATTACH = { opcode: AdminOpcode.NS_ATTACH, prp1: LIST + 4096 };

  function host(): RawHost {
    const made = ready({ unallocatedBytes: 4 * MIB });
    made.memory.store32(LIST + IdentifyNamespace.NSZE, 4096);
    made.memory.store32(LIST + 4096, 1);
    return made;
  }

  it('N150 creates, attaches, uses, detaches and deletes a namespace, and tells of each change', () => {
    const made = host();
    made.run(0, { opcode: AdminOpcode.SET_FEATURES, cdw10: 0x0b, cdw11: 0x100 });
    made.submit(0, { opcode: AdminOpcode.ASYNC_EVENT });
    expect(made.run(0, CREATE)).toMatchObject({ status: 0, dw0: 2 });
    const read = { opcode: NvmOpcode.READ, nsid: 2, prp1: BUFFER, cdw10: 4095 };
    expect(made.run(1, read).status).toBe(dnr(Status.INVALID_FIELD));
    made.submit(0, { ...ATTACH, nsid: 2, cid: 500 });
    made.settle();
    const told = [made.poll(0)!, made.poll(0)!];
    expect(told.find(({ cid }) => cid === 500)?.status).toBe(0);
    expect(told.find(({ cid }) => cid !== 500)?.dw0).toBe(0x040002);
    expect(made.run(1, read).status).toBe(0);
    expect(made.run(0, { ...ATTACH, nsid: 2, cdw10: 1 }).status).toBe(0);
    expect(made.run(0, { ...CREATE, nsid: 2, cdw10: 1 }).status).toBe(0);
    expect(made.run(0, { ...CREATE, nsid: 2, cdw10: 1 }).status).toBe(dnr(Status.INVALID_NS));
  });

  it.each([
    ['a size that is not there', { ...CREATE }, Status.NS_INSUFFICIENT_CAP, [LIST, 1 << 20]],
    ['a namespace that is attached', { ...ATTACH, nsid: 1 }, Status.NS_ALREADY_ATTACHED, [LIST, 0]],
    ['a namespace of nobody', { ...ATTACH, nsid: 9 }, Status.INVALID_NS, [LIST, 0]],
    ['a controller that is not there', { ...ATTACH, nsid: 1 }, Status.CTRL_LIST_INVALID, [LIST + 4096, 0x7_0001]],
    ['a selection of nothing', { ...CREATE, cdw10: 5 }, Status.INVALID_FIELD, [LIST, 0]],
  ] as const)('N150 refuses %s', (_what, command, status, [at, word]) => {
    const made = host();
    made.memory.store32(at, word);
    expect(made.run(0, command).status).toBe(dnr(status));
  });

  it('N150 refuses to detach what is not attached, and to create when every id is taken', () => {
    const made = host();
    expect(made.run(0, CREATE).dw0).toBe(2);
    expect(made.run(0, { ...ATTACH, nsid: 2, cdw10: 1 }).status).toBe(dnr(Status.NS_NOT_ATTACHED));
    made.memory.store32(LIST + IdentifyNamespace.NSZE, 1);
    for (let nsid = 3; nsid <= 256; nsid++) expect(made.run(0, CREATE).dw0).toBe(nsid);
    expect(made.run(0, CREATE).status).toBe(dnr(Status.NS_ID_UNAVAILABLE));
  });

  it('N150 does not know the commands where there is no room to manage', () => {
    expect(ready().run(0, CREATE).status).toBe(dnr(Status.INVALID_OPCODE));
    expect(ready().run(0, ATTACH).status).toBe(dnr(Status.INVALID_OPCODE));
  });
});

describe('firmware', () => {
  const commit = (slot: number, action: number) => ({
    opcode: AdminOpcode.ACTIVATE_FW,
    cdw10: put(FirmwareCommitCdw10.FS, slot) | put(FirmwareCommitCdw10.CA, action),
  });
  const download = (offset: number) => ({
    opcode: AdminOpcode.DOWNLOAD_FW,
    prp1: BUFFER,
    cdw10: 1023,
    cdw11: offset / 4,
  });

  it('N150 takes an image in pieces and activates it at the next reset', () => {
    const host = ready();
    expect(host.run(0, commit(2, 1)).status).toBe(dnr(Status.FIRMWARE_IMAGE));
    expect([host.run(0, download(0)).status, host.run(0, download(4096)).status]).toEqual([0, 0]);
    expect(host.run(0, download(4096)).status).toBe(dnr(Status.OVERLAPPING_RANGE));
    expect(host.run(0, commit(2, 1)).status).toBe(Status.FW_NEEDS_RESET);
    expect(host.run(0, commit(2, 5)).status).toBe(dnr(Status.INVALID_FIELD));
    expect(host.run(0, commit(1, 1)).status).toBe(dnr(Status.FIRMWARE_SLOT));
    expect(host.run(0, commit(3, 2)).status).toBe(dnr(Status.FIRMWARE_SLOT));
  });
});

it('N153 write protection until a power cycle is not the host\u2019s to change, and goes with the power', () => {
  const host = ready();
  const protect = (state: number) =>
    host.run(0, { opcode: AdminOpcode.SET_FEATURES, nsid: 1, cdw10: 0x84, cdw11: state }).status;
  expect([protect(1), protect(0), protect(2)]).toEqual([0, 0, 0]);
  expect(protect(0)).toBe(dnr(Status.FEATURE_NOT_CHANGEABLE));
  const write = { opcode: NvmOpcode.WRITE, nsid: 1, prp1: BUFFER };
  expect(host.run(1, write).status).toBe(dnr(Status.NS_WRITE_PROTECTED));
  host.controller.powerCut();
  host.enable();
  host.createQueuePair(1);
  expect(host.run(1, write).status).toBe(0);
});

describe('resets, aborts and arbitration', () => {
  it('N124 a subsystem reset forgets everything and leaves NSSRO, which only a write clears', () => {
    const host = ready({ subsystemReset: true });
    host.controller.writeRegister(Register.NSSR, 1);
    expect(host.controller.readRegister(Register.CSTS)).toBe(1);
    host.controller.writeRegister(Register.NSSR, NSSR_MAGIC);
    expect([Register.CC, Register.AQA].map((r) => host.controller.readRegister(r))).toEqual([0, 0]);
    expect(host.controller.readRegister(Register.CSTS)).toBe(0x10);
    host.enable();
    expect(host.controller.readRegister(Register.CSTS)).toBe(0x11);
    host.controller.writeRegister(Register.CSTS, 0x10);
    expect(host.controller.readRegister(Register.CSTS)).toBe(1);
  });

  it('N150 aborts a held event request: both are answered, that one with 007h', () => {
    const host = ready();
    const held = host.submit(0, { opcode: AdminOpcode.ASYNC_EVENT });
    host.submit(0, { opcode: AdminOpcode.ABORT_CMD, cid: 700, cdw10: held << 16 });
    host.settle();
    const both = [host.poll(0)!, host.poll(0)!];
    expect(both.find(({ cid }) => cid === 700)).toMatchObject({ status: 0, dw0: 0 });
    expect(both.find(({ cid }) => cid === held)?.status).toBe(Status.ABORT_REQ);
  });

  it('N133 weighs the classes and lets urgent queues go first', () => {
    const host = new RawHost({ weightedArbitration: true });
    host.enable();
    host.controller.writeRegister(Register.CC, 0);
    host.enable();
    host.controller.writeRegister(Register.CC, 0x00460001 | put(Cc.AMS, 1));
    for (const qid of [1, 2, 3]) host.createQueuePair(qid);
    // The host makes every queue urgent: remake them as urgent, high (weight 2) and low (weight 1).
    for (const [qid, priority] of [
      [1, 0],
      [2, 1],
      [3, 3],
    ]) {
      host.run(0, { opcode: AdminOpcode.DELETE_SQ, cdw10: qid });
      const cdw11 = 1 | (priority << 1) | (qid << 16);
      host.run(0, { opcode: AdminOpcode.CREATE_SQ, prp1: host.sqAddress(qid), cdw10: qid | (63 << 16), cdw11 });
    }
    host.run(0, { opcode: AdminOpcode.SET_FEATURES, cdw10: 1, cdw11: 0x0100_0000 });
    const order: number[] = [];
    for (let i = 0; i < 4; i++) for (const qid of [3, 2, 1]) host.submit(qid, { opcode: NvmOpcode.FLUSH, nsid: 1 });
    host.port.onRequest = (at, isWrite) => {
      if (!isWrite) order.push([3, 2, 1].find((qid) => at >= host.sqAddress(qid))!);
    };
    host.settle();
    expect(order).toEqual([1, 1, 1, 1, 2, 2, 3, 2, 2, 3, 3, 3]);
  });

  it('N143 a bit bucket drops that part of a read, and a write can not take from one', () => {
    const host = ready();
    host.memory.fill(BUFFER, 4096, 0x5a);
    host.memory.fill(BUFFER + 8192, 4096, 0x11);
    host.run(1, { opcode: NvmOpcode.WRITE, nsid: 1, prp1: BUFFER, cdw12: 7 });
    const words = [BUFFER + 8192, 0, 512, 0, 0, 0, 3072, 0x1000_0000, BUFFER + 8704, 0, 512, 0];
    for (const [i, word] of words.entries()) host.memory.store32(LIST + 4 * i, word);
    const io = { nsid: 1, flags: 0x40, sgl: [LIST, 0, 48, 0x3000_0000], cdw12: 7 };
    expect(host.run(1, { ...io, opcode: NvmOpcode.READ }).status).toBe(0);
    expect([0, 512, 1024].map((at) => host.memory.load8(BUFFER + 8192 + at))).toEqual([0x5a, 0x5a, 0x11]);
    expect(host.run(1, { ...io, opcode: NvmOpcode.WRITE }).status).toBe(dnr(Status.SGL_INVALID_TYPE));
  });
});

describe('persistent memory region', () => {
  it('N120 is ready once enabled, reached by commands once placed, and outlives a power cut', () => {
    const host = ready({ pmrBytes: MIB });
    const read = (offset: number) => host.controller.readRegister(offset);
    expect([read(Register.PMRCAP), read(Register.PMRSTS)]).toEqual([0x0100_0898, 0x100]);
    host.controller.writeRegister(Register.PMRCTL, 1);
    host.controller.writeRegister(Register.PMRMSCU, 1);
    host.controller.writeRegister(Register.PMRMSCL, 0x1000_0002);
    expect([read(Register.PMRSTS), read(Register.PMRCTL), read(Register.PMRMSCU)]).toEqual([0, 1, 1]);
    host.memory.fill(BUFFER, 512, 0x42);
    host.run(1, { opcode: NvmOpcode.WRITE, nsid: 1, prp1: BUFFER });
    expect(host.run(1, { opcode: NvmOpcode.READ, nsid: 1, prp1: 0x1_1000_2000 }).status).toBe(0);
    host.controller.powerCut();
    expect([host.controller.pmr.bytes[0x2000], read(Register.PMRCTL), read(Register.PMRMSCL)]).toEqual([0x42, 0, 0]);
  });

  it('N120 is memory of the function in BAR 4', () => {
    const bars = nvmeFunction(1, MIB, { pmrBytes: 2 * MIB }).bars ?? [];
    expect(bars.map(({ index, sizeBytes }) => [index, sizeBytes])).toEqual([
      [0, 0x4000],
      [2, MIB],
      [4, 2 * MIB],
    ]);
  });

  it('N120 reads 0 where there is none', () => {
    const { controller } = ready();
    controller.writeRegister(Register.PMRCTL, 1);
    for (let at = 0xe00; at <= 0xe18; at += 4) expect(controller.readRegister(at)).toBe(0);
  });

  it('N161 a power cut empties the memory buffer, which is not persistent', () => {
    const { controller } = ready({ cmbBytes: MIB });
    controller.cmb.bytes.fill(7);
    controller.powerCut();
    expect(controller.cmb.bytes[100]).toBe(0);
  });
});

describe('reservations', () => {
  const KEYS = LIST;
  const CONFLICT = dnr(Status.RESERVATION_CONFLICT);
  const FIELD = dnr(Status.INVALID_FIELD);
  const { RESV_REGISTER, RESV_ACQUIRE, RESV_RELEASE, RESV_REPORT } = NvmOpcode;

  function command(host: RawHost, opcode: number, cdw10: number, current: number, other = 0): number {
    for (const [i, word] of [current, 0, other, 0].entries()) host.memory.store32(KEYS + 4 * i, word);
    return host.run(1, { opcode, nsid: 1, prp1: KEYS, cdw10 }).status;
  }

  function report(host: RawHost): number[] {
    expect(host.run(1, { opcode: RESV_REPORT, nsid: 1, prp1: BUFFER, cdw10: 11 }).status).toBe(0);
    const view = new DataView(host.bytes(BUFFER, 48).buffer);
    const at8 = [view.getUint8(4), view.getUint16(5, true), view.getUint8(26)];
    return [view.getUint32(0, true), ...at8, view.getUint32(32, true), view.getUint32(40, true)];
  }

  it('N160 a host registers, reserves, changes its mind and leaves, by keys that have to fit', () => {
    const host = ready();
    host.memory.store32(BUFFER, 77);
    host.run(0, { opcode: AdminOpcode.SET_FEATURES, cdw10: 0x81, prp1: BUFFER });
    expect(command(host, RESV_ACQUIRE, 0x100, 5)).toBe(CONFLICT);
    expect(command(host, RESV_REGISTER, 0, 0, 5)).toBe(0);
    expect([command(host, RESV_REGISTER, 0, 0, 5), command(host, RESV_REGISTER, 0, 0, 6)]).toEqual([0, CONFLICT]);
    expect(report(host)).toEqual([1, 0, 1, 0, 77, 5]);
    expect([command(host, RESV_ACQUIRE, 0x300, 4), command(host, RESV_ACQUIRE, 0x300, 5)]).toEqual([CONFLICT, 0]);
    expect(command(host, RESV_ACQUIRE, 0x100, 5)).toBe(CONFLICT);
    expect(report(host)).toEqual([1, 3, 1, 1, 77, 5]);
    expect([command(host, RESV_ACQUIRE, 0x101, 5, 9), command(host, RESV_ACQUIRE, 0x101, 5, 5)]).toEqual([CONFLICT, 0]);
    expect(command(host, RESV_REGISTER, 2, 5, 8)).toBe(0);
    expect([command(host, RESV_RELEASE, 0x200, 8), command(host, RESV_RELEASE, 0x100, 8)]).toEqual([FIELD, 0]);
    expect(report(host)).toEqual([3, 0, 1, 0, 77, 8]);
    expect([command(host, RESV_REGISTER, 1, 5), command(host, RESV_REGISTER, 1 | 8, 5)]).toEqual([CONFLICT, 0]);
    expect(report(host)).toEqual([4, 0, 0, 0, 0, 0]);
  });

  it('N160 clears all, replaces without a key, and forgets everything without power', () => {
    const host = ready();
    expect(command(host, RESV_REGISTER, 2 | 8, 0, 3)).toBe(0);
    expect([command(host, RESV_ACQUIRE, 0x600, 3), command(host, RESV_RELEASE, 1, 3)]).toEqual([0, 0]);
    expect(report(host)).toEqual([2, 0, 0, 0, 0, 0]);
    command(host, RESV_REGISTER, 0, 0, 3);
    host.controller.powerCut();
    host.enable();
    host.createQueuePair(1);
    expect(report(host)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it.each([
    ['an action of nobody', RESV_REGISTER, 3, FIELD],
    ['persistence over a loss of power', RESV_REGISTER, 0xc000_0000, FIELD],
    ['a type of nobody', RESV_ACQUIRE, 0x700, FIELD],
    ['an acquisition of nobody', RESV_ACQUIRE, 0x103, FIELD],
    ['a release of nobody', RESV_RELEASE, 0x102, FIELD],
    ['to release what is not held, which is no error', RESV_RELEASE, 0x100, 0],
  ])('N160 answers %s', (_what, opcode, cdw10, status) => {
    const host = ready();
    command(host, RESV_REGISTER, 0, 0, 3);
    expect(command(host, opcode, cdw10, 3)).toBe(status);
  });

  it('N170 has no long host identifiers', () => {
    const { status } = ready().run(1, { opcode: RESV_REPORT, nsid: 1, prp1: BUFFER, cdw10: 11, cdw11: 1 });
    expect(status).toBe(dnr(Status.HOSTID_INCONSISTENT));
  });
});
