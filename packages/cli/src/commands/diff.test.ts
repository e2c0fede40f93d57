import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Q35, QemuBinary, QemuError } from '@dmalab/qemu';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCaptured } from '../testing/run-captured.ts';

function whyNoQemu(): string {
  try {
    return QemuBinary.find(Q35.program).hasDevice('intel-iommu') ? '' : `${Q35.program} has no intel-iommu`;
  } catch (error) {
    if (error instanceof QemuError) return error.message;
    throw error;
  }
}

describe('dmalab diff', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dmalab-diff-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (text: string) => {
    const path = join(folder, 'sequence.txt');
    writeFileSync(path, text);
    return path;
  };

  it('says which line it cannot use', async () => {
    const { exitCode, complaints } = await runCaptured('diff', file('unit vtd\npoke 1 2\n'));
    expect([exitCode, complaints]).toEqual([2, expect.stringContaining('line 2: "poke" is no operation')]);
  });

  it('wants a file or a unit', async () => {
    expect((await runCaptured('diff')).complaints).toContain('there is no FILE');
    expect((await runCaptured('diff', '--record', 'gart')).complaints).toContain('"gart" is no unit');
  });

  it('says that there is no such QEMU', async () => {
    const { exitCode, complaints } = await runCaptured('diff', file('unit vtd\nreadl 0\n'), '--qemu', 'qemu-none');
    expect([exitCode, complaints]).toEqual([2, expect.stringContaining('there is no qemu-none here')]);
  });

  const why = whyNoQemu();
  describe.skipIf(why !== '')(why === '' ? 'with QEMU' : `with QEMU (skipped: ${why})`, () => {
    it('records what our driver does, and finds no difference in it', async () => {
      const { output } = await runCaptured('diff', '--record', 'vtd');
      const { exitCode, output: said } = await runCaptured('diff', file(output));
      expect([exitCode, said]).toEqual([0, expect.stringMatching(/steps on vtd, no difference from QEMU \d/)]);
    });

    it('answers as data', async () => {
      const { exitCode, output } = await runCaptured('diff', file('unit vtd\nreadl 0x1c\n'), '--json');
      expect(exitCode).toBe(0);
      expect(JSON.parse(output)).toMatchObject({ unit: 'vtd', steps: 1, played: 1, difference: null, known: [] });
    });
  });
});
