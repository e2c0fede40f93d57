import { TraceRing } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { amdDetachedDeviceLines, amdDeviceTableLines, amdEventLine, amdPageFaultLine } from './amd-event-lines.ts';
import { FaultRateLimit } from './fault-rate-limit.ts';
import { reportIommuFault } from './report-fault.ts';
import { type SmmuEvent, smmuEventLines, smmuEventName } from './smmu-event-lines.ts';
import { virtioFaultLine } from './virtio-fault-lines.ts';
import { type VtdFault, vtdFaultLine, vtdFaultReasonText, vtdFaultStatusLine } from './vtd-fault-lines.ts';

describe('VT-d', () => {
  const read: VtdFault = { segment: 0, sourceId: 0x18, reason: 6, address: 0xfffff123, isRead: true, pasid: null };

  it.each<[string, Partial<VtdFault>, string]>([
    [
      'an unmapped read',
      {},
      'DMAR: [DMA Read NO_PASID] Request device [0000:00:03.0] fault addr 0xfffff000 [fault reason 0x06] PTE Read access is not set',
    ],
    [
      'an unmapped write',
      { reason: 5, isRead: false },
      'DMAR: [DMA Write NO_PASID] Request device [0000:00:03.0] fault addr 0xfffff000 [fault reason 0x05] PTE Write access is not set',
    ],
    [
      'a request with PASID from another segment',
      { segment: 1, sourceId: 0xa1fd, reason: 0x71, pasid: 0x15, address: 0xffff_8000_0000_1234n },
      'DMAR: [DMA Read PASID 0x15] Request device [0001:a1:1f.5] fault addr 0xffff800000001000 [fault reason 0x71] SM: Present bit in first-level paging entry is clear',
    ],
    [
      'an interrupt',
      { reason: 0x26, address: 0x002f_0000_0000_0000n },
      'DMAR: [INTR-REMAP] Request device [0000:00:03.0] fault index 0x2f [fault reason 0x26] Blocked an interrupt request due to source-id verification failure',
    ],
  ])('I173 %s', (_, change, line) => {
    expect(vtdFaultLine({ ...read, ...change })).toBe(line);
  });

  it('I172 announces the status', () => {
    expect(vtdFaultStatusLine(0x102)).toBe('DMAR: DRHD: handling fault status reg 102');
  });

  it('I174 names legacy reasons, and says Unknown past them', () => {
    expect(vtdFaultReasonText(0)).toBe('Software');
    expect(vtdFaultReasonText(0xd)).toBe('PCE for translation request specifies blocking');
    expect([vtdFaultReasonText(0xe), vtdFaultReasonText(0xff)]).toEqual(['Unknown', 'Unknown']);
  });
});

it('I172 prints 10 messages in 5 seconds', () => {
  const limit = new FaultRateLimit();
  const printed = Array.from({ length: 12 }, () => limit.allow(1e9)).filter(Boolean);
  expect([printed.length, limit.suppressed, limit.allow(5.9e9), limit.allow(6.1e9)]).toEqual([10, 2, false, true]);
});

describe('AMD', () => {
  const fault = { segment: 0, sourceId: 0x18, domainId: 3, address: 0xfffe0000, flags: 0x20 };

  it('I176 a known device, an unknown one, one without domain', () => {
    expect(amdPageFaultLine(fault, 'nvme 0000:00:03.0')).toBe(
      'nvme 0000:00:03.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0003 address=0xfffe0000 flags=0x0020]',
    );
    expect(amdPageFaultLine(fault, null)).toBe(
      'AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:00:03.0 domain=0x0003 address=0xfffe0000 flags=0x0020]',
    );
    expect(amdDetachedDeviceLines(fault)).toEqual([
      'AMD-Vi: Event logged [Device not attached to domain properly]',
      'AMD-Vi:   device=0000:00:03.0 domain=0x0003',
    ]);
  });

  it('I177 other events list their fields', () => {
    expect(amdEventLine('pci 0000:00:02.0', 'ILLEGAL_COMMAND_ERROR', { address: '0x1000' })).toBe(
      'pci 0000:00:02.0: AMD-Vi: Event logged [ILLEGAL_COMMAND_ERROR address=0x1000]',
    );
    expect(amdDeviceTableLines(0x5n, [1n, 0x3n])).toEqual([
      'AMD-Vi: Control Reg : 0x5',
      'AMD-Vi: DTE[0]: 0000000000000001',
      'AMD-Vi: DTE[1]: 0000000000000003',
    ]);
  });
});

describe('SMMUv3', () => {
  const event: SmmuEvent = {
    id: 0x10,
    words: [0x10n, 0n, 0xfffff000n, 0n],
    deviceName: '0000:00:03.0',
    streamId: 0x18,
    substreamId: 0,
    iova: 0xfffff000n,
    ipa: 0n,
    fetchAddress: 0x4000n,
    privileged: false,
    instruction: false,
    isRead: false,
    stage2: false,
    eventClass: 2,
    descriptor: null,
    stall: false,
    stallTag: 0,
  };

  it('I178 a translation fault', () => {
    expect(smmuEventLines('smmu0', event)).toEqual([
      'arm-smmu-v3 smmu0: event 0x10 received:',
      'arm-smmu-v3 smmu0: \t0x0000000000000010',
      'arm-smmu-v3 smmu0: \t0x0000000000000000',
      'arm-smmu-v3 smmu0: \t0x00000000fffff000',
      'arm-smmu-v3 smmu0: \t0x0000000000000000',
      'arm-smmu-v3 smmu0: event: F_TRANSLATION client: 0000:00:03.0 sid: 0x18 ssid: 0 iova: 0xfffff000 ipa: 0',
      'arm-smmu-v3 smmu0: unpriv data write s1 "Input address caused fault" stag: 0',
    ]);
  });

  it('I178 a descriptor access that stalls', () => {
    const stalled = { ...event, privileged: true, instruction: true, isRead: true, stage2: true, eventClass: 1 };
    const lines = smmuEventLines('smmu0', { ...stalled, descriptor: 'read', stall: true, stallTag: 7 });
    expect(lines.at(-1)).toBe(
      'arm-smmu-v3 smmu0: priv inst read s2 "Stage 1 translation table fetch" ttd_read stall stag: 0x7',
    );
  });

  it('I178 a fetch fault, and an event without device', () => {
    expect(smmuEventLines('smmu0', { ...event, id: 9 }).at(-1)).toBe(
      'arm-smmu-v3 smmu0: event: F_CD_FETCH client: 0000:00:03.0 sid: 0x18 ssid: 0 fetch_addr: 0x4000',
    );
    expect(smmuEventLines('smmu0', { ...event, id: 2, deviceName: null }).at(-1)).toBe(
      'arm-smmu-v3 smmu0: event: C_BAD_STREAMID client: (unassigned sid) sid: 0x18 ssid: 0',
    );
  });

  it('I179 names events', () => {
    expect([smmuEventName(0x25), smmuEventName(0x26)]).toEqual(['F_VMS_FETCH', 'UNKNOWN']);
  });
});

it.each([
  [
    { reason: 'page', endpoint: 8, address: 0x1000, read: true, write: true, execute: false },
    'page fault from EP 8 at 0x1000 [RW]',
  ],
  [
    { reason: 'domain', endpoint: 3, address: null, read: true, write: false, execute: false },
    'domain fault from EP 3',
  ],
] as const)('I180 virtio: %o', (fault, line) => {
  expect(virtioFaultLine(fault)).toBe(line);
});

it('I170 asks the handler, and emits the event whatever it says', () => {
  const ring = new TraceRing();
  ring.on = true;
  expect(reportIommuFault(ring, null, 'nvme', '0000:00:03.0', 0x1000, 1)).toBe(-38);
  expect(reportIommuFault(ring, () => 0, 'nvme', '0000:00:03.0', 0x2000, 0)).toBe(0);
  const { log } = ring.toLog();
  expect(Array.from({ length: log.length }, (_, i) => [log.device(i), log.address(i)])).toEqual([
    ['0000:00:03.0', 0x1000],
    ['0000:00:03.0', 0x2000],
  ]);
});
