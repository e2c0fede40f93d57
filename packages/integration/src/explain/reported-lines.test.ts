import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainLog } from './explain-log.ts';

const LINES = readFileSync(new URL('../../fixtures/explain/reported-lines.log', import.meta.url), 'utf8').split('\n');

/** First line, how many lines belong together, device, fields that must be there, first cause. */
type Row = readonly [
  line: number,
  count: number,
  rule: string,
  device: string | null,
  fields: Record<string, unknown>,
  firstCause: RegExp | null,
];

const ROWS: readonly Row[] = [
  [1, 1, 'boot-invalidation', null, { policy: 'lazy' }, null],
  [2, 1, 'boot-domain-type', null, { type: 'Translated' }, null],
  [3, 1, 'boot-pool', null, { start: '0xf7fff000', megabytes: 128 }, null],
  [4, 1, 'boot-rmrr-relaxed', null, {}, null],
  [5, 1, 'boot-vtd-units', null, {}, null],
  [6, 1, 'boot-vtd-on', null, {}, null],
  [7, 1, 'boot-vtd-features', null, { feature: 'fl1gp_support' }, null],
  [8, 1, 'boot-amd-firmware', null, {}, /mistake of the firmware/],
  [9, 1, 'boot-amd-units', null, {}, null],
  [10, 1, 'boot-group', null, { device: '0000:01:00.1', group: 16 }, null],
  [11, 1, 'boot-nvme', null, { controller: 'nvme1', device: '0000:01:00.1' }, null],
  [12, 1, 'vtd-broken-table', null, { registers: '0xfbffc000' }, /firmware table is wrong/],
  [13, 1, 'vtd-fault-status', null, { recordsLost: true, recordsPending: true }, null],
  [14, 1, 'suppressed', null, { site: 'dmar_fault', suppressed: 893 }, /more than 10 lines/],
  [15, 1, 'vtd-fault', '0000:00:02.0', { access: 'read', address: '0x9c000000', reason: '0x06' }, /not mapped for it/],
  [16, 1, 'vtd-fault', '0000:00:12.0', { access: 'write', address: '0x0', reason: '0x05' }, /address 0/],
  [17, 1, 'vtd-fault', '0000:00:02.0', { address: '0x70ad5000', reason: '0x07' }, /tables in memory/],
  [18, 1, 'vtd-fault', '0000:00:02.0', { address: '0x7c346000', reason: '0x06' }, /not mapped for it/],
  [19, 1, 'vtd-fault', '0000:00:02.0', { reason: '0x0c' }, /tables in memory/],
  [20, 1, 'vtd-fault', '0000:00:02.0', { reason: '0x01' }, /no domain is attached/],
  [21, 1, 'vtd-fault', '0000:03:00.0', { address: '0x100000', reason: '0x71' }, /not mapped for it/],
  [22, 1, 'vtd-rmrr-ineligible', '0000:04:00.1', {}, /reserved region/],
  [
    23,
    1,
    'amd-page-fault',
    '0000:01:00.0',
    { driver: 'ath10k_pci', access: 'write', domain: '0x000d' },
    /DMA_FROM_DEVICE/,
  ],
  [24, 2, 'amd-event', '0000:00:00.1', { event: 'INVALID_DEVICE_REQUEST', flags: '0x0a00' }, /special range/],
  [26, 2, 'amd-page-fault', '0000:05:00.0', { access: 'write', address: '0xff6101b0' }, /DMA_FROM_DEVICE/],
  [28, 1, 'suppressed', null, { suppressed: 96 }, /more than 10 lines/],
  [29, 1, 'amd-page-fault', '0000:01:00.0', { driver: 'nvme', access: 'read', flags: '0x0000' }, /not mapped for it/],
  [30, 1, 'amd-completion-wait', null, {}, /does not answer an invalidation/],
  [31, 1, 'amd-event', '0000:01:00.0', { event: 'IOTLB_INV_TIMEOUT', iommu: 'ivhd0' }, /hangs, sleeps or is in reset/],
  [32, 5, 'smmu-event', 'stream 0x100', { name: 'F_TRANSL_FORBIDDEN', streamId: '0x100' }, /marked as translated/],
  [
    37,
    1,
    'swiotlb-full',
    '0000:05:00.0',
    { size: 4000, slotsNeeded: 2, slotsFree: 0, shortage: 'exhausted' },
    /in flight/,
  ],
  [38, 1, 'swiotlb-full', '38200000.dwc3', { size: 16384, shortage: 'unknown' }, /used up, or/],
  [39, 1, 'swiotlb-full', '38200000.dwc3', { size: 16384 }, /used up, or/],
  [40, 1, 'swiotlb-full', '0000:01:00.0', { slotsFree: 1353, shortage: 'fragmented' }, /side by side/],
  [41, 1, 'swiotlb-full', null, { size: 524288, shortage: 'too large' }, /more than 256 KiB/],
  [42, 1, 'boot-encrypted', null, {}, null],
  [43, 1, 'dma-overflow', 'gpu', { address: '0x1a7296000', size: 708608, mask: '0xffffffff' }, /more than any holds/],
  [44, 1, 'dma-warning-place', null, { function: 'report_addr' }, null],
  [
    45,
    1,
    'dma-debug-finding',
    '1e670000.ftgmac',
    { finding: 'E11', mapSize: 1536, unmapSize: 42 },
    /length was changed/,
  ],
  [46, 1, 'dma-debug-finding', '0000:00:1f.3', { finding: 'E6', len: 540672, max: 65536 }, /maximum segment size/],
  [47, 1, 'dma-debug-finding', 'soc:gpu', { finding: 'D94', driver: 'vc4-drm' }, /while it is mapped/],
  [48, 1, 'dma-debug-finding', 'bcm2708_usb', { finding: 'E3', addr: 'aa217c54' }, /local variable/],
  [49, 1, 'nvme-timeout', 'nvme0', { tag: 900, queue: 2, action: 'aborting' }, /if an IOMMU fault/],
  [50, 1, 'nvme-abort-status', 'nvme0', { status: '0x0' }, null],
  [51, 1, 'nvme-timeout', 'nvme0', { action: 'reset controller' }, /if an IOMMU fault/],
  [52, 1, 'nvme-io-error', 'nvme0', { lba: 1336320, statusType: 3, statusCode: '0x71' }, /reset before it/],
  [54, 1, 'nvme-timeout', 'nvme0', { tag: 111, action: 'disable controller' }, /if an IOMMU fault/],
  [55, 1, 'nvme-timeout', 'nvme0', { action: 'completion polled' }, /interrupt was lost/],
  [56, 3, 'nvme-down', 'nvme0', { csts: '0xffffffff', gone: true }, /link or power/],
  [59, 1, 'nvme-not-ready', 'nvme0', { csts: '0x1', during: 'reset' }, /if an IOMMU fault/],
];

describe('lines of public bug reports', () => {
  it.each(ROWS)('line %i is explained alone', (line, count, rule, device, fields, firstCause) => {
    const { explanations, unknown } = explainLog(LINES.slice(line - 1, line - 1 + count).join('\n'));
    expect(unknown).toEqual([]);
    expect(explanations).toHaveLength(1);
    const [{ causes, basis, ...explanation }] = explanations;
    expect(explanation).toMatchObject({ rule, device, fields });
    expect(causes[0] ?? null).toEqual(firstCause === null ? null : expect.stringMatching(firstCause));
    expect(basis.length).toBeGreaterThan(0);
  });

  it('explains the whole collection and leaves no line over', () => {
    const { explanations, unknown, lines, explainedLines } = explainLog(LINES.join('\n'));
    expect({ unknown, lines, explainedLines }).toEqual({ unknown: [], lines: 59, explainedLines: 59 });
    expect(new Set(explanations.flatMap(({ occurrences }) => occurrences)).size).toBe(51);
  });

  it('has an origin for each line', () => {
    const origins = readFileSync(new URL('../../fixtures/explain/README.md', import.meta.url), 'utf8');
    const cited = [...origins.matchAll(/^\| ([\d, -]+?) +\| </gm)].flatMap(([, lines]) =>
      lines.split(', ').flatMap((range) => {
        const [first, last = first] = range.split('-').map(Number);
        return Array.from({ length: last - first + 1 }, (_, i) => first + i);
      }),
    );
    expect(cited.sort((a, b) => a - b)).toEqual(Array.from({ length: 59 }, (_, i) => i + 1));
  });
});
