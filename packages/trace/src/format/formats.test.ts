import { describe, expect, it } from 'vitest';
import { eventAt } from '../log/event-at.ts';
import { encodeUtf8 } from '../log/utf8.ts';
import { readTrace } from '../reader/trace-reader.ts';
import { renderEvent } from '../render/render-event.ts';
import { EVENT_NAMES } from './event-kind.ts';
import { FORMATS } from './formats.ts';

const PREFIX = '    kworker/u4:0-12      [000] .....     4.447415: ';

type Row = readonly [line: string, decoded: Record<string, unknown>];

const dev = { device: '0000:00:03.0' };

const DMA: readonly Row[] = [
  [
    'dma_map_phys: 0000:00:03.0 dir=TO_DEVICE dma_addr=ffffae00 size=512 phys_addr=2672e00 attrs=',
    { ...dev, dir: 'TO_DEVICE', dmaAddr: 0xffffae00, size: 512, physAddr: 0x2672e00, attrs: 0 },
  ],
  [
    'dma_map_phys: 0000:00:03.0 dir=BIDIRECTIONAL dma_addr=ffffffffffffffff size=4096 phys_addr=380000000000 attrs=SKIP_CPU_SYNC|MMIO|0x1',
    { ...dev, dir: 'BIDIRECTIONAL', dmaAddr: -1, size: 4096, physAddr: 0x380000000000, attrs: 0x421 },
  ],
  [
    'dma_unmap_phys: 0000:00:03.0 dir=NONE dma_addr=0 size=0 attrs=CACHELINES_OVERLAP|ALLOC_CC_SHARED',
    { ...dev, dir: 'NONE', dmaAddr: 0, size: 0, attrs: 0x4800 },
  ],
  [
    'dma_alloc: 0000:00:03.0 dir=BIDIRECTIONAL dma_addr=ffffe000 size=2048 virt_addr=00000000d882266a flags=GFP_KERNEL attrs=',
    { ...dev, dmaAddr: 0xffffe000, size: 2048, virtAddr: '00000000d882266a', gfp: 'GFP_KERNEL', attrs: 0 },
  ],
  [
    'dma_alloc_pages: 0000:00:03.0 dir=0x7 dma_addr=1 size=2 virt_addr=ffff888012345678 flags=none attrs=NO_WARN',
    { dir: '0x7', virtAddr: 'ffff888012345678', gfp: 'none', attrs: 0x100 },
  ],
  [
    'dma_alloc_sgt_err: 0000:00:03.0 dir=FROM_DEVICE dma_addr=0 size=8192 virt_addr=0000000000000000 flags=GFP_ATOMIC attrs=',
    { dir: 'FROM_DEVICE', dmaAddr: 0, size: 8192, virtAddr: '0000000000000000' },
  ],
  [
    'dma_free: 0000:00:03.0 dir=BIDIRECTIONAL dma_addr=ffffe000 size=2048 virt_addr=00000000d882266a attrs=',
    { ...dev, dmaAddr: 0xffffe000, virtAddr: '00000000d882266a' },
  ],
  [
    'dma_free_pages: 0000:00:03.0 dir=TO_DEVICE dma_addr=ffffe000 size=4096 virt_addr=00000000d882266a attrs=',
    { dir: 'TO_DEVICE', size: 4096 },
  ],
  [
    'dma_alloc_sgt: 0000:00:03.0 dir=TO_DEVICE dma_addr=f000 size=8192 phys_addrs={0x1000,0x3000} flags=GFP_KERNEL attrs=',
    { physAddrs: [0x1000, 0x3000], gfp: 'GFP_KERNEL' },
  ],
  ['dma_free_sgt: 0000:00:03.0 dir=TO_DEVICE dma_addr=f000 size=0 phys_addrs={}', { physAddrs: [], size: 0 }],
  ['dma_sync_single_for_cpu: 0000:00:03.0 dir=FROM_DEVICE dma_addr=f000 size=64', { dmaAddr: 0xf000, size: 64 }],
  ['dma_sync_single_for_device: 0000:00:03.0 dir=FROM_DEVICE dma_addr=f000 size=64', { dmaAddr: 0xf000, size: 64 }],
];

const SCATTERLIST: readonly Row[] = [
  [
    'dma_map_sg: 0000:00:01.1 dir=FROM_DEVICE nents=2/2 ents=1/1 dma_addrs={0x3a500000} sizes={0x2000} phys_addrs={0xab8b000,0xab8c000} attrs=',
    {
      ...{ nents: 2, tracedNents: 2, ents: 1, tracedEnts: 1, truncated: false },
      ...{ dmaAddrs: [0x3a500000], sizes: [0x2000], physAddrs: [0xab8b000, 0xab8c000], attrs: 0 },
    },
  ],
  [
    'dma_map_sg: 0000:00:01.1 dir=TO_DEVICE nents=1/129 ents=0/1 [TRUNCATED] dma_addrs={} sizes={} phys_addrs={0x1} attrs=',
    { nents: 129, tracedNents: 1, ents: 1, tracedEnts: 0, truncated: true, dmaAddrs: [], sizes: [], physAddrs: [1] },
  ],
  [
    'dma_map_sg_err: 0000:00:01.1 dir=TO_DEVICE dma_addrs={0xffffffffffffffff,0x2} err=-12 attrs=MMIO',
    { physAddrs: [-1, 2], err: -12, attrs: 0x400 },
  ],
  ['dma_unmap_sg: 0000:00:01.1 dir=FROM_DEVICE phys_addrs={0xab8b000} attrs=', { physAddrs: [0xab8b000] }],
  ['dma_sync_sg_for_cpu: a dir=TO_DEVICE dma_addrs={0x1,0x2} sizes={0x3,0x4}', { dmaAddrs: [1, 2], sizes: [3, 4] }],
  ['dma_sync_sg_for_device: a b dir=TO_DEVICE dma_addrs={} sizes={}', { device: 'a b', dmaAddrs: [], sizes: [] }],
];

const IOMMU: readonly Row[] = [
  [
    'swiotlb_bounced: dev_name: 0000:00:03.0 dma_mask=ffffffffffffffff dev_addr=25dc000 size=4096 FORCE',
    { ...dev, dmaMask: 2 ** 64, devAddr: 0x25dc000, size: 4096, force: true },
  ],
  [
    'swiotlb_bounced: dev_name: 0000:00:03.0 dma_mask=7fffffffffffffff dev_addr=0 size=1 NORMAL',
    { dmaMask: 2 ** 63, force: false },
  ],
  [
    'map: IOMMU: iova=0x00000000fffff000 - 0x0000000100000000 paddr=0x000000000ab5c000 size=4096',
    { iova: 0xfffff000, end: 0x100000000, physAddr: 0xab5c000, size: 4096 },
  ],
  [
    'unmap: IOMMU: iova=0x00000000ffffa000 - 0x00000000ffffb000 size=4096 unmapped_size=0',
    { iova: 0xffffa000, end: 0xffffb000, size: 4096, unmappedSize: 0 },
  ],
  ['add_device_to_group: IOMMU: groupID=3 device=0000:00:03.0', { groupId: 3, ...dev }],
  ['remove_device_from_group: IOMMU: groupID=3 device=0000:00:03.0', { groupId: 3, ...dev }],
  ['attach_device_to_domain: IOMMU: device=0000:00:03.0', dev],
  [
    'io_page_fault: IOMMU:pci 0000:00:03.0 iova=0x00000000fff00000 flags=0x0001',
    { driver: 'pci', ...dev, iova: 0xfff00000, faultFlags: 1 },
  ],
];

const NVME: readonly Row[] = [
  [
    'nvme_setup_cmd: nvme0: qid=0, cmdid=20, nsid=0, flags=0x0, meta=0x0, cmd=(nvme_admin_identify cns=1, ctrlid=0)',
    { device: 'nvme0', disk: '', qid: 0, cmdid: 20, command: 'nvme_admin_identify cns=1, ctrlid=0' },
  ],
  [
    'nvme_setup_cmd: nvme0: disk=nvme0n1, qid=1, cmdid=781, nsid=4294967295, flags=0x40, meta=0x1, cmd=(nvme_cmd_dsm nr=0, attributes=4)',
    { disk: 'nvme0n1', nsid: 0xffffffff, nvmeFlags: 0x40, meta: 1, command: 'nvme_cmd_dsm nr=0, attributes=4' },
  ],
  ['nvme_sq: nvme0: disk=nvme0n1, qid=1, head=4, tail=5', { disk: 'nvme0n1', qid: 1, head: 4, tail: 5 }],
  [
    'nvme_complete_rq: nvme0: disk=nvme0n1, qid=1, cmdid=788, res=0xffffffffffffffff, retries=0, flags=0x2, status=0x4080',
    { cmdid: 788, result: -1, retries: 0, nvmeFlags: 2, status: 0x4080 },
  ],
  ['nvme_async_event: nvme0: NVME_AEN=0x000102 [NVME_AER_NOTICE]', { aen: 0x102, aenName: 'NVME_AER_NOTICE' }],
];

const BLOCK: readonly Row[] = [
  ...['block_rq_issue', 'block_rq_insert', 'block_rq_merge'].map(
    (name): Row => [
      `${name}: 259,0 DS 65536 () 0 + 128 be,0,4 [kworker/0:0H]`,
      {
        ...{ device: '259,0', rwbs: 'DS', bytes: 65536, sector: 0, sectors: 128 },
        ...{ ioClass: 'be', ioHint: 0, ioLevel: 4, submitter: 'kworker/0:0H' },
      },
    ],
  ),
  ...['block_rq_complete', 'block_rq_error', 'block_rq_requeue'].map(
    (name): Row => [
      `${name}: 259,0 N () 18446744073709551615 + 16 none,0,0 [-121]`,
      { rwbs: 'N', sector: -1, sectors: 16, ioClass: 'none', errno: -121 },
    ],
  ),
  ...['block_bio_backmerge', 'block_bio_frontmerge', 'block_bio_queue', 'block_getrq'].map(
    (name): Row => [`${name}: 259,0 WS 8 + 8 [d ] d]`, { sector: 8, sectors: 8, submitter: 'd ] d' }],
  ),
  ['block_split: 259,0 RS 0 / 1024 [dd]', { sector: 0, newSector: 1024, submitter: 'dd' }],
  ['block_unplug: [fio] 16', { submitter: 'fio', requests: 16 }],
];

const ROWS = [...DMA, ...SCATTERLIST, ...IOMMU, ...NVME, ...BLOCK];

describe('D96 S97 I160 N110 every event is read and printed', () => {
  it.each(ROWS)('%s', (body, decoded) => {
    const { log, notes } = readTrace(encodeUtf8(`${PREFIX}${body}\n`));
    expect(notes).toEqual([]);
    expect(eventAt(log, 0)).toMatchObject({ event: body.slice(0, body.indexOf(':')), time: 4_447_415, ...decoded });
    expect(renderEvent(log, 0)).toBe(PREFIX + body);
  });

  it('has an accessor for what a replay asks of NVMe and block events', () => {
    const lines = [NVME[1]![0], NVME[3]![0], `block_split: 259,0 RS 0 / 1024 [dd]`, BLOCK[0]![0]];
    const { log } = readTrace(encodeUtf8(lines.map((body) => `${PREFIX}${body}\n`).join('')));
    expect([log.nsid(0), log.qid(0), log.cmdid(0), log.disk(0)]).toEqual([0xffffffff, 1, 781, 'nvme0n1']);
    expect(log.command(0)).toBe('nvme_cmd_dsm nr=0, attributes=4');
    expect([log.result(1), log.retries(1), log.status(1)]).toEqual([-1, 0, 0x4080]);
    expect([log.address(2), log.newSector(2), log.submitter(2)]).toEqual([0, 1024, 'dd']);
    expect([log.rwbs(3), log.size(3), log.sectors(3), log.submitter(3)]).toEqual(['DS', 65536, 128, 'kworker/0:0H']);
  });

  it('leaves none out', () => {
    const seen = new Set(ROWS.map(([body]) => body.slice(0, body.indexOf(':'))));
    expect(EVENT_NAMES.filter((name) => !seen.has(name))).toEqual(['unknown']);
  });

  it('has no two fields of a kind in one slot, but for lists that share a count', () => {
    for (const [kind, parts] of FORMATS.entries()) {
      const slots = parts.flatMap((part) =>
        typeof part === 'string' || part.key === 'sizes' || part.key === 'truncated'
          ? []
          : [`${part.isWide} ${part.slot}`],
      );
      expect(new Set(slots).size, EVENT_NAMES[kind]!).toBe(slots.length);
    }
  });
});
