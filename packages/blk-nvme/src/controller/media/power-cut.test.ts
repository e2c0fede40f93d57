import { expect, it } from 'vitest';
import { NvmOpcode } from '../../spec/opcodes.ts';
import { BUFFER, RawHost } from '../../testing/raw-host.ts';

const WRITES = 10_000;
const BLOCKS = 256;
const BLOCK_BYTES = 512;
/** A write of up to 8 blocks is not torn. */
const AWUPF = 7;
const FUA = 0x4000_0000;

/** A small generator with a seed: the run is the same each time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Write {
  readonly version: number;
  readonly slba: number;
  readonly blocks: number;
}

/** A disk whose blocks each carry the number of the write that made them. */
class VersionedDisk {
  readonly host = new RawHost({
    namespaces: [{ sizeBytes: BLOCKS * BLOCK_BYTES }],
    trackDurability: true,
    awupf: AWUPF,
  });
  readonly durable = new Uint32Array(BLOCKS);
  pending: Write[] = [];

  start(): void {
    this.host.enable();
    this.host.createQueuePair(1);
  }

  write({ version, slba, blocks }: Write, fua = 0): void {
    for (let i = 0; i < blocks; i++) this.host.memory.store32(BUFFER + i * BLOCK_BYTES, version);
    const cdw12 = (blocks - 1) | fua;
    this.host.run(1, { opcode: NvmOpcode.WRITE, nsid: 1, prp1: BUFFER, cdw10: slba, cdw12 });
  }

  flush(): void {
    this.host.run(1, { opcode: NvmOpcode.FLUSH, nsid: 1 });
    for (const write of this.pending) this.durable.fill(write.version, write.slba, write.slba + write.blocks);
    this.pending = [];
  }

  versions(): Uint32Array {
    const bytes = new Uint8Array(BLOCKS * BLOCK_BYTES);
    this.host.controller.namespace(1)!.media.read(0, bytes, 0, bytes.length);
    return Uint32Array.from({ length: BLOCKS }, (_, i) => new DataView(bytes.buffer).getUint32(i * BLOCK_BYTES, true));
  }

  /** Puts back what was durable, and sends the unflushed writes again: as if no power had gone. */
  restore(): void {
    const bytes = new Uint8Array(BLOCKS * BLOCK_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < BLOCKS; i++) view.setUint32(i * BLOCK_BYTES, this.durable[i], true);
    this.host.controller.namespace(1)!.media.write(0, bytes, 0, bytes.length);
    this.start();
    for (const write of this.pending) this.write(write);
  }
}

/** Blocks whose content nobody may have left, and writes of which only a part survived. */
function damage(disk: VersionedDisk, after: Uint32Array): { lost: number; torn: number } {
  const allowed = Array.from(disk.durable, (version) => new Set([version]));
  for (const { version, slba, blocks } of disk.pending) for (let i = 0; i < blocks; i++) allowed[slba + i].add(version);
  const lost = after.reduce((count, version, i) => count + (allowed[i].has(version) ? 0 : 1), 0);
  let torn = 0;
  for (const [i, { version, slba, blocks }] of disk.pending.entries()) {
    const later = disk.pending.slice(i + 1);
    const own = Array.from({ length: blocks }, (_, b) => slba + b).filter(
      (block) => !later.some((write) => block >= write.slba && block < write.slba + write.blocks),
    );
    const survived = own.filter((block) => after[block] === version).length;
    if (survived !== 0 && survived !== own.length) torn++;
  }
  return { lost, torn };
}

it('N161 a power cut at every completion of 10 000 writes loses nothing flushed or forced, and tears no atomic unit', () => {
  const disk = new VersionedDisk();
  const random = generator(42);
  disk.start();
  let [cuts, lost, torn, unflushed] = [0, 0, 0, 0];
  for (let version = 1; version <= WRITES; version++) {
    const blocks = 1 + random(AWUPF + 1);
    const write = { version, slba: random(BLOCKS - blocks), blocks };
    const forced = random(16) === 0;
    disk.write(write, forced ? FUA : 0);
    if (forced) {
      // The cache drains in order up to the newest write that the forced one covers.
      const last = disk.pending.findLastIndex((w) => w.slba < write.slba + blocks && write.slba < w.slba + w.blocks);
      for (const old of disk.pending.splice(0, last + 1)) {
        disk.durable.fill(old.version, old.slba, old.slba + old.blocks);
      }
      disk.durable.fill(version, write.slba, write.slba + blocks);
    } else disk.pending.push(write);
    if (random(8) === 0) disk.flush();
    unflushed += disk.pending.length;
    disk.host.controller.powerCut((_i, _slba, count) => (random(2) === 0 ? 0 : random(count + 1)));
    const result = damage(disk, disk.versions());
    cuts++;
    lost += result.lost;
    torn += result.torn;
    disk.restore();
  }
  console.log(`power cuts ${cuts}, unflushed writes at them ${unflushed}, blocks lost ${lost}, writes torn ${torn}`);
  expect({ cuts, lost, torn }).toEqual({ cuts: WRITES, lost: 0, torn: 0 });
  expect(unflushed).toBeGreaterThan(WRITES);
});

it('N161 without FUA and flush a power cut can take a completed write back', () => {
  const disk = new VersionedDisk();
  disk.start();
  disk.write({ version: 1, slba: 0, blocks: 8 });
  disk.host.controller.powerCut();
  expect(disk.versions()[0]).toBe(0);
  expect(disk.host.controller.health.unsafeShutdowns).toBe(1);
});

it('N161 N162 a power cut takes metadata back together with the data that it protects', () => {
  const host = new RawHost({
    namespaces: [{ sizeBytes: BLOCKS * BLOCK_BYTES, format: 1, protection: 1 }],
    trackDurability: true,
  });
  const random = generator(5);
  const PRACT = 0x2000_0000;
  const PRCHK = 0x1400_0000;
  let [survived, lost] = [0, 0];
  for (let version = 1; version <= 500; version++) {
    host.enable();
    host.createQueuePair(1);
    const slba = random(BLOCKS);
    host.memory.fill(BUFFER, BLOCK_BYTES, version & 0xff);
    const write = { opcode: NvmOpcode.WRITE, nsid: 1, prp1: BUFFER, cdw10: slba, cdw14: slba, cdw12: PRACT };
    expect(host.run(1, write).status).toBe(0);
    host.controller.powerCut((_i, _slba, blocks) => random(2) * blocks);
    host.enable();
    host.createQueuePair(1);
    const read = { ...write, opcode: NvmOpcode.READ, cdw12: PRACT | PRCHK };
    expect(host.run(1, read).status).toBe(0);
    if (host.memory.load8(BUFFER) === (version & 0xff)) survived++;
    else lost++;
    host.controller.writeRegister(0x14, 0);
  }
  expect(Math.min(survived, lost)).toBeGreaterThan(100);
});
