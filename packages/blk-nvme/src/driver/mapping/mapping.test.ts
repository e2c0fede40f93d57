import type { P2pProvider } from '@dmalab/dma-api';
import { PCI_P2PDMA_MAP_BUS_ADDR } from '@dmalab/dma-api';
import { IOMMU_READ, IOMMU_WRITE } from '@dmalab/iommu';
import { describe, expect, it } from 'vitest';
import { Bio } from '../../block/bio/bio.ts';
import { BLK_STS_IOERR, BLK_STS_OK } from '../../block/bio/block-status.ts';
import { REQ_OP_DISCARD, REQ_OP_READ, REQ_OP_WRITE, REQ_PREFLUSH, REQ_SYNC } from '../../block/bio/op.ts';
import { get } from '../../spec/bits.ts';
import { SglWord3 } from '../../spec/sgl.ts';
import { SqeWord } from '../../spec/sqe.ts';
import { type DmaMode, NvmeMachine, type NvmeMachineOptions } from '../../testing/nvme-machine.ts';
import { submitUserCommand } from '../requests/user-command.ts';

const MIB = 2 ** 20;
type Vectors = readonly (readonly [number, number])[];

/** A probed machine that records from now on. */
function ready(options: NvmeMachineOptions): NvmeMachine {
  const machine = new NvmeMachine(options);
  machine.driver.probe();
  machine.ring.on = true;
  return machine;
}

/** What the command in the last queue slot says of its data. */
function descriptor(machine: NvmeMachine): string {
  const words = machine.newestCommand();
  if ((words[0] & 0xc000) === 0) {
    if (words[SqeWord.PRP2] === 0 && words[SqeWord.PRP2 + 1] === 0) return 'PRP1';
    return 'PRP1, PRP2';
  }
  const type = get(words[SqeWord.DPTR + 3], SglWord3.TYPE);
  return type === 0 ? `SGL data ${words[SqeWord.DPTR + 2]}` : `SGL list of ${words[SqeWord.DPTR + 2] / 16}`;
}

function calls(machine: NvmeMachine): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of machine.events()) {
    const name = line.slice(0, line.indexOf(':'));
    if (/^(map|unmap|dma_map_phys|dma_unmap_phys)$/.test(name)) counts[name] = (counts[name] ?? 0) + 1;
  }
  // A pool that grows maps its own page.
  const pages = machine.events().filter((line) => line.startsWith('dma_alloc:')).length;
  if (counts['map'] !== undefined) counts['map'] -= pages;
  return counts;
}

const B = 0x2000_0000;
const pages = (count: number): Vectors =>
  Array.from({ length: count }, (_, i) => [B + (count - i) * 8192, 4096] as const);

interface Row {
  readonly what: string;
  readonly mode: DmaMode;
  readonly vectors: Vectors;
  readonly shows: string;
  readonly calls: Record<string, number>;
  readonly options?: NvmeMachineOptions;
}

const ROWS: readonly Row[] = [
  {
    what: 'N178 4 KiB',
    mode: 'direct',
    vectors: [[B, 4096]],
    shows: 'PRP1',
    calls: { dma_map_phys: 1, dma_unmap_phys: 1 },
  },
  {
    what: 'N178 4 KiB',
    mode: 'vtd',
    vectors: [[B, 4096]],
    shows: 'PRP1',
    calls: { map: 1, dma_map_phys: 1, unmap: 1, dma_unmap_phys: 1 },
  },
  {
    what: 'N178 4 KiB at 512',
    mode: 'direct',
    vectors: [
      [B + 512, 3584],
      [B + 8192, 512],
    ],
    shows: 'PRP1, PRP2',
    calls: { dma_map_phys: 2 },
  },
  {
    what: 'N178 4 KiB at 512',
    mode: 'vtd',
    vectors: [
      [B + 512, 3584],
      [B + 8192, 512],
    ],
    shows: 'PRP1, PRP2',
    calls: { map: 2, unmap: 1 },
  },
  {
    what: 'N177 128 KiB of scattered pages',
    mode: 'direct',
    vectors: pages(32),
    shows: 'PRP1, PRP2',
    calls: { dma_map_phys: 32 },
  },
  {
    what: 'N177 128 KiB of scattered pages',
    mode: 'vtd',
    vectors: pages(32),
    shows: 'SGL data 131072',
    calls: { map: 32, unmap: 1 },
  },
  {
    what: 'N177 128 KiB of scattered pages',
    mode: 'bounce',
    vectors: pages(32),
    shows: 'PRP1, PRP2',
    calls: { dma_map_phys: 32, dma_unmap_phys: 32 },
  },
  {
    what: 'N179 N82 12 KiB of three pages',
    mode: 'vtd',
    vectors: pages(3),
    shows: 'PRP1, PRP2',
    calls: { map: 3, unmap: 1 },
  },
  {
    what: 'N179 1024 at 200h and 3072 at 400h',
    mode: 'direct',
    vectors: [
      [B + 0x200, 1024],
      [B + 8192 + 0x400, 3072],
    ],
    shows: 'SGL list of 2',
    calls: { dma_map_phys: 2 },
  },
  {
    what: 'N179 1024 at 200h and 3072 at 400h',
    mode: 'vtd',
    vectors: [
      [B + 0x200, 1024],
      [B + 8192 + 0x400, 3072],
    ],
    shows: 'SGL list of 2',
    calls: { map: 2, dma_map_phys: 2, unmap: 2, dma_unmap_phys: 2 },
  },
  {
    what: 'N179 N85 20 x 512 at 100h',
    mode: 'direct',
    vectors: Array.from({ length: 20 }, (_, i) => [B + i * 8192 + 0x100, 512] as const),
    shows: 'SGL list of 20',
    calls: { dma_map_phys: 20 },
  },
  {
    what: 'N179 64 KiB of a huge page at 512',
    mode: 'direct',
    vectors: [[B + 512, 65536]],
    shows: 'SGL data 65536',
    calls: { dma_map_phys: 1, dma_unmap_phys: 1 },
  },
  {
    what: 'N179 N81 8 KiB of a huge page',
    mode: 'direct',
    vectors: [[B, 8192]],
    shows: 'PRP1, PRP2',
    calls: { dma_map_phys: 1, dma_unmap_phys: 1 },
  },
  {
    what: 'N179 N81 12 KiB of a huge page, threshold 0',
    mode: 'direct',
    vectors: [[B, 12288]],
    shows: 'SGL data 12288',
    calls: { dma_map_phys: 1, dma_unmap_phys: 1 },
    options: { driver: { parameters: { sglThreshold: 0 } } },
  },
  {
    what: 'N179 2 MiB of a huge page in 3 segments',
    mode: 'direct',
    vectors: [
      [B, MIB],
      [B + MIB, MIB - 4096],
      [B + 2 * MIB - 4096, 4096],
    ],
    shows: 'SGL list of 1',
    calls: { dma_map_phys: 1 },
    options: { controller: { mdts: 9 } },
  },
  {
    what: 'N179 the same with threshold 0',
    mode: 'direct',
    vectors: [
      [B, MIB],
      [B + MIB, MIB - 4096],
      [B + 2 * MIB - 4096, 4096],
    ],
    shows: 'PRP1, PRP2',
    calls: { dma_map_phys: 1 },
    options: { controller: { mdts: 9 }, driver: { parameters: { sglThreshold: 0 } } },
  },
];

describe('mapping', () => {
  it.each(ROWS)('$what, $mode: $shows', ({ mode, vectors, shows, calls: expected, options }) => {
    const machine = ready({ mode, ...options });
    expect(machine.io(REQ_OP_READ, 8, vectors).status).toBe(BLK_STS_OK);
    expect(descriptor(machine)).toBe(shows);
    expect(calls(machine)).toEqual(expected);
  });

  it('N83 moves 2 MiB at offset 512 with exactly 512 list entries, and 8 MiB through chained lists', () => {
    for (const [offset, bytes] of [
      [512, 2 * MIB],
      [0, 8 * MIB],
    ] as const) {
      const machine = ready({
        controller: { mdts: 11, namespaces: [{ sizeBytes: 16 * MIB }] },
        driver: { parameters: { sglThreshold: 0 } },
      });
      const half = bytes / 2 - offset;
      const pattern = Uint8Array.from({ length: bytes }, (_, i) => (i >> 9) & 0xff);
      const { media } = machine.controller.namespace(1)!;
      media.write(0, pattern, 0, bytes);
      machine.io(REQ_OP_READ, 0, [
        [B + offset, half],
        [B + offset + half, bytes - half],
      ]);
      const read = new Uint8Array(bytes);
      machine.memory.read(B + offset, read);
      expect(read).toEqual(pattern);
    }
  });

  it('N73 sends 4096 bytes of ranges whatever their number, and the blocks read as zeroes', () => {
    const machine = ready({ mode: 'vtd' });
    machine.memory.fill(B, 4096, 0x11);
    machine.io(REQ_OP_WRITE, 0, [[B, 4096]]);
    const bio = new Bio().init(REQ_OP_DISCARD, 0);
    bio.bytes = 65536;
    expect(machine.submit(bio).status).toBe(BLK_STS_OK);
    expect(machine.events().some((line) => line.includes('nvme_cmd_dsm nr=0, attributes=4'))).toBe(true);
    expect(machine.events().some((line) => /dma_map_phys: .*TO_DEVICE .*size=4096/.test(line))).toBe(true);
    machine.io(REQ_OP_READ, 0, [[B, 4096]]);
    expect(machine.memory.load32(B)).toBe(0);
  });

  it('N27 an empty flush shows as FF and then as the write that asked for it', () => {
    const machine = ready({});
    machine.submit(new Bio().init(REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC, 0));
    const lines = machine.events().filter((line) => /^(nvme_setup_cmd|block_rq_(issue|complete))/.test(line));
    expect(lines.map((line) => line.replace(/ \[dmalab\]$/, ''))).toEqual([
      expect.stringContaining('nvme_cmd_flush'),
      'block_rq_issue: 259,0 FF 0 () 0 + 0 none,0,0',
      'block_rq_complete: 259,0 FF () 18446744073709551615 + 0 none,0,0 [0]',
      'block_rq_complete: 259,0 WS () 0 + 0 be,0,4 [0]',
    ]);
  });

  it('N179 an ioctl read of 8 KiB is forced to an SGL list, and one out of range ends with 0x4080 and -121', () => {
    const machine = ready({});
    const words = new Uint32Array(16);
    words.set([0xc002, 1]);
    words[12] = 15;
    const statuses: number[] = [];
    const send = () => {
      const data = new Bio().init(REQ_OP_READ, 0);
      data.addPhys(B, 4096);
      data.addPhys(B + 8192, 4096);
      submitUserCommand(machine.driver.disk(1)!, words, data, ({ status }) => statuses.push(status));
      machine.settle();
    };
    send();
    expect(descriptor(machine)).toBe('SGL list of 2');
    words[10] = 0xffffff;
    send();
    expect(statuses).toEqual([0, 0x4080]);
    const lines = machine.events();
    expect(lines.findLast((line) => line.startsWith('nvme_complete_rq'))).toContain(
      'retries=0, flags=0x2, status=0x4080',
    );
    expect(lines.findLast((line) => line.startsWith('block_rq_complete'))).toBe(
      'block_rq_complete: 259,0 N () 18446744073709551615 + 16 none,0,0 [-121]',
    );
  });

  it.each([
    [true, BLK_STS_IOERR, 0x400f],
    [false, BLK_STS_OK, 0],
  ])('N181 a reused request object and peer memory, stale IOVA state %s: status %i', (stale, status, nvme) => {
    const machine = ready({ mode: 'vtd', driver: { parameters: { staleIovaState: stale } } });
    const provider: P2pProvider = { busOffset: 2 ** 32 };
    const peer = 0x3000_0000;
    for (let i = 0; i < 201; i++) machine.io(REQ_OP_READ, 0, pages(32));
    machine.domain!.paging.map(peer + 2 ** 32, peer, MIB, IOMMU_READ | IOMMU_WRITE);
    machine.context.p2p = {
      providerOf: (phys) => (phys >= peer ? provider : null),
      mapType: () => PCI_P2PDMA_MAP_BUS_ADDR,
    };
    const halves = [peer, peer + 0x2_0000].flatMap((at) =>
      Array.from({ length: 8 }, (_, i) => [at + i * 4096, 4096] as const),
    );
    expect(machine.io(REQ_OP_WRITE, 0, halves).status).toBe(status);
    expect(machine.events().findLast((line) => line.startsWith('nvme_complete_rq'))).toContain(
      `status=0x${nvme.toString(16)}`,
    );
  });
});
