import { describe, expect, it } from 'vitest';
import { runCaptured } from '../testing/run-captured.ts';
import { temporaryFile } from '../testing/temporary-files.ts';

const LOG = `[    0.232237] iommu: Default domain type: Translated
[    0.232238] iommu: DMA domain TLB invalidation policy: lazy mode
[    1.100000] nvme nvme0: pci function 0000:03:00.0
[   10.000001] DMAR: DRHD: handling fault status reg 2
[   10.000002] DMAR: [DMA Write NO_PASID] Request device [0000:03:00.0] fault addr 0xfffe0000 [fault reason 0x05] PTE Write access is not set
[   10.000003] DMAR: [DMA Write NO_PASID] Request device [0000:03:00.0] fault addr 0xfffd0000 [fault reason 0x05] PTE Write access is not set
[   41.000000] nvme nvme0: I/O tag 3 (0003) QID 1 timeout, aborting req_op:READ(0) opcode 0x02 size:4096
[   42.000000] usb 1-1: new high-speed USB device
[   43.000000] DMAR: a line of tomorrow
`;

describe('dmalab explain', () => {
  it('groups by device, says what, why and what next, and ties the timeout to the fault', async () => {
    const { exitCode, output } = await runCaptured('explain', temporaryFile('dmesg.txt', LOG));
    expect(exitCode).toBe(0);
    expect(output).toContain('9 lines, 8 about DMA; IOMMU translated, lazy');
    expect(output).toMatch(/^0000:03:00\.0\n {2}error: the IOMMU refused to let the device write at 0xfffe0000/m);
    expect(output).toContain('2 times, lines 5, 6');
    expect(output).toMatch(/warning: a command did not complete in time[\s\S]*follows line 5: the IOMMU refused/);
    expect(output).toContain('not understood: 1\n  line 9: DMAR: a line of tomorrow');
    expect(output.split('\n').length).toBeLessThan(24);
  });

  it('gives every cause and the set-up with --all', async () => {
    const { output } = await runCaptured('explain', temporaryFile('dmesg.txt', LOG), '--all');
    expect(output).toContain('iommu.strict=1');
    expect(output).toContain('rules: I171, I174');
    expect(output).toContain('info: what devices get by default');
  });

  it('has everything as data with --json', async () => {
    const { output } = await runCaptured('explain', temporaryFile('dmesg.txt', LOG), '--json');
    const { boot, explanations, unknown } = JSON.parse(output);
    expect(boot).toMatchObject({ invalidation: 'lazy', controllers: { nvme0: '0000:03:00.0' } });
    expect(explanations.find(({ rule }: { rule: string }) => rule === 'vtd-fault')).toMatchObject({
      count: 2,
      fields: { access: 'write', address: '0xfffe0000', reason: '0x05' },
      occurrences: [{ line: 5, seconds: 10.000002 }, { line: 6 }],
    });
    expect(unknown).toEqual([{ line: 9, text: 'DMAR: a line of tomorrow' }]);
  });

  it('says so when nothing went wrong', async () => {
    const { exitCode, output } = await runCaptured('explain', temporaryFile('dmesg.txt', 'usb 1-1: new device\n'));
    expect(exitCode).toBe(0);
    expect(output).toContain('nothing went wrong that this log tells of');
  });

  it.each([
    ['an empty file', '', /is empty; give it what dmesg/],
    ['something that is no text', 'a\0b', /is no text; give it what dmesg/],
  ])('refuses %s in one line with exit code 2', async (_, content, says) => {
    const { exitCode, output, complaints } = await runCaptured('explain', temporaryFile('bad', content));
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(complaints).toMatch(says);
  });

  it('gives examples in its help', async () => {
    const { output } = await runCaptured('explain', '--help');
    expect(output).toContain('dmesg | dmalab explain -');
  });
});
