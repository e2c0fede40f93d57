import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCaptured } from '../testing/run-captured.ts';
import { temporaryFile } from '../testing/temporary-files.ts';

describe('dmalab story', () => {
  it('lists what there is', async () => {
    const { output } = await runCaptured('story');
    expect(output).toMatch(/^stale-iova +A peer-to-peer write that fails/m);
  });

  it('N181 shows the write that arrives, the read, and the same write that does not', async () => {
    const page = temporaryFile('story.html', '');
    const { exitCode, output } = await runCaptured('story', 'stale-iova', '--report', page);
    expect(exitCode).toBe(0);
    expect(output).toMatch(
      /two pieces, objects unused +none +SGL, 2 data blocks +65 536 of 65 536 .* 0x0 +0 +65 536$/m,
    );
    expect(output).toMatch(/two pieces, again +0xfff[0-9a-f]+ +SGL, 1 data block +32 768 of 65 536 .* 0x400f +-5 +0$/m);
    expect(output).toContain('kernel: I/O error, dev nvme0n1, sector 0 op 0x1:(WRITE)');
    expect(output).toContain('status 0x400f, errno -5, and 0 bytes arrive');
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('<h1>A peer-to-peer write that fails because of the read before it</h1>');
    expect(html).not.toMatch(/NaN|undefined|<script|src=/);
  });

  it('gives the same as data', async () => {
    const { output } = await runCaptured('story', 'stale-iova', '--json');
    const { runs } = JSON.parse(output);
    expect(runs.map(({ requests }: { requests: { errno: number }[] }) => requests[2].errno)).toEqual([-5, 0, 0]);
  });

  it('refuses a name that it does not know in one line', async () => {
    const { exitCode, complaints } = await runCaptured('story', 'moby-dick');
    expect({ exitCode, complaints }).toEqual({
      exitCode: 2,
      complaints: 'dmalab: moby-dick: no such story; name one of stale-iova',
    });
  });
});
