import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { explainLog } from './explain-log.ts';

const FAULT =
  'DMAR: [DMA Write NO_PASID] Request device [0000:03:00.0] fault addr 0xfffe0000 [fault reason 0x05] PTE Write access is not set';

describe('prefixes', () => {
  it.each([
    ['none', ''],
    ['dmesg', '[   12.345678] '],
    ['dmesg -T', '[Fri Apr  7 00:04:33 2023] '],
    ['dmesg -x', 'kern  :err   : [   12.345678] '],
    ['dmesg -r', '<3>[   12.345678] '],
    ['printk caller', '[   12.345678][  T134] '],
    ['/dev/kmsg', '3,339,12345678,-;'],
    ['journal', 'Jul 19 23:11:56 host kernel: '],
    ['journal, precise', 'Jul 19 23:11:56.123456 host kernel: '],
    ['journal, iso', '2023-07-19T23:11:56+0200 host kernel: '],
    ['journal, unix', '1689800000.123456 host kernel: '],
    ['syslog with kernel time', 'Jul 19 23:11:56 host kernel: [   12.345678] '],
    ['syslog 5424', '<3>1 2023-10-11T22:14:15.003Z host kernel - - - '],
    ['quoted in a mail', '> > [   12.345678] '],
    ['coloured', '\u001b[32m[   12.345678] \u001b[0m'],
  ])('%s', (_, prefix) => {
    const { explanations } = explainLog(prefix + FAULT);
    expect(explanations).toMatchObject([
      { rule: 'vtd-fault', device: '0000:03:00.0', fields: { address: '0xfffe0000' } },
    ]);
    expect([null, 12.345678]).toContain(explanations[0].occurrences[0].seconds);
  });

  it('reads the messages of a journal in JSON, and Windows line ends', () => {
    const { explanations } = explainLog(`${JSON.stringify({ PRIORITY: '3', MESSAGE: FAULT })}\r\n${FAULT}\r\n`);
    expect(explanations).toMatchObject([{ count: 2 }]);
  });
});

describe('spellings of a VT-d record (spec I173)', () => {
  it.each([
    ['[fault reason 0x26]', '0x26', /belongs to another requester/],
    ['[fault reason 38]', '0x26', /belongs to another requester/],
    ['[fault reason 0x22]', '0x22', /no entry at this index/],
  ])('reason %s', (printed, reason, says) => {
    const line = `DMAR: [INTR-REMAP] Request device [f0:1f.0] fault index 0x25 ${printed} text`;
    const [{ fields, says: words }] = explainLog(line).explanations;
    expect(fields).toMatchObject({ reason, index: '0x25' });
    expect(words).toMatch(says);
  });

  it('takes the reason from the next line, where old kernels put it', () => {
    const log =
      'dmar: DMAR:[DMA Write] Request device [02:00.0] fault addr fffff000 \nDMAR:[fault reason 02] Present bit in context entry is clear';
    expect(explainLog(log).explanations).toMatchObject([
      {
        device: '0000:02:00.0',
        fields: { address: '0xfffff000', reason: '0x02' },
        details: [expect.stringContaining('02')],
      },
    ]);
  });

  it('names a PASID where there is one', () => {
    const log = FAULT.replace('NO_PASID', 'PASID 0x1f');
    expect(explainLog(log).explanations[0].fields).toMatchObject({ pasid: '0x1f' });
  });
});

describe('grouping', () => {
  it('counts lines of one device and reason, and keeps the place and address of each', () => {
    const log = [FAULT, FAULT.replace('fffe0000', 'fffd0000'), FAULT.replace('03:00.0', '04:00.0')].join('\n');
    const { explanations } = explainLog(log);
    expect(explanations.map(({ device, count }) => [device, count])).toEqual([
      ['0000:03:00.0', 2],
      ['0000:04:00.0', 1],
    ]);
    expect(explanations[0].occurrences.map(({ line, fields }) => [line, fields['address']])).toEqual([
      [1, '0xfffe0000'],
      [2, '0xfffd0000'],
    ]);
  });
});

describe('what followed from what', () => {
  const BOOT = '[    1.0] nvme nvme0: pci function 0000:03:00.0';
  const TIMEOUT = 'nvme nvme0: I/O tag 3 (0003) QID 1 timeout, aborting req_op:READ(0) opcode 0x02 size:4096';
  const followers = (log: string[]) =>
    explainLog(log.join('\n')).explanations.filter(({ followsFrom }) => followsFrom.length > 0);

  it('N94 ties a timeout to a fault of the same device in the minute before', () => {
    expect(followers([BOOT, `[   10.0] ${FAULT}`, `[   41.0] ${TIMEOUT}`])).toMatchObject([
      { rule: 'nvme-timeout', followsFrom: [{ line: 2 }] },
    ]);
  });

  it.each([
    ['another device', [BOOT, `[   10.0] ${FAULT.replace('03:00.0', '04:00.0')}`, `[   41.0] ${TIMEOUT}`]],
    ['a fault long before', [BOOT, `[   10.0] ${FAULT}`, `[  410.0] ${TIMEOUT}`]],
    ['a fault after it', [BOOT, `[   41.0] ${TIMEOUT}`, `[   42.0] ${FAULT}`]],
    ['a fault after it, without time stamps', [BOOT, TIMEOUT, FAULT].map((line) => line.replace(/^\[.*?\] /, ''))],
    ['a controller of unknown place', [`[   10.0] ${FAULT}`, `[   41.0] ${TIMEOUT}`]],
  ])('does not tie it to %s', (_, log) => {
    expect(followers(log)).toEqual([]);
  });

  it('S35 ties an I/O error to a mapping that failed just before, and says what it does not know', () => {
    const full =
      '[ 10.0] ahci 0000:00:1f.2: swiotlb buffer is full (sz: 65536 bytes), total 512 (slots), used 510 (slots)';
    const [error] = followers([
      full,
      '[ 10.1] I/O error, dev sda, sector 2048 op 0x1:(WRITE) flags 0x0 phys_seg 1 prio class 2',
    ]);
    expect(error).toMatchObject({
      rule: 'block-io-error',
      followsFrom: [{ line: 1, because: expect.stringContaining('does not say') }],
    });
  });

  it('leaves out an I/O error that nothing about DMA explains', () => {
    const { explanations, unknown } = explainLog('[ 10.1] I/O error, dev sda, sector 2048 op 0x1:(WRITE) flags 0x0');
    expect([explanations, unknown]).toEqual([[], []]);
  });
});

describe('advice follows the boot lines', () => {
  const FULL = 'ata_piix 0000:00:01.1: swiotlb buffer is full (sz: 65536 bytes), total 512 (slots), used 510 (slots)';
  const advice = (...log: string[]) => explainLog([...log, FULL].join('\n')).explanations.at(-1)!;

  it('S24 names swiotlb=force as the reason to bounce', () => {
    expect(advice('Command line: quiet swiotlb=force').causes.at(-1)).toContain('swiotlb=force is set');
  });

  it('S28 advises translation where the IOMMU passes through, and not for encrypted memory', () => {
    const passthrough = 'iommu: Default domain type: Passthrough';
    expect(advice(passthrough).next.join()).toContain('iommu.passthrough=0');
    const encrypted = 'Memory encryption is active and system is using DMA bounce buffers';
    expect(advice(passthrough, encrypted).next.join()).not.toContain('iommu.passthrough=0');
  });

  it('S28 advises an IOMMU where there is none, although the kernel prints a domain type', () => {
    const printed = 'iommu: Default domain type: Translated';
    expect(advice(printed, 'Command line: quiet intel_iommu=off').next.at(-1)).toContain('behind a translating IOMMU');
    expect(advice(printed, 'DMAR: IOMMU disabled').next.at(-1)).toContain('behind a translating IOMMU');
    expect(advice(printed, 'pci 0000:00:01.1: Adding to iommu group 3').next.at(-1)).not.toContain('translating');
  });

  it('I93 advises a strict boot only where the kernel is lazy', () => {
    const next = (policy: string) =>
      explainLog(`iommu: DMA domain TLB invalidation policy: ${policy} mode\n${FAULT}`)
        .explanations.at(-1)!
        .next.join();
    expect(next('lazy')).toContain('iommu.strict=1');
    expect(next('strict')).not.toContain('iommu.strict=1');
  });
});

describe('why the bounce buffers were full', () => {
  it.each([
    [65_536, 512, 'exhausted', 'S42: fewer slots free than needed'],
    [65_536, 481, 'exhausted', 'S42: one slot less than needed'],
    [65_536, 480, 'fragmented', 'S43: enough slots, no run'],
    [122_880, 446, 'fragmented', 'S90: as in a real boot log'],
    [262_144, 0, 'fragmented', 'S43: a whole segment, misaligned'],
    [262_145, 0, 'too large', 'S43: more than a segment'],
  ])('%i bytes with %i of 512 slots used: %s (%s)', (size, used, shortage) => {
    const line = `nvme 0000:01:00.0: swiotlb buffer is full (sz: ${size} bytes), total 512 (slots), used ${used} (slots)`;
    expect(explainLog(line).explanations[0].fields).toMatchObject({ shortage, slotsFree: 512 - used });
  });
});

describe('lines that no rule knows', () => {
  it('lists what seems to concern DMA, and nothing else', () => {
    const log = 'DMAR: something new\nusb 1-1: new device\nswiotlb: something else\n ? swiotlb_map+0x10/0x20';
    const { unknown, stackLines } = explainLog(log);
    expect(unknown).toEqual([
      { line: 1, text: 'DMAR: something new' },
      { line: 3, text: 'swiotlb: something else' },
    ]);
    expect(stackLines).toBe(1);
  });
});

describe('damaged lines', () => {
  const lines = readFileSync(new URL('../../fixtures/explain/reported-lines.log', import.meta.url), 'utf8').split('\n');

  test.prop([fc.constantFrom(...lines), fc.nat(200), fc.nat(8), fc.string({ maxLength: 8 })], { numRuns: 2000 })(
    'cut anywhere, or with something else in them, are explained or left, never an error',
    (line, at, length, other) => {
      const { lines: count, explainedLines, unknown } = explainLog(line.slice(0, at) + other + line.slice(at + length));
      expect(explainedLines + unknown.length).toBeLessThanOrEqual(count);
    },
  );
});
