import { describe, expect, it } from 'vitest';
import { IovaDomain } from '../../iova/iova-domain.ts';
import { RecordingPagingDomain } from '../../testing/recording-paging-domain.ts';
import { NO_TRACE } from '../iommu-trace.ts';
import { KernelContext } from '../kernel-context.ts';
import { createDirectMappings } from './direct-mappings.ts';
import { reserveIovas } from './iova-reservations.ts';
import {
  AMD_HYPERTRANSPORT_REGION,
  ISA_BRIDGE_REGION,
  mergeRegions,
  RegionKind,
  reservedRegionsFile,
  SW_MSI_REGION,
  X86_MSI_REGION,
} from './reserved-region.ts';

const context = new KernelContext();

describe('reserved regions', () => {
  it('I139 sysfs lists them sorted, in 16 digits', () => {
    expect(reservedRegionsFile([X86_MSI_REGION, AMD_HYPERTRANSPORT_REGION, ISA_BRIDGE_REGION, SW_MSI_REGION])).toBe(
      [
        '0x0000000000000000 0x0000000000ffffff direct-relaxable',
        '0x0000000008000000 0x00000000080fffff msi',
        '0x00000000fee00000 0x00000000feefffff msi',
        '0x000000fd00000000 0x000000ffffffffff reserved',
        '',
      ].join('\n'),
    );
  });

  it('I139 overlapping and touching regions of one kind become one, others stay', () => {
    const region = (start: number, last: number, kind: RegionKind = RegionKind.RESERVED) => ({
      start,
      last,
      kind,
      prot: 0,
    });
    const direct = region(0x1800, 0x1900, RegionKind.DIRECT);
    expect(mergeRegions([region(0x3000, 0x3fff), region(0x1000, 0x1fff), direct, region(0x2000, 0x2fff)])).toEqual([
      region(0x1000, 0x3fff),
      direct,
    ]);
  });
});

describe('reserving IOVAs', () => {
  const windows = [
    { start: 0xa0000, last: 0xbffff },
    { start: 0x40000000, last: 0xafffffff },
    { start: 0xc0000000, last: 0xfebfffff },
    { start: 0x100000000, last: 0x8ffffffff },
  ];

  it('I7 I9 I11 the machine of the traces: nothing above the MSI window, so the first page is 0xfffff', () => {
    const iova = new IovaDomain(context);
    expect(reserveIovas(context, iova, { windows, regions: [X86_MSI_REGION, SW_MSI_REGION] })).toBe(0);
    expect([...iova.ranges()].map(({ lo }) => lo)).toEqual([0x100000, 0xfee00, 0xc0000, 0x40000, 0xa0]);
    expect(iova.treeAlloc(1, 0x100000)).toBe(0xfffff);
    // Next to the MSI window no 4096 aligned pages are left, and the bus windows begin below it.
    expect(iova.treeAlloc(0x1000, 0x100000)).toBe(0xbf000);
  });

  it('I8 firmware ranges: everything else is out, the first granule of each too', () => {
    const iova = new IovaDomain(context);
    const dmaRanges = [
      { start: 0x80000000, last: 0x8fffffff },
      { start: 0x10000000, last: 0x1fffffff },
    ];
    expect(reserveIovas(context, iova, { windows: [], dmaRanges, regions: [] })).toBe(0);
    expect(iova.treeAlloc(0x8000, 0x100000)).toBe(0x88000);
    expect(iova.treeAlloc(0x8000, 0x100000)).toBe(0x18000);
    expect(iova.treeAlloc(0x8000, 0x100000)).toBe(0);
    expect(iova.treeAlloc(1, 0x80001)).toBe(0x17fff);
  });

  it('I8 overlapping firmware ranges are an error', () => {
    const dmaRanges = [
      { start: 0x1000, last: 0x2fff },
      { start: 0x2000, last: 0x3fff },
    ];
    expect(reserveIovas(context, new IovaDomain(context), { windows: [], dmaRanges, regions: [] })).toBe(-22);
  });
});

it('I140 maps direct regions 1:1, around what is mapped already, in contiguous chunks', () => {
  const paging = new RecordingPagingDomain();
  paging.map(0x6000, 0x99000, 0x1000);
  const direct = { start: 0x4800, last: 0x8fff, kind: RegionKind.DIRECT, prot: 3 };
  expect(createDirectMappings(paging, NO_TRACE, 4096, [direct, X86_MSI_REGION])).toBe(0);
  expect([...paging.pages].sort(([a], [b]) => a - b)).toEqual([
    [4, 0x4000],
    [5, 0x5000],
    [6, 0x99000],
    [7, 0x7000],
    [8, 0x8000],
  ]);
});
