import { readFileSync } from 'node:fs';
import { readTopology, studyTopology } from '@dmalab/pci-p2p';
import { describe, expect, it } from 'vitest';
import { MACHINES } from '../../machine/presets.ts';
import { drawnDescription } from './from-description.ts';
import { drawnTopology } from './from-topology.ts';
import { machinePicture } from './machine-picture.ts';

const textsOf = (markup: string): string[] => [...markup.matchAll(/<text [^>]*>([^<]*)</g)].map(([, text]) => text);

/** The corner of each box, and how far in it begins. */
const boxesOf = (markup: string) =>
  [...markup.matchAll(/<rect class="box (\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)].map(
    ([, kind, x, y, width, height]) => ({ kind, x: +x, y: +y, right: +x + +width, bottom: +y + +height }),
  );

describe('a machine drawn', () => {
  it('names its parts from the processors down, each below what it hangs on', () => {
    const { markup } = machinePicture(drawnDescription(MACHINES['gpu-peer-vtd']));
    expect(textsOf(markup)).toEqual([
      ...['1 CPU', 'memory', '1 GiB in all', 'RAM 0x1000-0x9fbff', 'RAM 0x100000-0x3ffd6fff'],
      expect.stringMatching(/^IOMMU .*strict/),
      ...[
        'host bridge, bus 0',
        'memory 0x40000000-0xafffffff',
        'memory 0xc0000000-0xfebfffff',
        'memory 0xa0000-0xbffff',
      ],
      'prefetchable 0x8000000000-0xbfffffffff',
      ...['0000:00:10.0 root port', 'ACS 0x1d', '0000:01:00.0 switch, upstream port', 'ACS 0x0'],
      ...['0000:02:00.0 switch, downstream port', 'ACS 0x1d', '0000:03:00.0 NVMe disk nvme0'],
      expect.stringMatching(/^BAR 0 at 0x4[0-9a-f]{7}$/),
      ...['0000:02:01.0 switch, downstream port', 'ACS 0x1d', '0000:04:00.0 memory for peers'],
      'BAR 2 16 MiB at 0x8000000000',
    ]);
    const devices = boxesOf(markup).filter(({ kind }) => ['port', 'disk', 'peer'].includes(kind));
    expect(devices.map(({ x }) => Math.floor(x / 18))).toEqual([1, 2, 3, 4, 3, 4]);
  });

  it.each(Object.values(MACHINES))('$name: no box runs off the picture or into another', (machine) => {
    const { markup } = machinePicture(drawnDescription(machine));
    const height = Number(/viewBox="0 0 440 ([\d.]+)"/.exec(markup)![1]);
    const boxes = boxesOf(markup);
    for (const [i, box] of boxes.entries()) {
      expect(box.right).toBeLessThanOrEqual(440);
      expect(box.bottom).toBeLessThan(height);
      for (const other of boxes.slice(0, i)) expect(other.bottom <= box.y || other.right <= box.x).toBe(true);
    }
    expect(markup).not.toMatch(/NaN|undefined/);
  });

  it('from lspci: devices under their ports, as far as the list tells, and what a device calls itself as text', () => {
    const lspci = readFileSync(new URL('../../../../../examples/nvme-and-gpu.lspci.txt', import.meta.url), 'utf8');
    const { report } = studyTopology(readTopology(lspci.replace('Vega 10', '<Vega> & 10')));
    const { markup } = machinePicture(drawnTopology(report));
    expect(textsOf(markup)).toContain('0000:03:00.0 Non-Volatile memory controller');
    expect(markup).toContain('BAR 0 16 GiB at 0x4000000000');
    expect(markup).not.toContain('<Vega>');
    expect(boxesOf(markup).map(({ kind }) => kind)).toEqual([
      ...['root', 'other', 'port', 'port', 'port', 'disk', 'port', 'peer'],
    ]);
  });
});
