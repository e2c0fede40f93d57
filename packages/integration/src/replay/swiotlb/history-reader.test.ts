import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { readBounceHistory } from './history-reader.ts';

const NVME = '0000:01:00.0';
const DISK = '0000:00:1f.2';

/** One line a microsecond; `who` is `PID` or `PID@CPU`, with an `h` in front for a hard interrupt. */
function history(...events: (readonly [who: string, body: string])[]) {
  const lines = events.map(([who, body], k) => {
    const [, interrupt, pid, cpu = '0'] = /^(h?)(\d+)(?:@(\d+))?$/.exec(who)!;
    const flags = interrupt ? 'd.h1.' : '.....';
    return `            fio-${pid}     [00${cpu}] ${flags}     1.${String(k).padStart(6, '0')}: ${body}`;
  });
  const { log, counts } = readTrace(new TextEncoder().encode(`${lines.join('\n')}\n`));
  expect(counts.notUnderstood).toBe(0);
  return readBounceHistory(log);
}

const bounced = (device: string, orig: string, size: number) =>
  `swiotlb_bounced: dev_name: ${device} dma_mask=ffffffffffffffff dev_addr=${orig} size=${size} FORCE`;
const mapPhys = (device: string, address: string, size: number, phys: string) =>
  `dma_map_phys: ${device} dir=TO_DEVICE dma_addr=${address} size=${size} phys_addr=${phys} attrs=`;
const unmapPhys = (device: string, address: string, size: number) =>
  `dma_unmap_phys: ${device} dir=TO_DEVICE dma_addr=${address} size=${size} attrs=`;
const range = (start: number, end: number) =>
  `iova=0x${start.toString(16).padStart(16, '0')} - 0x${end.toString(16).padStart(16, '0')}`;
const iommuMap = (start: number, phys: string, size: number) =>
  `map: IOMMU: ${range(start, start + size)} paddr=0x${phys.padStart(16, '0')} size=${size}`;
const iommuUnmap = (start: number, size: number) =>
  `unmap: IOMMU: ${range(start, start + size)} size=${size} unmapped_size=${size}`;
const mapSg = (addresses: string, phys: string, count: number, all = count) => {
  const counts = `nents=${count}/${all} ents=${count}/${all}${count < all ? ' [TRUNCATED]' : ''}`;
  const sizes = addresses.replaceAll(/\w+/g, '0x1000');
  return `dma_map_sg: ${DISK} dir=TO_DEVICE ${counts} dma_addrs={${addresses}} sizes={${sizes}} phys_addrs={${phys}} attrs=`;
};

function outcomes(read: ReturnType<typeof history>) {
  return read.bounces.map(({ outcome, place }) => (place < 0 ? outcome : `${outcome} ${place.toString(16)}`));
}

function order(read: ReturnType<typeof history>) {
  return read.steps.map(({ bounce, isFree }) => `${isFree ? 'free' : 'map'} ${bounce.id}`);
}

describe('S98 what a trace shows of a bounce', () => {
  it('pairs a single mapping with its result, interrupts between them or not', () => {
    const read = history(
      ['7', bounced(NVME, '5000000', 4096)],
      ['h7', bounced(NVME, '6000000', 512)],
      ['h7', mapPhys(NVME, '10001000', 512, '6000000')],
      ['7', mapPhys(NVME, '10000000', 4096, '5000000')],
      ['h9', unmapPhys(NVME, '10001000', 512)],
    );
    expect(outcomes(read)).toEqual(['address 10000000', 'address 10001000']);
    expect(order(read)).toEqual(['map 0', 'map 1', 'free 1']);
  });

  it('does not take an interrupt for the end of a call where the trace shows no flags', () => {
    const bodies = [
      bounced(NVME, '5000000', 4096),
      unmapPhys(NVME, '10001000', 512),
      bounced(NVME, '6000000', 512),
      mapPhys(NVME, '10001000', 512, '6000000'),
      mapPhys(NVME, '10000000', 4096, '5000000'),
    ];
    const text = bodies.map((body, k) => `             fio-7       [000]     1.00000${k}: ${body}\n`).join('');
    const read = readBounceHistory(readTrace(new TextEncoder().encode(text)).log);
    expect(outcomes(read)).toEqual(['address 10000000', 'address 10001000']);
  });

  it('S93 reads a failed mapping on the direct path from its event', () => {
    const read = history(
      ['7', bounced(NVME, '5000000', 4096)],
      ['7', mapPhys(NVME, 'ffffffffffffffff', 4096, '5000000')],
    );
    expect(outcomes(read)).toEqual(['failed']);
  });

  it('S99 takes the older of two mappings of an address: an unmap may print after its slots are mapped again', () => {
    const read = history(
      ['7', bounced(NVME, '5000000', 4096)],
      ['7', mapPhys(NVME, '10000000', 4096, '5000000')],
      ['8@1', bounced(NVME, '6000000', 4096)],
      ['8@1', mapPhys(NVME, '10000000', 4096, '6000000')],
      ['h7', unmapPhys(NVME, '10000000', 4096)],
    );
    expect(order(read)).toEqual(['map 0', 'map 1', 'free 0']);
  });

  it('ignores mappings that did not bounce', () => {
    const read = history(['7', mapPhys(NVME, '5000000', 4096, '5000000')], ['7', unmapPhys(NVME, '5000000', 4096)]);
    expect(order(read)).toEqual([]);
  });
});

describe('S27 scatterlists', () => {
  it('gives each entry its address and frees them in the order of the list', () => {
    const read = history(
      ['7', bounced(DISK, '5000000', 4096)],
      ['7', bounced(DISK, '6000000', 4096)],
      ['7', mapSg('0x10000000,0x7000000,0x10001000', '0x5000000,0x7000000,0x6000000', 3)],
      ['h7', `dma_unmap_sg: ${DISK} dir=TO_DEVICE phys_addrs={0x5000000,0x7000000,0x6000000} attrs=`],
    );
    expect(outcomes(read)).toEqual(['address 10000000', 'address 10001000']); // the entry in between did not bounce
    expect(order(read)).toEqual(['map 0', 'map 1', 'free 0', 'free 1']);
    expect(read.steps[3].after).toBe(read.steps[2]);
  });

  it('S93 a list without a map event failed at its last entry and gave the others back', () => {
    const read = history(
      ['7', bounced(DISK, '5000000', 4096)],
      ['7', bounced(DISK, '6000000', 4096)],
      ['7', bounced(DISK, '8000000', 4096)],
      ['7', bounced(DISK, '5000000', 4096)],
      ['7', mapSg('0x10000000', '0x5000000', 1)],
    );
    expect(outcomes(read)).toEqual(['mapped', 'mapped', 'failed', 'address 10000000']);
    expect(order(read)).toEqual(['map 0', 'map 1', 'map 2', 'free 0', 'free 1', 'map 3']);
  });

  it('takes entries behind the 128 that an event shows as mapped at an unknown place', () => {
    const entries = Array.from({ length: 130 }, (_, k) => 0x5000000 + k * 0x2000);
    const hex = (values: readonly number[]) => values.map((value) => `0x${value.toString(16)}`).join();
    const shown = entries.slice(0, 128);
    const read = history(...entries.map((orig) => ['7', bounced(DISK, orig.toString(16), 4096)] as const), [
      '7',
      mapSg(hex(shown.map((orig) => orig + 0x10000000)), hex(shown), 128, 130),
    ]);
    expect(read.bounces.filter(({ outcome }) => outcome === 'address').length).toBe(128);
    expect(outcomes(read).slice(128)).toEqual(['mapped', 'mapped']);
  });
});

describe('S105 to S107 behind an IOMMU', () => {
  it('reads the granule from the IOMMU mapping and the free from its end', () => {
    const read = history(
      ['7', bounced(NVME, '5000200', 512)],
      ['7', iommuMap(0xffffd000, '10000000', 4096)],
      ['7', iommuMap(0xffffe000, '5001000', 4096)], // the aligned middle, mapped in place
      ['7', bounced(NVME, '5002000', 1024)],
      ['7', iommuMap(0xfffff000, '10001000', 4096)],
      ['h7', iommuUnmap(0xffffd000, 12288)],
    );
    expect(outcomes(read)).toEqual(['granule 10000000', 'granule 10001000']);
    expect(order(read)).toEqual(['map 0', 'map 1', 'free 0', 'free 1']);
    expect([...read.behindIommu]).toEqual([NVME]);
  });

  it('takes a bounce that no IOMMU mapping follows for a failure', () => {
    const read = history(
      ['7', bounced(NVME, '5000200', 512)],
      ['7', iommuMap(0xffffd000, '10000000', 4096)],
      ['7', bounced(NVME, '5002000', 1024)],
      ['7', iommuUnmap(0xffffd000, 4096)],
    );
    expect(outcomes(read)).toEqual(['granule 10000000', 'failed']);
    expect(order(read)).toEqual(['map 0', 'map 1', 'free 0']);
  });
});
