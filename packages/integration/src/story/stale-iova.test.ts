import { describe, expect, it } from 'vitest';
import { staleIovaStory } from './stale-iova.ts';

const story = staleIovaStory();
const run = (setting: string) => story.runs.find((each) => each.setting === setting)!.requests;

describe('N181 T95 a peer-to-peer write after ordinary reads', () => {
  it('on Linux 7.3 with an IOMMU is described by half: the disk refuses it, and no byte arrives', () => {
    const [fresh, read, again] = run('Linux 7.3, IOMMU on');
    expect(fresh).toMatchObject({ heldRange: null, describedBytes: 65536, nvmeStatus: '0x0', arrivedBytes: 65536 });
    expect(read).toMatchObject({ iommuMaps: 32, iommuUnmaps: 1, heldRange: { bytes: 131072 }, arrivedBytes: 131072 });
    expect(again).toMatchObject({
      heldRange: read.heldRange,
      descriptor: 'SGL, 1 data block',
      describedBytes: 32768,
      nvmeStatus: '0x400f',
      errno: -5,
      arrivedBytes: 0,
      iommuMaps: 0,
      iommuFaults: 0,
    });
    expect(again.log.at(-1)).toMatch(/^I\/O error, dev nvme0n1, sector 0 op 0x1:\(WRITE\)/);
  });

  it('works below 32 KiB and in one piece even then', () => {
    const [, , , small, whole] = run('Linux 7.3, IOMMU on');
    expect(small).toMatchObject({ descriptor: '4 PRP entries', errno: 0, arrivedBytes: 16384 });
    expect(whole).toMatchObject({ descriptor: 'SGL, 1 data block', errno: 0, arrivedBytes: 65536 });
  });

  it.each(['state cleared, IOMMU on', 'Linux 7.3, IOMMU off'])('%s: arrives whole', (setting) => {
    const [fresh, , again] = run(setting);
    expect(again).toMatchObject({ heldRange: null, describedBytes: 65536, nvmeStatus: '0x0', arrivedBytes: 65536 });
    expect(again.descriptor).toBe(fresh.descriptor);
  });

  it('is told the same way every time', () => expect(staleIovaStory()).toEqual(story));
});
