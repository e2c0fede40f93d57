import { describe, expect, it } from 'vitest';
import { AdminOpcode, NvmOpcode } from '../spec/opcodes.ts';
import { dnr, Status } from '../spec/status.ts';
import { BUFFER, type RawCommand, RawHost } from '../testing/raw-host.ts';
import type { NvmeControllerOptions } from './options.ts';

const MIB = 2 ** 20;
const UNMAPPED = 0x9000_0000;
const LIST = BUFFER + MIB;
const READ: RawCommand = { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER, cdw12: 7 };
const SGL_READ: RawCommand = { ...READ, flags: 0x40 };
/** Word 3 of descriptors by type. */
const DATA = 0;
const SEGMENT = 0x2000_0000;
const LAST = 0x3000_0000;
const KEYED = 0x4000_0000;

/** A list in memory: one descriptor a row. */
function list(host: RawHost, rows: readonly (readonly number[])[], at = LIST): void {
  for (const [i, row] of rows.entries())
    for (const [j, word] of row.entries()) host.memory.store32(at + 16 * i + 4 * j, word);
}

interface Case {
  readonly what: string;
  readonly status: number;
  readonly qid?: number;
  readonly command: RawCommand;
  readonly options?: Partial<NvmeControllerOptions>;
  readonly prepare?: (host: RawHost) => void;
}

const MISALIGNED_PRP_LIST = (host: RawHost) => host.memory.store32(LIST, BUFFER + 4);

const CASES: readonly Case[] = [
  { what: 'N140 an opcode of nobody, I/O', status: dnr(Status.INVALID_OPCODE), command: { opcode: 0x7f, nsid: 1 } },
  { what: 'N140 an opcode of nobody, admin', status: dnr(Status.INVALID_OPCODE), qid: 0, command: { opcode: 0xff } },
  { what: 'N140 a fused command', status: dnr(Status.INVALID_FIELD), command: { ...READ, flags: 1 } },
  { what: 'N140 PSDT 3', status: dnr(Status.INVALID_FIELD), command: { ...READ, flags: 0xc0 } },
  {
    what: 'N140 an SGL where none are offered',
    status: dnr(Status.INVALID_FIELD),
    command: SGL_READ,
    options: { sgls: 0 },
  },
  {
    what: 'N140 an admin command with an SGL',
    status: dnr(Status.INVALID_FIELD),
    qid: 0,
    command: { opcode: 6, flags: 0x40 },
  },
  { what: 'N140 namespace 0', status: dnr(Status.INVALID_NS), command: { ...READ, nsid: 0 } },
  { what: 'N140 a namespace past NN', status: dnr(Status.INVALID_NS), command: { ...READ, nsid: 257 } },
  { what: 'N140 an inactive namespace', status: dnr(Status.INVALID_FIELD), command: { ...READ, nsid: 2 } },
  { what: 'N140 a broadcast read', status: dnr(Status.INVALID_NS), command: { ...READ, nsid: 0xffffffff } },
  { what: 'N160 more than MDTS', status: dnr(Status.INVALID_FIELD), command: { ...READ, cdw12: 1024 } },
  { what: 'N160 a range past the end', status: dnr(Status.LBA_RANGE), command: { ...READ, cdw10: 131070 } },
  {
    what: 'N160 a range past 2^64',
    status: dnr(Status.LBA_RANGE),
    command: { ...READ, cdw10: 0xffffffff, cdw11: 0xffffffff },
  },
  { what: 'N142 PRP1 not on a dword', status: dnr(Status.PRP_INVALID_OFFSET), command: { ...READ, prp1: BUFFER + 2 } },
  {
    what: 'N142 PRP2 inside a page',
    status: dnr(Status.PRP_INVALID_OFFSET),
    command: { ...READ, prp2: BUFFER + 8, cdw12: 15 },
  },
  {
    what: 'N142 a list not on 8 bytes',
    status: dnr(Status.PRP_INVALID_OFFSET),
    command: { ...READ, prp2: LIST + 4, cdw12: 31 },
  },
  {
    what: 'N142 a list entry inside a page',
    status: dnr(Status.PRP_INVALID_OFFSET),
    command: { ...READ, prp2: LIST, cdw12: 31 },
    prepare: MISALIGNED_PRP_LIST,
  },
  {
    what: 'N142 a list that cannot be read',
    status: Status.DATA_XFER_ERROR,
    command: { ...READ, prp2: UNMAPPED, cdw12: 31 },
  },
  { what: 'N141 data that cannot be written', status: Status.DATA_XFER_ERROR, command: { ...READ, prp1: UNMAPPED } },
  {
    what: 'N143 a DPTR that is a bit bucket',
    status: dnr(Status.SGL_INVALID_LAST),
    command: { ...SGL_READ, sgl: [0, 0, 4096, 0x1000_0000] },
  },
  {
    what: 'N143 a descriptor of subtype 1',
    status: dnr(Status.SGL_INVALID_TYPE),
    command: { ...SGL_READ, sgl: [BUFFER, 0, 4096, 0x0100_0000] },
  },
  {
    what: 'N143 a segment of length 0',
    status: dnr(Status.SGL_INVALID_LAST),
    command: { ...SGL_READ, sgl: [LIST, 0, 0, LAST] },
  },
  {
    what: 'N143 a segment of 24 bytes',
    status: dnr(Status.SGL_INVALID_LAST),
    command: { ...SGL_READ, sgl: [LIST, 0, 24, LAST] },
  },
  {
    what: 'N143 a segment that cannot be read',
    status: Status.DATA_XFER_ERROR,
    command: { ...SGL_READ, sgl: [UNMAPPED, 0, 16, LAST] },
  },
  {
    what: 'N143 a segment descriptor before the end',
    status: dnr(Status.SGL_INVALID_COUNT),
    command: { ...SGL_READ, sgl: [LIST, 0, 32, SEGMENT] },
    prepare: (host) =>
      list(host, [
        [LIST, 0, 16, SEGMENT],
        [BUFFER, 0, 4096, DATA],
      ]),
  },
  {
    what: 'N143 a keyed descriptor before the end',
    status: dnr(Status.SGL_INVALID_TYPE),
    command: { ...SGL_READ, sgl: [LIST, 0, 32, LAST] },
    prepare: (host) =>
      list(host, [
        [BUFFER, 0, 16, KEYED],
        [BUFFER, 0, 4096, DATA],
      ]),
  },
  {
    what: 'N143 a last segment that goes on',
    status: dnr(Status.SGL_INVALID_LAST),
    command: { ...SGL_READ, sgl: [LIST, 0, 32, LAST] },
    prepare: (host) =>
      list(host, [
        [BUFFER, 0, 512, DATA],
        [LIST + 64, 0, 16, LAST],
      ]),
  },
  {
    what: 'N143 a chain that carries nothing',
    status: dnr(Status.SGL_INVALID_LAST),
    command: { ...SGL_READ, sgl: [LIST, 0, 16, SEGMENT] },
    prepare: (host) => list(host, [[LIST, 0, 16, SEGMENT]]),
  },
  {
    what: 'N143 less data than the transfer',
    status: dnr(Status.SGL_INVALID_DATA),
    command: { ...SGL_READ, sgl: [BUFFER, 0, 4095, DATA] },
  },
  {
    what: 'N143 a further descriptor after all data',
    status: dnr(Status.SGL_INVALID_DATA),
    command: { ...SGL_READ, sgl: [LIST, 0, 32, LAST] },
    prepare: (host) =>
      list(host, [
        [BUFFER, 0, 4096, DATA],
        [BUFFER, 0, 4, DATA],
      ]),
  },
  {
    what: 'N143 a length that wraps',
    status: dnr(Status.SGL_INVALID_DATA),
    command: { ...SGL_READ, sgl: [0xfffff000, 0xffffffff, 8192, DATA] },
  },
  {
    what: 'N143 an odd length where dwords are asked',
    status: dnr(Status.SGL_INVALID_GRANULARITY),
    command: { ...SGL_READ, sgl: [BUFFER, 0, 4098, DATA] },
    options: { sgls: 2 },
  },
  {
    what: 'N143 a metadata SGL that is too short',
    status: dnr(Status.SGL_INVALID_METADATA),
    command: { ...SGL_READ, flags: 0x80, mptr: LIST, sgl: [BUFFER, 0, 4096, DATA] },
    options: { namespaces: [{ sizeBytes: MIB, format: 1 }] },
    prepare: (host) => list(host, [[BUFFER + 8192, 0, 8, DATA]]),
  },
  {
    what: 'N144 half a transfer in the memory buffer',
    status: dnr(Status.CMB_INVALID_USE),
    command: { ...READ, prp1: 0xa000_0000, prp2: BUFFER, cdw12: 15 },
    options: { cmbBytes: MIB },
    prepare: (host) => host.write64(0x50, 0xa000_0003),
  },
  {
    what: 'N144 a completion queue in the memory buffer',
    status: dnr(Status.CMB_INVALID_USE),
    qid: 0,
    command: { opcode: AdminOpcode.CREATE_CQ, prp1: 0xa000_0000, cdw10: 2 | (7 << 16), cdw11: 1 },
    options: { cmbBytes: MIB },
    prepare: (host) => host.write64(0x50, 0xa000_0003),
  },
  {
    what: 'N160 a write to a protected namespace',
    status: dnr(Status.NS_WRITE_PROTECTED),
    command: { ...READ, opcode: NvmOpcode.WRITE },
    options: { namespaces: [{ sizeBytes: MIB, writeProtected: true }] },
  },
  {
    what: 'N160 an uncorrectable block',
    status: dnr(Status.READ_ERROR),
    command: READ,
    prepare: (host) => host.run(1, { opcode: NvmOpcode.WRITE_UNCOR, nsid: 1, cdw10: 3 }),
  },
  {
    what: 'N153 a deallocated block with DULBE',
    status: dnr(Status.UNWRITTEN_BLOCK),
    command: READ,
    prepare: (host) => host.run(0, { opcode: AdminOpcode.SET_FEATURES, nsid: 1, cdw10: 5, cdw11: 0x10000 }),
  },
  {
    what: 'N160 Compare of what differs',
    status: Status.COMPARE_FAILED,
    command: { ...READ, opcode: NvmOpcode.COMPARE },
    prepare: (host) => host.memory.store32(BUFFER + 8, 1),
  },
  {
    what: 'N160 256 ranges',
    status: dnr(Status.CMD_SIZE_LIMIT_EXCEEDED),
    command: { opcode: NvmOpcode.DSM, nsid: 1, prp1: BUFFER, cdw10: 255, cdw11: 4 },
  },
  {
    what: 'N162 a start tag that is none',
    status: dnr(Status.INVALID_PI),
    command: { ...READ, cdw12: 0x2400_0000, cdw14: 9 },
    options: { namespaces: [{ sizeBytes: MIB, format: 1, protection: 1 }] },
  },
  {
    what: 'N150 no such CQ',
    status: dnr(Status.CQ_INVALID),
    qid: 0,
    command: { opcode: 1, prp1: BUFFER, cdw10: 0x1f0002, cdw11: 0x50001 },
  },
  {
    what: 'N150 queue id 0',
    status: dnr(Status.QID_INVALID),
    qid: 0,
    command: { opcode: 5, prp1: BUFFER, cdw10: 0x1f0000, cdw11: 1 },
  },
  {
    what: 'N150 a queue id in use',
    status: dnr(Status.QID_INVALID),
    qid: 0,
    command: { opcode: 5, prp1: BUFFER, cdw10: 0x1f0001, cdw11: 1 },
  },
  {
    what: 'N150 a queue of one entry',
    status: dnr(Status.QUEUE_SIZE),
    qid: 0,
    command: { opcode: 5, prp1: BUFFER, cdw10: 2, cdw11: 1 },
  },
  {
    what: 'N150 a queue inside a page',
    status: dnr(Status.PRP_INVALID_OFFSET),
    qid: 0,
    command: { opcode: 5, prp1: BUFFER + 64, cdw10: 0x1f0002, cdw11: 1 },
  },
  {
    what: 'N150 a vector of nobody',
    status: dnr(Status.INVALID_VECTOR),
    qid: 0,
    command: { opcode: 5, prp1: BUFFER, cdw10: 0x1f0002, cdw11: 0x0fff0003 },
  },
  {
    what: 'N150 a queue in pieces',
    status: dnr(Status.INVALID_FIELD),
    qid: 0,
    command: { opcode: 5, prp1: BUFFER, cdw10: 0x1f0002, cdw11: 0 },
  },
  { what: 'N150 a CQ that an SQ uses', status: dnr(Status.INVALID_QUEUE), qid: 0, command: { opcode: 4, cdw10: 1 } },
  { what: 'N150 no such SQ', status: dnr(Status.QID_INVALID), qid: 0, command: { opcode: 0, cdw10: 9 } },
  {
    what: 'N150 an unknown log page',
    status: dnr(Status.INVALID_LOG_PAGE),
    qid: 0,
    command: { opcode: 2, prp1: BUFFER, cdw10: 0x0000_00c7 },
  },
  {
    what: 'N150 a log offset past the page',
    status: dnr(Status.INVALID_FIELD),
    qid: 0,
    command: { opcode: 2, prp1: BUFFER, cdw10: 2, cdw12: 4096 },
  },
  {
    what: 'N150 a format of nobody',
    status: dnr(Status.INVALID_FORMAT),
    qid: 0,
    command: { opcode: 0x80, nsid: 1, cdw10: 9 },
  },
  {
    what: 'N150 shadow doorbells inside a page',
    status: dnr(Status.INVALID_FIELD),
    qid: 0,
    command: { opcode: 0x7c, prp1: BUFFER + 8, prp2: BUFFER },
  },
  {
    what: 'N151 an unknown CNS',
    status: dnr(Status.INVALID_FIELD),
    qid: 0,
    command: { opcode: 6, prp1: BUFFER, cdw10: 0x77 },
  },
  {
    what: 'N151 a list from the last id',
    status: dnr(Status.INVALID_NS),
    qid: 0,
    command: { opcode: 6, nsid: 0xfffffffe, prp1: BUFFER, cdw10: 2 },
  },
  { what: 'N153 an unknown feature', status: dnr(Status.INVALID_FIELD), qid: 0, command: { opcode: 9, cdw10: 0x7f } },
  { what: 'N153 saving', status: dnr(Status.FEATURE_NOT_SAVEABLE), qid: 0, command: { opcode: 9, cdw10: 0x80000006 } },
  {
    what: 'N153 a namespace for a controller feature',
    status: dnr(Status.FEATURE_NOT_PER_NS),
    qid: 0,
    command: { opcode: 9, nsid: 1, cdw10: 6 },
  },
  {
    what: 'N153 Number of Queues after queues exist',
    status: dnr(Status.CMD_SEQ_ERROR),
    qid: 0,
    command: { opcode: 9, cdw10: 7 },
  },
  {
    what: 'N153 65536 queues',
    status: dnr(Status.INVALID_FIELD),
    qid: 0,
    command: { opcode: 9, cdw10: 7, cdw11: 0xffff },
  },
];

describe('a status for each thing that can be wrong', () => {
  it.each(CASES)('$what', ({ status, qid = 1, command, options, prepare }) => {
    const host = new RawHost(options);
    host.enable();
    host.createQueuePair(1);
    prepare?.(host);
    expect(host.run(qid, command).status.toString(16)).toBe(status.toString(16));
  });

  it('N150 refuses the fifth held event request', () => {
    const host = new RawHost();
    host.enable();
    for (let i = 0; i < 4; i++) host.submit(0, { opcode: AdminOpcode.ASYNC_EVENT });
    expect(host.run(0, { opcode: AdminOpcode.ASYNC_EVENT }).status).toBe(dnr(Status.ASYNC_LIMIT));
  });

  it('N150 refuses an id that is in flight, N171 an aborted command may be retried', () => {
    const host = new RawHost();
    host.enable();
    host.createQueuePair(1);
    host.controller.faults.add({ queue: 'io', times: 1, action: { kind: 'hang' } });
    host.submit(1, { ...READ, cid: 7 });
    expect(host.run(1, { ...READ, cid: 7 }).status).toBe(Status.CMDID_CONFLICT);
    expect(host.run(0, { opcode: AdminOpcode.ABORT_CMD, cdw10: 0x70001 }).dw0).toBe(0);
    expect(host.poll(1)).toMatchObject({ cid: 7, status: Status.ABORT_REQ });
    expect(host.run(0, { opcode: AdminOpcode.ABORT_CMD, cdw10: 0x70001 }).dw0).toBe(1);
  });

  it('N150 keeps the result of an admin command while delayed ones are executed before it', () => {
    const host = new RawHost();
    host.enable();
    host.createQueuePair(1);
    host.controller.faults.add({ queue: 'admin', opcode: 0x0a, times: 1, action: { kind: 'delay', nanos: 1000 } });
    const delayed = host.submit(0, { opcode: AdminOpcode.GET_FEATURES, cdw10: 4 });
    host.settle();
    host.submit(0, { opcode: AdminOpcode.GET_FEATURES, cdw10: 1, cid: 99 });
    host.controller.advance(1000);
    host.settle();
    const both = [host.poll(0)!, host.poll(0)!];
    expect(both.find(({ cid }) => cid === delayed)?.dw0).toBe(343);
    expect(both.find(({ cid }) => cid === 99)?.dw0).toBe(7);
  });

  it('N150 ends what a deleted queue had in flight with 008h before the deletion', () => {
    const host = new RawHost();
    host.enable();
    host.createQueuePair(1);
    host.controller.faults.add({ queue: 'io', action: { kind: 'hang' } });
    host.submit(1, { ...READ, cid: 9 });
    host.settle();
    expect(host.run(0, { opcode: AdminOpcode.DELETE_SQ, cdw10: 1 }).status).toBe(0);
    expect(host.poll(1)).toMatchObject({ cid: 9, status: Status.ABORT_QUEUE });
  });

  it.each([
    ['guard', 0x1000_0000, Status.GUARD_CHECK, 0],
    ['application tag', 0x0800_0000, Status.APPTAG_CHECK, 2],
    ['reference tag', 0x0400_0000, Status.REFTAG_CHECK, 4],
  ] as const)('N162 tells a wrong %s', (_what, check, status, at) => {
    const host = new RawHost({ namespaces: [{ sizeBytes: MIB, format: 1, protection: 1 }] });
    host.enable();
    host.createQueuePair(1);
    const metadata = BUFFER + 8192;
    const io = { nsid: 1, prp1: BUFFER, mptr: metadata, cdw10: 5, cdw14: 5, cdw15: 0xffff0007 };
    // The device makes the tuple; the host reads it unchecked, spoils one field, and writes it back unchecked.
    expect(host.run(1, { ...io, opcode: NvmOpcode.WRITE, cdw12: 0x2000_0000 }).status).toBe(0);
    expect(host.run(1, { ...io, opcode: NvmOpcode.READ }).status).toBe(0);
    host.memory.store8(metadata + at, host.memory.load8(metadata + at) ^ 0x40);
    expect(host.run(1, { ...io, opcode: NvmOpcode.WRITE }).status).toBe(0);
    expect(host.run(1, { ...io, opcode: NvmOpcode.READ, cdw12: check }).status).toBe(status);
  });

  it.each(Object.entries(Status))('N170 %s reaches the host as the rule says that injects it', (_name, status) => {
    const host = new RawHost();
    host.enable();
    host.createQueuePair(1);
    host.controller.faults.add({ queue: 'io', opcode: NvmOpcode.READ, lba: 3, action: { kind: 'status', status } });
    expect(host.run(1, READ).status).toBe(status);
    expect(host.run(1, { ...READ, cdw10: 16 }).status).toBe(0);
  });
});
