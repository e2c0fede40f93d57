import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataPattern } from './data-pattern.ts';
import { parseFioJobs } from './fio-parser.ts';
import { JobStream, jobExtent, type WorkloadIo } from './job-stream.ts';

const DISK = 16 * 1024 * 1024;

function ios(text: string, copy = 0): WorkloadIo[] {
  const [job] = parseFioJobs(`[job]\n${text}`, 'job.fio').jobs;
  const stream = new JobStream(job, jobExtent(job, DISK, 'job.fio'), copy);
  const list: WorkloadIo[] = [];
  for (const io = { isWrite: false, offsetBytes: 0, lengthBytes: 0 }; stream.next(io); ) list.push({ ...io });
  return list;
}

describe('the stream of a job', () => {
  it('walks a sequential region in order, from its offset, and starts over until io_size is reached', () => {
    expect(ios('rw=read\nbs=4k\nsize=8k\noffset=1m\nio_size=12k\n')).toEqual([
      { isWrite: false, offsetBytes: 1048576, lengthBytes: 4096 },
      { isWrite: false, offsetBytes: 1052672, lengthBytes: 4096 },
      { isWrite: false, offsetBytes: 1048576, lengthBytes: 4096 },
    ]);
  });

  it('gives copies of a job streams of their own, each the same on every run', () => {
    const text = 'rw=randrw\nsize=1m\nio_size=256k\n';
    expect(ios(text, 0)).toEqual(ios(text, 0));
    expect(ios(text, 1)).not.toEqual(ios(text, 0));
  });

  it('mixes reads and writes as rwmixread asks', () => {
    const list = ios('rw=randrw\nrwmixread=70\nsize=8m\n');
    const reads = list.filter((io) => !io.isWrite).length / list.length;
    expect(reads).toBeGreaterThan(0.65);
    expect(reads).toBeLessThan(0.75);
  });

  it('refuses a region that does not fit the disk, at the line of its size', () => {
    expect(() => ios('rw=read\nsize=32m\n')).toThrow('job.fio:3: size 33554432 at offset 0 does not fit the disk');
  });

  test.prop([
    fc.constantFrom('read', 'randwrite', 'randrw'),
    fc.integer({ min: 1, max: 64 }),
    fc.integer({ min: 0, max: 99 }),
  ])('every I/O lies inside the region, aligned to its own length', (rw, blocks, seed) => {
    const size = blocks * 65536;
    for (const io of ios(`rw=${rw}\nbssplit=512/30:4k/50:64k/20\nsize=${size}\noffset=1m\nrandseed=${seed}\n`)) {
      expect(io.offsetBytes).toBeGreaterThanOrEqual(1048576);
      expect(io.offsetBytes + io.lengthBytes).toBeLessThanOrEqual(1048576 + size);
      if (rw !== 'read') expect((io.offsetBytes - 1048576) % io.lengthBytes).toBe(0);
    }
  });
});

describe('the data of a workload', () => {
  it('tells a stale block, a misplaced block and a torn block from the right one', () => {
    const pattern = new DataPattern(1024 * 1024);
    const buffer = new Int32Array(2048);
    pattern.fillForWrite(buffer, 4096, 4096);
    expect(pattern.firstMismatch(buffer, 4096, 4096)).toBe(-1);
    expect(pattern.firstMismatch(buffer, 8192, 4096)).toBe(0);
    const torn = buffer.slice();
    torn[700]++;
    expect(pattern.firstMismatch(torn, 4096, 4096)).toBe(2800);
    pattern.fillForWrite(buffer.slice(), 4096 + 1024, 512);
    expect(pattern.firstMismatch(buffer, 4096, 4096)).toBe(1024);
  });
});
