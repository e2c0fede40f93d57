import { expect, it } from 'vitest';
import { AdminOpcode, NvmOpcode } from '../spec/opcodes.ts';
import { CSTS_CFS, CSTS_RDY, Register } from '../spec/registers.ts';
import { BUFFER, BUFFER_BYTES, RawHost } from '../testing/raw-host.ts';

/** Commands and register writes of one run; the environment can ask for the whole million. */
const ROUNDS = Number(process.env['NVME_FUZZ_ROUNDS'] ?? 20_000);
const QUEUES = 3;
/** How long a format, a sanitize or an activation of firmware takes. */
const BACKGROUND_NANOS = 1000;
const SECRET = 0x3000_0000;

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return (state ^ (state >>> 13)) >>> 0;
  };
}

function startedHost(): RawHost {
  const host = new RawHost({
    cmbBytes: 2 ** 20,
    unallocatedBytes: 2 ** 20,
    subsystemReset: true,
    weightedArbitration: true,
    kas: 1,
    formatNanos: BACKGROUND_NANOS,
    sanitizeNanos: BACKGROUND_NANOS,
    activationNanos: BACKGROUND_NANOS,
    namespaces: [{ sizeBytes: 2 ** 20 }, { sizeBytes: 2 ** 20, format: 1 }],
  });
  restart(host);
  return host;
}

function restart(host: RawHost): void {
  host.controller.reset();
  host.enable();
  for (let qid = 1; qid < QUEUES; qid++) host.createQueuePair(qid);
}

/** Words that look like a command more often than chance would have it. */
function command(random: () => number) {
  const opcodes = [
    0, 1, 2, 4, 5, 6, 8, 9, 0xa, 0xc, 0xd, 0x10, 0x11, 0x15, 0x14, 0x18, 0x19, 0x1a, 0x7c, 0x80, 0x82, 0x84, 0x86,
  ];
  const near = () => BUFFER + ((random() % BUFFER_BYTES) & ~(random() % 3 === 0 ? 0 : 4095));
  const address = () => (random() % 8 === 0 ? random() * 4096 : near());
  return {
    opcode: random() % 4 === 0 ? random() & 0xff : opcodes[random() % opcodes.length],
    nsid: random() % 6 === 0 ? random() : random() % 4,
    flags: random() % 3 === 0 ? random() & 0xff : 0,
    prp1: address(),
    prp2: address(),
    mptr: address(),
    cdw10: random() % 3 === 0 ? random() : random() % 2100,
    cdw11: random() % 3 === 0 ? random() : random() % 8,
    cdw12: random() % 3 === 0 ? random() : random() % 300,
    cdw13: random(),
    cdw14: random(),
    cdw15: random(),
  };
}

/** Commands after which the host no longer knows where its queues are: it starts anew, as a driver would reset. */
const REARRANGES: readonly number[] = [
  AdminOpcode.DELETE_SQ,
  AdminOpcode.CREATE_SQ,
  AdminOpcode.DELETE_CQ,
  AdminOpcode.CREATE_CQ,
  AdminOpcode.DBBUF,
];

/** What became of the commands of a run. */
interface Ends {
  completed: number;
  heldEvents: number;
  fatal: number;
  /** Neither completed nor held, by a controller that says that it is ready: there must be none. */
  lost: number;
}

it('N175 each random command ends in a completion, a held event request or a fatal status, whatever else is written', () => {
  const host = startedHost();
  const random = generator(7);
  host.memory.fill(SECRET, 4096, 0x77);
  const ends: Ends = { completed: 0, heldEvents: 0, fatal: 0, lost: 0 };
  const restarted = () => restart(host);
  let submitted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    if (random() % 8 === 0) {
      const offset = (random() % 0x1100) & ~3;
      host.controller.writeRegister(offset, random());
      host.settle();
      // A doorbell that was moved by chance, or a controller that was switched off, needs a reset to be used again.
      if (offset >= Register.DOORBELLS || host.controller.readRegister(Register.CSTS) !== CSTS_RDY) restarted();
      continue;
    }
    const qid = random() % QUEUES;
    for (let i = 0; i < 64; i += 4) host.memory.store32(BUFFER + (random() % 0x1000) * 4, random());
    const sent = command(random);
    const cid = host.submit(qid, sent);
    submitted++;
    host.settle();
    // What takes its time ends too.
    host.controller.advance(BACKGROUND_NANOS);
    host.settle();
    let status = -1;
    for (let q = 0; q < QUEUES; q++) {
      for (let c = host.poll(q); c !== undefined; c = host.poll(q))
        if (c.sqid === qid && c.cid === cid) status = c.status;
    }
    const csts = host.controller.readRegister(Register.CSTS);
    if (status >= 0) ends.completed++;
    else if ((csts & CSTS_CFS) !== 0) ends.fatal++;
    else if (qid === 0 && sent.opcode === AdminOpcode.ASYNC_EVENT) ends.heldEvents++;
    else ends.lost++;
    const rearranged = qid === 0 && status === 0 && REARRANGES.includes(sent.opcode);
    if (csts !== CSTS_RDY || rearranged || random() % 64 === 0) restarted();
  }
  console.log(`${submitted} commands: ${JSON.stringify(ends)}; requests refused by the port: ${host.port.refused}`);
  expect(ends.lost).toBe(0);
  expect(submitted).toBeGreaterThan(ROUNDS / 2);
  expect(host.port.refused).toBeGreaterThan(0);
  expect(host.bytes(SECRET, 4096).every((byte) => byte === 0x77)).toBe(true);
});

/** What a host in disorder does besides commands: it moves doorbells, switches, resets and rearranges as it likes. */
function disorder(host: RawHost, random: () => number): void {
  const { controller } = host;
  const qid = random() % (QUEUES + 1);
  switch (random() % 8) {
    case 0:
      controller.writeRegister(Register.DOORBELLS + 4 * (random() % 12), random() % 80);
      break;
    case 1:
      controller.writeRegister(Register.CC, random() % 2 === 0 ? 0 : 0x0046_0001);
      break;
    case 2:
      controller.writeRegister((random() % 0x70) & ~3, random());
      break;
    case 3:
      if (random() % 8 === 0) controller.powerCut();
      else controller.reset();
      break;
    case 4:
      controller.advance(random() % 1e9);
      break;
    default: {
      const opcode = [AdminOpcode.DELETE_SQ, AdminOpcode.CREATE_SQ, AdminOpcode.DELETE_CQ, AdminOpcode.CREATE_CQ][
        random() % 4
      ];
      const prp1 = opcode === AdminOpcode.CREATE_SQ ? host.sqAddress(qid) : host.cqAddress(qid);
      const cdw11 = opcode === AdminOpcode.CREATE_SQ ? 1 | (qid << 16) : 3;
      host.submit(0, { opcode, prp1, cdw10: qid | ((1 + (random() % 63)) << 16), cdw11 });
    }
  }
}

it('N175 B40 resets, power cuts, doorbells and queues that come and go, also in the middle of a request, stop nothing', () => {
  const host = startedHost();
  const random = generator(11);
  host.memory.fill(SECRET, 4096, 0x77);
  let inside = 0;
  const interfere = () => {
    if (random() % 20 !== 0) return;
    inside++;
    if (random() % 2 === 0) host.controller.reset();
    else host.controller.writeRegister(Register.CC, 0);
  };
  host.port.onRequest = interfere;
  for (let round = 0; round < ROUNDS / 4; round++) {
    if (random() % 2 === 0) disorder(host, random);
    else host.submit(random() % QUEUES, command(random));
    if (random() % 3 === 0) host.settle();
    for (let qid = 0; qid < QUEUES; qid++) if (random() % 4 === 0) host.poll(qid);
    if (random() % 40 !== 0) continue;
    host.port.onRequest = null;
    restart(host);
    // Whatever came before: a controller that was reset works.
    const { status } = host.run(1, { opcode: NvmOpcode.FLUSH, nsid: 0xffff_ffff, cid: 0xfff0 });
    expect(status).toBe(0);
    host.port.onRequest = interfere;
  }
  expect(inside).toBeGreaterThan(ROUNDS / 1000);
  expect(host.bytes(SECRET, 4096).every((byte) => byte === 0x77)).toBe(true);
});
