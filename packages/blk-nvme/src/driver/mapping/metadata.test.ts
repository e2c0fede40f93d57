import { describe, expect, it } from 'vitest';
import { Bio } from '../../block/bio/bio.ts';
import { BLK_STS_NOTSUPP, BLK_STS_OK, BLK_STS_PROTECTION } from '../../block/bio/block-status.ts';
import { REQ_INTEGRITY, REQ_OP_READ, REQ_OP_WRITE } from '../../block/bio/op.ts';
import type { NvmeControllerOptions } from '../../controller/options.ts';
import { get } from '../../spec/bits.ts';
import { NvmOpcode } from '../../spec/opcodes.ts';
import { Cdw0, SqeWord } from '../../spec/sqe.ts';
import { type DmaMode, NvmeMachine } from '../../testing/nvme-machine.ts';
import { submitUserCommand } from '../requests/user-command.ts';

const B = 0x2000_0000;
const META = 0x2100_0000;
const MIB = 2 ** 20;
/** 512 bytes of data and 64 of metadata a block. */
const FORMAT = 3;

function ready(mode: DmaMode, controller: Partial<NvmeControllerOptions>, blkDevIntegrity = false): NvmeMachine {
  const machine = new NvmeMachine({ mode, controller, driver: { scanCpu: -1, parameters: { blkDevIntegrity } } });
  expect(machine.driver.probe()).toBe(0);
  machine.ring.on = true;
  return machine;
}

/** An I/O of 8 blocks with its metadata in these pieces. */
function io(machine: NvmeMachine, op: number, data: number, pieces: readonly (readonly [number, number])[]): Bio {
  const bio = new Bio().init(op | REQ_INTEGRITY, 0);
  bio.addPhys(data, 4096);
  bio.integrity = new Bio().init(op, 0);
  for (const [phys, bytes] of pieces) bio.integrity.addPhys(phys, bytes);
  return machine.submit(bio);
}

const named = (machine: NvmeMachine, name: string) => machine.events().filter((line) => line.startsWith(`${name}:`));

describe.each(['direct', 'vtd', 'bounce'] as const)('metadata, %s', (mode) => {
  const namespaces = [{ sizeBytes: MIB, format: FORMAT }];

  it.each([
    ['one buffer', [[META, 512]], 0],
    [
      'two pieces',
      [
        [META, 256],
        [META + 8192, 256],
      ],
      2,
    ],
    [
      'three pieces that meet on pages',
      [
        [META + 4096 - 128, 128],
        [META + 8192, 256],
        [META + 16384, 128],
      ],
      2,
    ],
  ] as const)('N86 writes and reads back with %s, PSDT value in the last column', (_what, pieces, psdt) => {
    const machine = ready(mode, { namespaces });
    const pattern = Uint8Array.from({ length: 512 }, (_, i) => (i * 5) & 0xff);
    let at = 0;
    for (const [phys, bytes] of pieces) {
      machine.memory.write(phys, pattern, at, bytes);
      at += bytes;
    }
    machine.memory.fill(B, 4096, 0x3c);
    expect(io(machine, REQ_OP_WRITE, B, pieces).status).toBe(BLK_STS_OK);
    expect(get(machine.newestCommand()[SqeWord.CDW0], Cdw0.PSDT)).toBe(psdt);
    const back = [[META + 0x10000, 512]] as const;
    expect(io(machine, REQ_OP_READ, B + 8192, back).status).toBe(BLK_STS_OK);
    const read = new Uint8Array(512);
    machine.memory.read(META + 0x10000, read);
    expect(read).toEqual(pattern);
    expect(machine.memory.load8(B + 8192)).toBe(0x3c);
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain('meta=0x1');
  });

  it('N46 maps pieces that meet on pages as one range behind an IOMMU, N87 and undoes metadata before data', () => {
    const machine = ready(mode, { namespaces });
    io(machine, REQ_OP_WRITE, B, [
      [META + 4096 - 256, 256],
      [META + 8192, 256],
    ]);
    const lines = machine.events().map((line) => line.slice(0, line.indexOf(':')));
    const undone = machine.events().filter((line) => /^(dma_)?unmap(_phys)?:/.test(line));
    if (mode === 'vtd') {
      // Data is forced to an SGL, as one segment: its own map and dma_map_phys; then the metadata's two links.
      expect(lines.filter((name) => name === 'dma_map_phys')).toHaveLength(1);
      expect(undone[0]).toContain('size=8192');
      // One range needs no segment descriptor: what MPTR names is the data's own (type 0, 512 bytes).
      expect(machine.driver.pools.small.alloc()).toBe(true);
      const at = machine.driver.pools.small.phys;
      expect([machine.memory.load32(at + 8), machine.memory.load32(at + 12)]).toEqual([512, 0]);
    } else if (mode === 'bounce') {
      expect(undone.map((line) => /size=(\d+)/.exec(line)![1])).toEqual(['256', '256', '4096']);
    } else expect(lines.filter((name) => name === 'dma_map_phys')).toHaveLength(3);
  });

  it('N87 gives every mapping and every block back', () => {
    const machine = ready(mode, { namespaces });
    const { small } = machine.driver.pools;
    const pieces = [
      [META, 256],
      [META + 8192, 256],
    ] as const;
    io(machine, REQ_OP_WRITE, B, pieces);
    expect(small.alloc()).toBe(true);
    const block = small.phys;
    small.free(small.phys, small.dmaAddr);
    for (let i = 0; i < 40; i++) io(machine, REQ_OP_READ, B, pieces);
    expect(small.alloc()).toBe(true);
    expect(small.phys).toBe(block);
    if (mode !== 'direct') expect(named(machine, 'dma_unmap_phys')).toHaveLength(named(machine, 'dma_map_phys').length);
  });
});

describe('protection information of the block layer', () => {
  const namespaces = [{ sizeBytes: MIB, format: 1, protection: 1 }];

  it('N47 makes tuples that the device accepts, and checks those that it sends', () => {
    const machine = ready('vtd', { namespaces }, true);
    const { live } = machine.pages;
    machine.memory.fill(B, 8192, 0x77);
    expect(machine.io(REQ_OP_WRITE, 8, [[B, 4096]]).status).toBe(BLK_STS_OK);
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain('meta=0x1');
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain('ctrl=0x1400, dsmgmt=0, reftag=8');
    expect(machine.io(REQ_OP_READ, 8, [[B + 8192, 4096]]).status).toBe(BLK_STS_OK);
    expect(machine.memory.load8(B + 8192)).toBe(0x77);
    // The pool's page is the only one that stays.
    expect(machine.pages.live - live).toBeLessThanOrEqual(1);
  });

  it('N47 finds what went bad on the way, after the device found it good', () => {
    const machine = ready('direct', { namespaces }, true);
    machine.memory.fill(B, 4096, 0x77);
    machine.io(REQ_OP_WRITE, 8, [[B, 4096]]);
    machine.controller.faults.add({ queue: 'io', times: 1, opcode: 2, action: { kind: 'corruptData' } });
    expect(machine.io(REQ_OP_READ, 8, [[B, 4096]]).status).toBe(BLK_STS_PROTECTION);
  });

  it('N47 does nothing without a checksum profile: other metadata has to be sent', () => {
    const machine = ready('direct', { namespaces: [{ sizeBytes: MIB, format: 1 }] }, true);
    expect(machine.io(REQ_OP_WRITE, 8, [[B, 4096]]).status).toBe(BLK_STS_NOTSUPP);
  });
});

describe('metadata interleaved with the data', () => {
  it('N72 is made and taken off by the device where it is one tuple', () => {
    const machine = ready('vtd', {
      namespaces: [{ sizeBytes: MIB, format: 1, protection: 1, extendedMetadata: true }],
    });
    machine.memory.fill(B, 4096, 0x77);
    expect(machine.io(REQ_OP_WRITE, 8, [[B, 4096]]).status).toBe(BLK_STS_OK);
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain('ctrl=0x2000');
    expect(machine.io(REQ_OP_READ, 8, [[B + 8192, 4096]]).status).toBe(BLK_STS_OK);
    expect([machine.memory.load8(B + 8192), machine.memory.load8(B + 12287)]).toEqual([0x77, 0x77]);
    expect(machine.memory.load8(B + 12288)).toBe(0);
  });

  it.each([
    ['interleaved without protection', { format: 1, extendedMetadata: true }],
    ['interleaved and longer than a tuple', { format: 2, protection: 1, extendedMetadata: true }],
    ['apart and longer than a tuple', { format: 2, protection: 1 }],
  ])('N72 answers NOTSUPP to I/O that has no place for its metadata: %s', (_what, namespace) => {
    const machine = ready('direct', { namespaces: [{ sizeBytes: MIB, ...namespace }] });
    expect(machine.io(REQ_OP_WRITE, 8, [[B, 4096]]).status).toBe(BLK_STS_NOTSUPP);
  });

  it('N72 is not taken from a payload of its own', () => {
    const machine = ready('direct', {
      namespaces: [{ sizeBytes: MIB, format: 1, protection: 1, extendedMetadata: true }],
    });
    expect(io(machine, REQ_OP_WRITE, B, [[META, 64]]).status).toBe(BLK_STS_NOTSUPP);
  });

  it('N74 comes and goes as data of a user command', () => {
    const machine = ready('vtd', { namespaces: [{ sizeBytes: MIB, format: 1, extendedMetadata: true }] });
    const pattern = Uint8Array.from({ length: 8 * 520 }, (_, i) => (i * 7) & 0xff);
    machine.memory.write(B, pattern);
    for (const [opcode, phys] of [
      [NvmOpcode.WRITE, B],
      [NvmOpcode.READ, B + 8192],
    ]) {
      const words = new Uint32Array(16);
      words.set([opcode, 1]);
      words[SqeWord.CDW12] = 7;
      const data = new Bio().init(0, 0);
      data.addPhys(phys, pattern.length);
      const ends: number[] = [];
      expect(submitUserCommand(machine.driver.disk(1)!, words, data, ({ status }) => ends.push(status))).toBe(true);
      machine.settle();
      expect(ends).toEqual([0]);
    }
    const back = new Uint8Array(pattern.length);
    machine.memory.read(B + 8192, back);
    expect(back).toEqual(pattern);
  });
});
