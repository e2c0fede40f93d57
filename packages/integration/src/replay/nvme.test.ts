import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { type NvmeAgreement, replayNvme } from './nvme.ts';

const TRACES = new URL('../../fixtures/traces/', import.meta.url);

function replay(name: string): NvmeAgreement {
  const { log, header } = readTrace(gunzipSync(readFileSync(new URL(`${name}.trace.gz`, TRACES))));
  return replayNvme(log, { cpus: header.cpus })!;
}

/** Commands of each trace, and how many tags agree: all where one queue and an elevator leave nothing open. */
const CASES = [
  ['direct', 'direct', 748, 748],
  ['vtd-lazy', 'iommu', 824, 824],
  ['vtd-strict', 'iommu', 824, 824],
  ['vtd-passthrough', 'direct', 748, 748],
  ['amd-strict', 'iommu', 824, 824],
  ['swiotlb-force', 'bounce', 792, 792],
  ['vtd-lazy-2cpu', 'iommu', 824, 600],
] as const;

describe.each(CASES)('%s', (name, route, commands, tags) => {
  it('N112 makes the commands, mappings, descriptors and events of the traced kernel', () => {
    const agreement = replay(name);
    expect(agreement).toMatchObject({ route, compared: commands, agree: commands, skipped: 0, residuals: [] });
    expect(agreement.byField).toEqual({
      command: commands,
      maps: commands,
      descriptors: commands,
      issue: commands,
      unmaps: commands,
      completion: commands,
    });
  });

  it('N21, N52 names each command alike, or says what the trace leaves open', () => {
    const { identity } = replay(name);
    expect(identity.residuals.filter(({ because }) => because === null)).toEqual([]);
    expect(identity.agree + identity.explained).toBe(commands);
    expect(identity.byField.tag).toBeGreaterThanOrEqual(tags);
  });
});

it('does not let a name excuse a command that differs', () => {
  const text = gunzipSync(readFileSync(new URL('direct.trace.gz', TRACES))).toString();
  const line = text.split('\n').findIndex((content) => content.includes('block_rq_complete: 259,0 R'));
  const lines = text.split('\n');
  lines[line] = lines[line].replace(/\[0\]$/, '[-5]');
  const { log, header } = readTrace(Buffer.from(lines.join('\n')));
  const agreement = replayNvme(log, { cpus: header.cpus })!;
  expect(agreement.compared - agreement.agree).toBe(1);
  expect(agreement.residuals).toMatchObject([{ field: 'completion', because: null }]);
});

it('is null for a trace without NVMe commands', () => {
  const { log } = readTrace(gunzipSync(readFileSync(new URL('bounce-32bit-ide.trace.gz', TRACES))));
  expect(replayNvme(log)).toBeNull();
});

it('N27 and N73 replays flushes and discards among the rest', () => {
  const line = (text: string, i: number) => `  kworker/0:1H-104     [000] .....     8.00000${i}: ${text}\n`;
  const setup = 'nvme_setup_cmd: nvme0: disk=nvme0n1, qid=1, cmdid=';
  const done = (cmdid: number, head: number) => [
    `nvme_sq: nvme0: disk=nvme0n1, qid=1, head=${head}, tail=${head}`,
    `nvme_complete_rq: nvme0: disk=nvme0n1, qid=1, cmdid=${cmdid}, res=0x0, retries=0, flags=0x0, status=0x0`,
  ];
  const [sq3, complete3] = done(3, 4);
  const zeroes = Array.from({ length: 24 }, () => '00').join(' ');
  const text = [
    `${setup}3, nsid=1, flags=0x0, meta=0x0, cmd=(nvme_cmd_dsm nr=0, attributes=4)`,
    'dma_map_phys: 0000:00:03.0 dir=TO_DEVICE dma_addr=abcd000 size=4096 phys_addr=abcd000 attrs=',
    'block_rq_issue: 259,0 DS 65536 () 0 + 128 be,0,4 [kworker/0:1H]',
    sq3,
    'dma_unmap_phys: 0000:00:03.0 dir=TO_DEVICE dma_addr=abcd000 size=4096 attrs=',
    complete3,
    'block_rq_complete: 259,0 DS () 0 + 128 be,0,4 [0]',
    `${setup}4, nsid=1, flags=0x0, meta=0x0, cmd=(nvme_cmd_flush cdw10=${zeroes})`,
    'block_rq_issue: 259,0 FF 0 () 0 + 0 none,0,0 [kworker/0:1H]',
    ...done(4, 5),
  ];
  const { log } = readTrace(new TextEncoder().encode(`# tracer: nop\n${text.map(line).join('')}`));
  expect(replayNvme(log)).toMatchObject({ compared: 2, agree: 2, skipped: 0, residuals: [] });
});
