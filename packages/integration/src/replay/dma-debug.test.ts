import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { type DmaDebugReport, replayDmaDebug } from './dma-debug.ts';

const NAMES = [
  'amd-strict',
  'bounce-32bit-ide',
  'direct',
  'lazy',
  'strict',
  'swforce',
  'swiotlb-force',
  'swiotlb-force-1024',
  'vtd-lazy',
  'vtd-lazy-2cpu',
  'vtd-passthrough',
  'vtd-strict',
  'vtd-untrusted',
];

const files = new Map<string, string>();

function lines(name: string): string[] {
  const path = new URL(`../../fixtures/traces/${name}.trace.gz`, import.meta.url);
  const text = files.get(name) ?? gunzipSync(readFileSync(path)).toString('latin1');
  files.set(name, text);
  return text.split('\n');
}

function check(text: string[]): DmaDebugReport {
  return replayDmaDebug(readTrace(Buffer.from(text.join('\n'), 'latin1')).log);
}

/** Findings over these events, which stand in lines 1, 2 and so on. */
function checkEvents(bodies: readonly string[]) {
  const lines = bodies.map(
    (body, n) => `          <idle>-0       [000] ..s1.     ${(1 + n / 1e4).toFixed(6)}: ${body}`,
  );
  return check([...lines, '']).findings;
}

const mapSg = (list: string) => `dma_map_sg: 0000:00:05.0 dir=TO_DEVICE nents=2/2 ents=2/2 ${list}`;

/** Index of the nth line that holds the word, from the middle of the trace on. */
function middle(text: string[], word: string): number {
  return text.findIndex((line, i) => i > text.length / 2 && line.includes(` ${word}: `));
}

/** 1-based line of the latest map of the address that the unmap at that index names. */
function mapLineOf(text: string[], unmap: number): number {
  const address = /dma_addr=(\S+)/.exec(text[unmap])![1];
  return (
    text.findLastIndex(
      (line, i) => i < unmap && line.includes(` dma_map_phys: `) && line.includes(`dma_addr=${address} `),
    ) + 1
  );
}

describe('dma-debug over real traces', () => {
  it.each(NAMES)('%s holds no finding: its drivers did nothing wrong', (name) => {
    expect(check(lines(name)).findings).toEqual([]);
  });

  it('T3 D60 knows direct NVMe for a driver that leaves unmaps out, and no other', () => {
    const eliding = NAMES.filter((name) => check(lines(name)).devices.some((device) => device.elidesUnmaps));
    expect(eliding).toEqual(['direct', 'vtd-passthrough']);
  });

  it('samples live mappings by device and caller over time', () => {
    const { live } = check(lines('vtd-untrusted'));
    expect(live.length).toBeGreaterThan(0);
    expect(Object.keys(live[0])).toEqual(['micros', 'device', 'caller', 'mappings', 'bytes']);
  });
});

const BALANCED = NAMES.filter((name) => !['direct', 'vtd-passthrough', 'bounce-32bit-ide'].includes(name));
const SINGLES = ['vtd-lazy-2cpu', 'vtd-untrusted', 'swiotlb-force', 'direct', 'vtd-passthrough'];

describe('dma-debug over traces that were edited', () => {
  it.each(BALANCED)('%s: a removed unmap is a leak of its map line', (name) => {
    const text = lines(name);
    const at = middle(text, 'dma_unmap_phys');
    const mapLine = mapLineOf(text, at);
    text.splice(at, 1);
    expect(check(text).findings.map(({ kind, line }) => [kind, line])).toEqual([['leak', mapLine]]);
  });

  it.each(SINGLES)('%s: a second unmap is a double unmap', (name) => {
    const text = lines(name);
    const at = middle(text, 'dma_unmap_phys');
    text.splice(at + 1, 0, text[at]);
    expect(check(text).findings.map(({ kind, line }) => [kind, line])).toEqual([['double-unmap', at + 2]]);
  });

  it.each(SINGLES)('%s: wrong size and wrong direction name the unmap and the map', (name) => {
    const text = lines(name);
    const at = middle(text, 'dma_unmap_phys');
    const mapLine = mapLineOf(text, at);
    const original = text[at];
    text[at] = original.replace(/size=\d+/, 'size=12345');
    expect(check(text).findings.map(({ kind, line, mapLine: of }) => [kind, line, of])).toEqual([
      ['wrong-size', at + 1, mapLine],
    ]);
    text[at] = original.replace(/dir=\w+/, (dir) => (dir === 'dir=TO_DEVICE' ? 'dir=FROM_DEVICE' : 'dir=TO_DEVICE'));
    expect(check(text).findings.map(({ kind, line, mapLine: of }) => [kind, line, of])).toEqual([
      ['wrong-direction', at + 1, mapLine],
    ]);
  });

  it('finds all four at once in one trace', () => {
    const text = lines('vtd-strict');
    const unmaps = text.flatMap((line, i) => (line.includes(' dma_unmap_phys: ') ? [i] : []));
    const [leak, twice, size, dir] = [100, 200, 300, 400].map((n) => unmaps[n]);
    const leakLine = mapLineOf(text, leak);
    text[size] = text[size].replace(/size=\d+/, 'size=1');
    text[dir] = text[dir].replace(/dir=\w+/, 'dir=BIDIRECTIONAL');
    text.splice(twice + 1, 0, text[twice]);
    text.splice(leak, 1);
    expect(check(text).findings.map(({ kind, line }) => [kind, line])).toEqual([
      ['leak', leakLine],
      ['double-unmap', twice + 1],
      ['wrong-size', size + 1],
      ['wrong-direction', dir + 1],
    ]);
  });

  it('tells an unmap whose map the trace does not hold from a double one', () => {
    const text = lines('vtd-strict');
    const map = text.findIndex((line) => line.includes(' dma_map_phys: '));
    text.splice(map, 1);
    expect(check(text).findings.map(({ kind }) => kind)).toEqual(['unknown-unmap']);
  });

  it('does not take a ring of receive buffers that is mapped at the end for leaks', () => {
    const text: string[] = [];
    const event = (n: number, body: string) =>
      text.push(`          <idle>-0       [000] ..s1.     ${(1 + n / 1e4).toFixed(6)}: ${body}`);
    const address = (n: number) => `ff${(0x100000 + n * 0x1000).toString(16)}`;
    for (let n = 0; n < 300; n++) {
      if (n >= 64)
        event(3 * n, `dma_unmap_phys: 0000:00:05.0 dir=FROM_DEVICE dma_addr=${address(n - 64)} size=2048 attrs=`);
      event(
        3 * n + 1,
        `dma_map_phys: 0000:00:05.0 dir=FROM_DEVICE dma_addr=${address(n)} size=2048 phys_addr=${n + 1}000 attrs=`,
      );
    }
    text.push('');
    const report = check(text);
    expect(report.findings).toEqual([]);
    expect(report.devices[0].liveAtEnd).toBe(64);
  });

  it('finds the scatterlist that is unmapped twice', () => {
    const text = lines('bounce-32bit-ide');
    const at = middle(text, 'dma_unmap_sg');
    text.splice(at + 1, 0, text[at]);
    expect(check(text).findings.map(({ kind, line }) => [kind, line])).toEqual([['double-unmap', at + 2]]);
  });

  it('finds the scatterlist that is never unmapped', () => {
    const text = lines('bounce-32bit-ide');
    const at = middle(text, 'dma_unmap_sg');
    const list = /phys_addrs=(\S+)/.exec(text[at])![1];
    const mapLine = text.findLastIndex((line, i) => i < at && line.includes('dma_map_sg') && line.includes(list)) + 1;
    text.splice(at, 1);
    expect(check(text).findings.map(({ kind, line }) => [kind, line])).toEqual([['leak', mapLine]]);
  });

  it('D90 checks the syncs of a list, and none of a list that nobody mapped', () => {
    const mapped = 'dma_addrs={0x1000,0x3000} sizes={0x800,0x400} phys_addrs={0x11000,0x13000} attrs=';
    const sync = (body: string) => `dma_sync_sg_for_cpu: 0000:00:05.0 dir=${body}`;
    const kinds = (...bodies: string[]) => checkEvents([mapSg(mapped), ...bodies]).map(({ id, line }) => [id, line]);
    expect(kinds(sync('TO_DEVICE dma_addrs={0x1000,0x3000} sizes={0x800,0x400}'))).toEqual([]);
    expect(kinds(sync('TO_DEVICE dma_addrs={0x1000,0x3000} sizes={0x800,0x800}'))).toEqual([['E18', 2]]);
    expect(kinds(sync('FROM_DEVICE dma_addrs={0x1000} sizes={0x800}'))).toEqual([
      ['E20', 2],
      ['E21', 2],
      ['E23', 2],
    ]);
    expect(kinds(sync('TO_DEVICE dma_addrs={0x7000} sizes={0x800}'))).toEqual([]);
  });

  it('D65 follows tables of dma_alloc_sgt: freed twice is a fault, living on is none', () => {
    const table = 'dma_addr=4000 size=8192 phys_addrs={0x21000,0x25000}';
    const alloc = `dma_alloc_sgt: 0000:00:05.0 dir=BIDIRECTIONAL ${table} flags=GFP_KERNEL attrs=`;
    const free = `dma_free_sgt: 0000:00:05.0 dir=BIDIRECTIONAL ${table}`;
    expect(checkEvents([alloc, free])).toEqual([]);
    expect(checkEvents([alloc])).toEqual([]);
    expect(checkEvents([alloc, free, free]).map(({ kind, line }) => [kind, line])).toEqual([['double-unmap', 3]]);
    const wrong = free.replace('BIDIRECTIONAL', 'TO_DEVICE');
    expect(checkEvents([alloc, wrong]).map(({ kind, line, mapLine }) => [kind, line, mapLine])).toEqual([
      ['wrong-direction', 2, 1],
    ]);
  });

  it('does not complain of a trace that began while the driver was at work', () => {
    const whole = lines('vtd-strict');
    const late = whole.slice(middle(whole, 'dma_map_phys') + 1);
    const first = late.findIndex((line) => line.includes(' dma_unmap_phys: '));
    const many = Array.from({ length: 9 }, (_, n) => late[first].replace(/dma_addr=\S+/, `dma_addr=7${n}000`));
    const report = check([...many, ...late]);
    expect(report.findings).toEqual([]);
    expect(report.devices[0].unmapsWithoutMap).toBeGreaterThanOrEqual(9);
  });

  it('T3 does not take a few left-out unmaps of direct NVMe for leaks either', () => {
    const text = lines('direct');
    const few = text.slice(0, text.findIndex((line, i) => i > 40 && line.includes(' dma_unmap_phys: ')) + 1);
    for (let n = 0; n < 3; n++) few.splice(middle(few, 'dma_unmap_phys'), 1);
    const nvme = text.find((line) => line.includes(' nvme_setup_cmd: '))!;
    const report = check([...few, nvme, '']);
    expect(report.devices[0].elidesUnmaps).toBe(false);
    expect(report.findings).toEqual([]);
  });
});
