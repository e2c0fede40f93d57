import { describe, expect, it } from 'vitest';
import { readBootFacts } from './boot-facts.ts';

const commandLine = (words: string) => `[    0.000000] Kernel command line: console=ttyS0 ${words}\n`;

describe('S131, S132 size and areas, the most trustworthy source first', () => {
  it.each([
    ['the running pool', `${commandLine('swiotlb=64,force')}io_tlb_nslabs 512\n`, 1, 512, 1, 'io_tlb_nslabs'],
    [
      'a full message',
      '[ 11.7] nvme 0000:01:00.0: swiotlb buffer is full (sz: 8192 bytes), total 512 (slots), used 446 (slots)',
      1,
      512,
      1,
      'swiotlb buffer is full',
    ],
    [
      'the mapped line',
      '[ 0.9] software IO TLB: mapped [mem 0x0000000033a00000-0x0000000037a00000] (64MB)',
      1,
      32768,
      1,
      'mapped',
    ],
    [
      'a pool that had to shrink',
      `${commandLine('swiotlb=1000000')}software IO TLB: SWIOTLB bounce buffer size adjusted 1048576 -> 262144 slabs`,
      1,
      262144,
      1,
      'size adjusted',
    ],
    ['the command line', commandLine('swiotlb=640,force'), 1, 1024, 1, 'kernel command line'],
    ['the command line on 4 CPUs', commandLine('swiotlb=force'), 4, 32768, 4, 'kernel command line'],
    [
      'areas in the log',
      `${commandLine('swiotlb=512,force')}[ 0.1] software IO TLB: area num 8.\n`,
      2,
      1024,
      8,
      'kernel command line',
    ],
  ])('%s', (_what, text, cpus, slotCount, areaCount, source) => {
    const facts = readBootFacts(text, cpus);
    expect(facts).toMatchObject({ slotCount, areaCount });
    expect(facts.sources['slotCount']).toBe(source);
  });

  it('S22 takes the start from the mapped line', () => {
    const text = 'software IO TLB: mapped [mem 0x0000000033a00000-0x0000000037a00000] (64MB)';
    expect(readBootFacts(text, 1).start).toBe(0x33a00000);
  });

  it('knows nothing of a text that says nothing', () => {
    expect(readBootFacts('Linux version 7.3.4', 1)).toEqual({ sources: {}, drivers: new Map() });
  });
});

it('pairs devices with drivers, and takes no core for a driver', () => {
  const text = [
    '[    1.1] pci 0000:00:01.1: BAR 4 [io  0xc040-0xc04f]',
    '[    1.2] ata_piix 0000:00:01.1: version 2.13',
    '[    6.5] nvme nvme0: pci function 0000:00:03.0',
  ];
  expect([...readBootFacts(text.join('\n'), 1).drivers]).toEqual([
    ['0000:00:01.1', 'ata_piix'],
    ['0000:00:03.0', 'nvme'],
  ]);
});
