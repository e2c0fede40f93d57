import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readText } from './input-file.ts';

const TEXT = 'a line of a trace\n'.repeat(20_000);
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dmalab-input-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe('an input file', () => {
  it('is read as it is, or unpacked when it starts like gzip or zstd, whatever its name', async () => {
    expect(await readText(file('plain.gz', TEXT))).toBe(TEXT);
    expect(await readText(file('packed.txt', gzipSync(TEXT)))).toBe(TEXT);
    expect(await readText(file('packed.zst', zstdCompressSync(TEXT)))).toBe(TEXT);
    expect(await readText(file('empty', ''))).toBe('');
  });

  it('that is cut short as gzip says so, with the remedy', async () => {
    const whole = gzipSync(TEXT);
    const path = file('short.gz', whole.subarray(0, whole.length - 100));
    await expect(readText(path)).rejects.toThrow(`${path}: the packed data end too early; copy the file again`);
  });

  it('that is cut short as zstd says so', async () => {
    const whole = zstdCompressSync(TEXT);
    await expect(readText(file('short.zst', whole.subarray(0, whole.length - 5)))).rejects.toThrow(
      'the packed data end too early',
    );
  });

  it('that is damaged as gzip says so', async () => {
    const whole = gzipSync(TEXT);
    whole.fill(0xff, 20, 60);
    await expect(readText(file('damaged.gz', whole))).rejects.toThrow('the packed data are damaged');
  });

  it('that is missing or a folder says so', async () => {
    await expect(readText(join(folder, 'nowhere'))).rejects.toThrow('no such file; check the path');
    await expect(readText(folder)).rejects.toThrow('is a folder; name a file in it');
  });
});
