import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readText } from './input-file.ts';
import { temporaryFile, temporaryFolder } from './testing/temporary-files.ts';

const TEXT = 'a line of a trace\n'.repeat(20_000);

describe('an input file', () => {
  it('is read as it is, or unpacked when it starts like gzip or zstd, whatever its name', async () => {
    expect(await readText(temporaryFile('plain.gz', TEXT))).toBe(TEXT);
    expect(await readText(temporaryFile('packed.txt', gzipSync(TEXT)))).toBe(TEXT);
    expect(await readText(temporaryFile('packed.zst', zstdCompressSync(TEXT)))).toBe(TEXT);
    expect(await readText(temporaryFile('empty', ''))).toBe('');
  });

  it('that is cut short as gzip says so, with the remedy', async () => {
    const whole = gzipSync(TEXT);
    const path = temporaryFile('short.gz', whole.subarray(0, whole.length - 100));
    await expect(readText(path)).rejects.toThrow(`${path}: the packed data end too early; copy the file again`);
  });

  it('that is cut short as zstd says so', async () => {
    const whole = zstdCompressSync(TEXT);
    await expect(readText(temporaryFile('short.zst', whole.subarray(0, whole.length - 5)))).rejects.toThrow(
      'the packed data end too early',
    );
  });

  it('that is damaged as gzip says so', async () => {
    const whole = gzipSync(TEXT);
    whole.fill(0xff, 20, 60);
    await expect(readText(temporaryFile('damaged.gz', whole))).rejects.toThrow('the packed data are damaged');
  });

  it('that is missing or a folder says so', async () => {
    await expect(readText(join(temporaryFolder(), 'nowhere'))).rejects.toThrow('no such file; check the path');
    await expect(readText(temporaryFolder())).rejects.toThrow('is a folder; name a file in it');
  });
});
