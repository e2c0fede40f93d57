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
