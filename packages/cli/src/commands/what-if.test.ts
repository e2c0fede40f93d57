import { describe, expect, it } from 'vitest';
import { example, runCaptured } from '../testing/run-captured.ts';
import { temporaryFile } from '../testing/temporary-files.ts';

const TRACE = example('linux-7.3-vtd-lazy.trace.gz');

describe('dmalab replay --as', () => {
  it('puts the figures of both machines side by side', async () => {
    const { exitCode, output } = await runCaptured('replay', TRACE, '--as', 'x86-vtd-strict');
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^ +traced +x86-vtd-strict$/m);
    expect(output).toMatch(/^pages reachable after unmap +[\d ]+ 0$/m);
    expect(output).toContain('nothing would have failed');
  });

  it('takes a file with what differs from a preset', async () => {
    const file = temporaryFile('small.yaml', 'name: small\npreset: x86-swiotlb\ncommandLine: swiotlb=128,force\n');
    const { output } = await runCaptured('replay', TRACE, '--as', file, '--json');
    const { whatIf } = JSON.parse(output);
    expect(whatIf.swiotlb.slotCount).toBe(128);
    expect(whatIf.failures).toBeGreaterThan(0);
  });

  it.each([
    ['--as', 'x86-moon', /^dmalab: --as x86-moon: no such machine; name a YAML file, or one of x86-direct/],
    ['--dma-mask', 'wide', /is no width of addresses; give 24 to 64/],
  ])('refuses %s %s in one line', async (flag, value, says) => {
    const as = flag === '--as' ? [] : ['--as', 'x86-direct'];
    const { exitCode, complaints } = await runCaptured('replay', TRACE, ...as, flag, value);
    expect(exitCode).toBe(2);
    expect(complaints).toMatch(says);
    expect(complaints.split('\n')).toHaveLength(1);
  });
});
