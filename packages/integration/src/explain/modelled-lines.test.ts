import { amdPageFaultLine, smmuEventLines, smmuEventName, vtdFaultLine, vtdFaultReasonText } from '@dmalab/iommu';
import { describe, expect, it } from 'vitest';
import { explainLog } from './explain-log.ts';
import { DEBUG_FINDINGS } from './rules/dma-debug-findings.ts';

const NAMED_REASONS = [
  ...Array.from({ length: 0x0e }, (_, i) => i),
  ...Array.from({ length: 7 }, (_, i) => 0x20 + i),
  ...[0x30, 0x38, 0x39, 0x41, 0x51, 0x59, 0x5b, 0x70, 0x71, 0x79, 0x80, 0x84, 0x85, 0x86, 0x87],
];

/** The lines that the models print, read back. */
describe('lines of the models', () => {
  it.each(NAMED_REASONS)('I173 record with reason %i', (reason) => {
    const interrupt = reason >= 0x20 && reason <= 0x26;
    const address = interrupt ? 0x17n << 48n : 0xfffe0123n;
    const line = vtdFaultLine({ segment: 1, sourceId: 0x0318, reason, address, isRead: false, pasid: null });
    const { explanations } = explainLog(`[    1.5] ${line}`);
    expect(explanations).toMatchObject([
      {
        rule: 'vtd-fault',
        device: '0001:03:03.0',
        fields: {
          reason: `0x${reason.toString(16).padStart(2, '0')}`,
          reasonText: vtdFaultReasonText(reason),
          ...(interrupt ? { index: '0x17' } : { address: '0xfffe0000', access: 'write' }),
        },
      },
    ]);
    expect(explanations[0].says).not.toContain('do not name');
  });

  it.each([
    [0x000, 'read', /is not mapped/, /not mapped for it/],
    [0x020, 'write', /is not mapped/, /not mapped for it/],
    [0x050, 'read', /does not allow/, /DMA_TO_DEVICE or DMA_BIDIRECTIONAL/],
    [0x070, 'write', /does not allow/, /DMA_FROM_DEVICE or DMA_BIDIRECTIONAL/],
    [0x0a0, 'write', /reserved bits/, /overwritten/],
  ])('I176 page fault with flags %i', (flags, access, says, cause) => {
    const fault = { segment: 0, sourceId: 0x0018, domainId: 3, address: 0xfffe0000, flags };
    for (const name of ['nvme 0000:00:03.0', null]) {
      const [explanation] = explainLog(amdPageFaultLine(fault, name)).explanations;
      expect(explanation).toMatchObject({ device: '0000:00:03.0', fields: { access, domain: '0x0003' } });
      expect(explanation.says).toMatch(says);
      expect(explanation.causes[0]).toMatch(cause);
    }
  });

  it('I176 knows an interrupt by its flag', () => {
    const fault = { segment: 0, sourceId: 0x0018, domainId: 3, address: 0xfee00000, flags: 0x008 };
    const [{ says, fields }] = explainLog(amdPageFaultLine(fault, null)).explanations;
    expect(says).toContain('refused an interrupt');
    expect(fields).not.toHaveProperty('access');
  });

  it.each([0x02, 0x03, 0x04, 0x06, 0x08, 0x09, 0x0a, 0x10, 0x11, 0x12, 0x13, 0x25])(
    'I178 event %i, from its words and from its text alone',
    (id) => {
      const words = [(0x18n << 32n) | BigInt(id), (1n << 35n) | (2n << 40n), 0xfffe0000n, 0n];
      const event = {
        ...{ id, words, deviceName: '0000:00:03.0', streamId: 0x18, substreamId: 0, iova: 0xfffe0000n, ipa: 0n },
        ...{ fetchAddress: 0x1000n, privileged: false, instruction: false, isRead: true, stage2: false },
        ...{ eventClass: 2, descriptor: null, stall: false, stallTag: 0 },
      };
      const lines = smmuEventLines('arm-smmu-v3.0.auto', event);
      const fields = {
        name: smmuEventName(id),
        streamId: '0x18',
        ...(id >= 0x10 && id <= 0x13 && { address: '0xfffe0000', access: 'read' }),
      };
      for (const part of [lines, lines.slice(5)]) {
        const { explanations, explainedLines } = explainLog(part.join('\n'));
        expect(explanations).toMatchObject([{ rule: 'smmu-event', device: '0000:00:03.0', fields }]);
        expect(explainedLines).toBe(part.length);
      }
      expect(explainLog(lines.slice(0, 5).join('\n')).explanations).toMatchObject([{ device: 'stream 0x18', fields }]);
    },
  );

  it('has a row for each finding of dma-debug, E1 to E24', () => {
    const rows = new Set(DEBUG_FINDINGS.map(({ id }) => id));
    for (let i = 1; i <= 24; i++) expect(rows).toContain(`E${i}`);
  });

  it.each([
    [
      'device driver tries to free DMA memory it has not allocated [device address=0xfff] [size=64 bytes]',
      'E10',
      { size: 64 },
    ],
    [
      'device driver frees DMA memory with wrong function [device address=0x1] [size=2 bytes] [mapped as phy] [unmapped as coherent]',
      'E12',
      { mappedAs: 'phy', unmappedAs: 'coherent' },
    ],
    [
      'device driver frees DMA memory with different direction [device address=0x1] [size=2 bytes] [mapped with DMA_TO_DEVICE] [unmapped with DMA_FROM_DEVICE]',
      'E15',
      { mappedWith: 'DMA_TO_DEVICE', unmappedWith: 'DMA_FROM_DEVICE' },
    ],
    [
      'device driver failed to check map error [device address=0x1] [size=2 bytes] [mapped as phy]',
      'E16',
      { mappedAs: 'phy' },
    ],
    ['device driver has pending DMA allocations while released from device [count=3]', 'E24', { count: 3 }],
    ["cacheline tracking EEXIST, overlapping mappings aren't supported", 'E8', {}],
    ['exceeded 7 overlapping mappings of cacheline 0x12', 'E8', {}],
  ])('finding in both spellings: %s', (text, finding, fields) => {
    for (const line of [`DMA-API: e1000e 0000:00:1f.6: ${text}`, `e1000e 0000:00:1f.6: DMA-API: ${text}`]) {
      expect(explainLog(line).explanations).toMatchObject([
        { device: '0000:00:1f.6', fields: { finding, driver: 'e1000e', ...fields } },
      ]);
    }
  });

  it.each([
    ['ACS redirect is set between the client and provider (0000:03:00.0)', 'p2p-acs-redirect'],
    [
      'to disable ACS redirect for this path, add the kernel parameter: pci=disable_acs_redir=0000:00:06.0',
      'p2p-acs-hint',
    ],
    ['Host bridge not in P2PDMA whitelist: 8086:29c0', 'p2p-host-bridge'],
    [
      'cannot be used for peer-to-peer DMA as the client and provider (0000:03:00.0) do not share an upstream bridge or whitelisted host bridge',
      'p2p-refused',
    ],
    ['cannot be used for peer-to-peer DMA as it is not a PCI device', 'p2p-not-pci'],
    ['Configured ACS to 0x0000', 'p2p-acs-set'],
    ['added peer-to-peer DMA memory 0xfd000000-0xfdffffff', 'p2p-memory'],
    ['PCI device has no peer-to-peer memory: 0000:04:00.0', 'p2p-no-memory'],
    ['fio: fail, attempted private mapping', 'p2p-mmap'],
  ])('%s', (text, rule) => {
    for (const line of [`nvme 0000:04:00.0: ${text}`, `pci 0000:04:00.0: ${text}`]) {
      expect(explainLog(line).explanations).toMatchObject([{ rule, device: '0000:04:00.0' }]);
    }
  });

  it.each([
    [
      'nvme 0000:03:00.0: DMA addr 0x0000000100000000+4096 overflow (mask ffffffff, bus limit 0).',
      'dma-overflow',
      { mask: '0xffffffff', size: 4096 },
    ],
    [
      'nvme 0000:03:00.0: swiotlb addr 0x0000000077a25000+4096 overflow (mask 3fffffff, bus limit 0).',
      'swiotlb-out-of-reach',
      { mask: '0x3fffffff' },
    ],
    [
      "ata_piix 0000:00:01.1: Can not allocate SWIOTLB buffer earlier and can't now provide you with the DMA bounce buffer",
      'swiotlb-no-pool',
      {},
    ],
    ['DMA pool exhausted for 0000:03:00.0', 'dma-pool-empty', {}],
    ['Failed to get suitable pool for 0000:03:00.0', 'dma-pool-none', {}],
    ['coherent DMA allocations not supported on this platform.', 'dma-no-coherent', {}],
    [
      'virtio_iommu virtio0: page fault from EP 24 at 0xfffe0000 [W]',
      'virtio-fault',
      { access: 'write', endpoint: 24 },
    ],
    [
      'nvme nvme0: controller is down; will reset: CSTS=0x3, PCI_STATUS=0x10',
      'nvme-down',
      { fatal: true, gone: false },
    ],
    ['nvme nvme0: admin command timeout, disable controller, CSTS=0x1', 'nvme-admin-timeout', {}],
    ['nvme 0000:03:00.0: Using 48-bit DMA addresses', 'iommu-wide-addresses', { bits: 48 }],
    // Older kernels.
    [
      'iwlwifi 0000:03:00.0: dma_direct_map_page: overflow 0x000000042d0a7200+42 of device mask ffffffff',
      'dma-overflow',
      { address: '0x42d0a7200', mask: '0xffffffff' },
    ],
    ['DMA: Out of SW-IOMMU space for 65536 bytes at device 0000:00:1f.2', 'swiotlb-full', { size: 65536 }],
    ['iommu: Adding device 0000:00:1f.2 to group 9', 'boot-group', { device: '0000:00:1f.2', group: 9 }],
  ])('%s', (line, rule, fields) => {
    expect(explainLog(line).explanations).toMatchObject([{ rule, fields }]);
  });
});
