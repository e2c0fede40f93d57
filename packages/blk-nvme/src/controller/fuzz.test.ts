import { expect, it } from 'vitest';
import { CSTS_CFS, CSTS_RDY, Register } from '../spec/registers.ts';
import { BUFFER, BUFFER_BYTES, RawHost } from '../testing/raw-host.ts';

/** Commands and register writes of one run; the environment can ask for the whole million. */
const ROUNDS = Number(process.env['NVME_FUZZ_ROUNDS'] ?? 20_000);
const QUEUES = 3;
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
  const opcodes = [0, 1, 2, 4, 5, 6, 8, 9, 0xa, 0xc, 0x18, 0x7c, 0x80, 0x82];
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

it('N175 random commands and register writes never reach memory that was not granted, and always come to an end', () => {
  const host = startedHost();
  const random = generator(7);
  host.memory.fill(SECRET, 4096, 0x77);
  let [completions, submitted, fatal] = [0, 0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    if (random() % 8 === 0) host.controller.writeRegister((random() % 0x1100) & ~3, random());
    else {
      const qid = random() % QUEUES;
      for (let i = 0; i < 64; i += 4) host.memory.store32(BUFFER + (random() % 0x1000) * 4, random());
      host.submit(qid, command(random));
      submitted++;
    }
    host.settle();
    for (let qid = 0; qid < QUEUES; qid++) while (host.poll(qid) !== undefined) completions++;
    const csts = host.controller.readRegister(Register.CSTS);
    if ((csts & CSTS_CFS) !== 0) fatal++;
    if ((csts & (CSTS_RDY | CSTS_CFS)) !== CSTS_RDY || random() % 64 === 0) restart(host);
  }
  expect(host.bytes(SECRET, 4096).every((byte) => byte === 0x77)).toBe(true);
  expect(submitted).toBeGreaterThan(ROUNDS / 2);
  expect(completions).toBeGreaterThan(submitted / 2);
  expect(fatal).toBeLessThan(ROUNDS);
});
