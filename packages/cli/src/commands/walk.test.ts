import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCli } from '../cli.ts';
import { temporaryFile } from '../testing/temporary-files.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../../../iommu/fixtures/${name}`, import.meta.url));
const core = fixture('vtd-legacy.elf.gz');
const registers = fixture('vtd-legacy.expected.json');

let printed: string[];
let complaints: string[];

beforeEach(() => {
  printed = [];
  complaints = [];
  process.exitCode = undefined;
  vi.spyOn(console, 'log').mockImplementation((line) => printed.push(line));
  vi.spyOn(console, 'error').mockImplementation((line) => complaints.push(line));
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const walk = (...args: string[]) => runCli(['walk', core, '--registers', registers, ...args]);

describe('dmalab walk', () => {
  it('checks every page of the expected mappings', async () => {
    expect(await walk('--expected', registers, '--json')).toBe(0);
    expect(JSON.parse(printed.join('\n'))).toEqual({ checked: 304, agree: 304, mismatches: [] });
  });

  it('exits with 1 and names the page that goes elsewhere', async () => {
    const mappings = [{ device: '00:02.0', iova: '0xfffff000', phys: '0x1000', size: 512 }];
    expect(await walk('--expected', temporaryFile('list.json', JSON.stringify({ mappings })))).toBe(1);
    expect(printed).toEqual(['0 of 1 pages agree', '00:02.0  0xfffff000 goes to 0x2bb9000, expected 0x1000']);
  });

  it('shows the way to an address, entry by entry', async () => {
    expect(await walk('--device', '00:02.0', '--iova', '0xffffe200')).toBe(0);
    expect(printed).toHaveLength(8);
    expect(printed[2]).toContain('context               [16] at 0x1f11100: 000000000284a001 0000000000000402  P=1');
    expect(printed[7]).toBe('0xffffe200 -> 0x28b7200  rw');
  });

  it('lists what a device can reach', async () => {
    expect(await walk('--device', '00:1f.0', '--dump')).toBe(0);
    expect(printed).toEqual(['domain 6, second-stage: 8 leaves in 1 ranges', '0x0-0xffffff -> 0x0  rw']);
  });

  it('reads the tables of an AMD-Vi unit: checked, walked, listed', async () => {
    const [dump, file] = [fixture('amd-v1.elf.gz'), fixture('amd-v1.expected.json')];
    const amd = (...args: string[]) => runCli(['walk', dump, '--iommu', 'amd', '--registers', file, ...args]);
    expect(await amd('--expected', file)).toBe(0);
    expect(await amd()).toBe(0);
    expect(await amd('--device', '00:04.0', '--iova', '0xffe5a123')).toBe(0);
    expect(printed[0]).toBe('328 of 328 pages agree');
    expect(printed).toContain('00:04.0');
    expect(printed.at(-1)).toBe('0xffe5a123 -> 0xb000123  -w');
    expect(await amd('--device', '00:04.0', '--dump')).toBe(0);
    expect(printed).toContain('0xffe5a000-0xffe5ffff -> 0xb000000  -w');
    expect(await amd('--device', '00:09.0', '--dump')).toBe(2);
  });

  it('reads an unpacked core as well', async () => {
    const plain = temporaryFile('core', gunzipSync(readFileSync(core)));
    expect(await runCli(['walk', plain, '--registers', registers])).toBe(0);
    expect(printed).toContain('00:1f.0');
  });

  it.each([
    [['--iova', '0x1000'], '--iova: needs a device'],
    [['--device', '00:09.0', '--iova', '0x1000'], 'device 00:09.0 has no context entry'],
    [['--device', '9', '--dump'], '"9" is no device'],
    [['--device', '00:02.0', '--iova', 'here'], '"here" is no address'],
    [['--iommu', 'smmu'], '"smmu" is not read'],
  ])('refuses %j in one line, with exit code 2', async (args, line) => {
    expect(await walk(...args)).toBe(2);
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(line);
  });

  it('names the field that a register file lacks, and the page that a dump lacks', async () => {
    const { rtaddr, cap, ecap, gsts } = JSON.parse(readFileSync(registers, 'utf8')).registers;
    expect(
      await runCli(['walk', core, '--registers', temporaryFile('r.json', JSON.stringify({ rtaddr, cap, ecap }))]),
    ).toBe(2);
    expect(complaints[0]).toContain('the register file lacks "gsts"');
    const elsewhere = temporaryFile('r.json', JSON.stringify({ rtaddr: '0x1000', cap, ecap, gsts }));
    expect(await runCli(['walk', core, '--registers', elsewhere])).toBe(2);
    expect(complaints[1]).toContain('the dump does not hold 0x1000, the page of the root table');
  });
});
