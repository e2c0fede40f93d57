import { describe, expect, it } from 'vitest';
import { MACHINES } from '../machine/presets.ts';
import { runStudy } from '../study/run-study.ts';
import { parseFioJobs } from '../workload/fio-parser.ts';

const JOB = `[mixed]
rw=randrw
bssplit=512/10:4k/50:20k/20:128k/20
size=8m
io_size=2m
iodepth=8
numjobs=2
[far]
rw=write
bs=1m
size=4m
offset=16m
`;
const jobs = parseFioJobs(JOB, 'mixed.fio');
const machines = ['x86-direct', 'x86-vtd', 'x86-vtd-strict', 'x86-swiotlb'].map((name) => MACHINES[name]);
const rows = runStudy(jobs, machines);
const row = (machine: string, era: string) => rows.find((each) => each.machine === machine && each.era === era);

describe('one workload on every machine, through both mapping interfaces', () => {
  it('does the same I/Os and verifies the same bytes everywhere', () => {
    expect(rows).toHaveLength(8);
    expect(new Set(rows.map(({ ios }) => ios)).size).toBe(1);
    expect(new Set(rows.map(({ bytesVerified }) => bytesVerified)).size).toBe(1);
    expect(rows[0].bytesVerified).toBeGreaterThan(1_000_000);
  });

  it('gives the same figures on a second run', () => {
    expect(runStudy(jobs, [MACHINES['x86-vtd']])).toEqual(rows.filter(({ machine }) => machine === 'x86-vtd'));
  });

  it('G13 the phys-based interface converts nothing; the page-based one twice a vector, once more when traced', () => {
    for (const machine of machines) {
      const page = row(machine.name, 'page');
      expect(row(machine.name, 'phys')).toMatchObject({ physToPage: 0, pageToPhys: 0 });
      expect(page?.physToPage).toBe(page?.maps);
      expect(page?.pageToPhys).toBe(page?.maps);
      expect(page?.conversionsPerIoTraced).toBeCloseTo((3 * (page?.maps ?? 0)) / (page?.ios ?? 1));
    }
  });

  it('D60 a direct machine elides the unmaps of multi-segment requests; behind an IOMMU or bounced none is left out', () => {
    const direct = row('x86-direct', 'phys');
    expect(direct?.unmaps).toBeLessThan(direct?.maps ?? 0);
    for (const name of ['x86-vtd', 'x86-vtd-strict', 'x86-swiotlb']) {
      expect(row(name, 'phys')?.unmaps).toBe(row(name, 'phys')?.maps);
    }
  });

  it('S24 forced bouncing copies every byte of every transfer through the pool, the others none', () => {
    const bounced = row('x86-swiotlb', 'phys')?.bouncedBytes ?? 0;
    expect(bounced).toBeGreaterThan(8 * 2 ** 20);
    expect(row('x86-direct', 'phys')?.bouncedBytes).toBe(0);
    expect(row('x86-vtd', 'phys')?.bouncedBytes).toBe(0);
  });

  it('D77 two-step mappings show as page-table traffic and as no call of the mapping API', () => {
    const vtd = row('x86-vtd', 'phys');
    expect(vtd?.iommuMaps).toBeGreaterThan(vtd?.maps ?? 0);
    expect(vtd?.tableWalks).toBeGreaterThan(0);
    expect(vtd?.iotlbHits).toBeGreaterThan(0);
  });
});
