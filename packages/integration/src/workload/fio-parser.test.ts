import { describe, expect, it } from 'vitest';
import { FioJobError } from './fio-error.ts';
import { parseFioJobs } from './fio-parser.ts';

describe('a job file', () => {
  it('gives each job the settings of the global sections before it', () => {
    const { jobs } = parseFioJobs(
      '[global]\nbs=8k\nsize=1m\n; comment\n[a]\nrw=randread\n[global]\niodepth=4\n[b]\nrw=write\nbs=16k,32k\n',
      'jobs.fio',
    );
    expect(jobs.map(({ name, pattern, ioDepth }) => ({ name, pattern, ioDepth }))).toEqual([
      { name: 'a', pattern: 'randread', ioDepth: 1 },
      { name: 'b', pattern: 'write', ioDepth: 4 },
    ]);
    expect(jobs[0].readBlocks).toEqual([{ bytes: 8192, percent: 100 }]);
    expect(jobs[1].readBlocks).toEqual([{ bytes: 16384, percent: 100 }]);
    expect(jobs[1].writeBlocks).toEqual([{ bytes: 32768, percent: 100 }]);
  });

  it('splits what bssplit leaves open among the sizes without a share', () => {
    const { jobs } = parseFioJobs('[a]\nbssplit=4k/60:16k/:64k/\n', 'jobs.fio');
    expect(jobs[0].readBlocks).toEqual([
      { bytes: 4096, percent: 60 },
      { bytes: 16384, percent: 20 },
      { bytes: 65536, percent: 20 },
    ]);
  });

  it('names the keys that mean nothing to a model instead of dropping them silently', () => {
    const { withoutEffect } = parseFioJobs('[a]\nioengine=libaio\ndirect=1\n', 'jobs.fio');
    expect(withoutEffect).toEqual([
      { key: 'ioengine', line: 2 },
      { key: 'direct', line: 3 },
    ]);
  });

  const faults: readonly (readonly [text: string, line: number, says: RegExp])[] = [
    ['', 0, /holds no job; add a section/],
    ['bs=4k\n', 1, /stands before any section/],
    ['[a]\nbs=4k\nbanana=7\n', 3, /unknown key "banana"; the keys are bs, bssplit/],
    ['[a]\n=4k\n', 2, /is not a setting; write key=value/],
    ['[a]\nrw=trim\n', 2, /rw=trim is not an access pattern; write one of read, write/],
    ['[a]\nbs=1000\n', 2, /bs=1000 is not a block size/],
    ['[a]\nbs=16m\n', 2, /bs=16m is not a block size/],
    ['[a]\nbs=4k,4k,4k\n', 2, /is not a block size/],
    ['[a]\nbssplit=4k/60:64k/60\n', 2, /shares that add up to 100/],
    ['[a]\nsize=lots\n', 2, /size=lots is not a size/],
    ['[a]\niodepth=0\n', 2, /iodepth=0 is not a number from 1 to 1023/],
    ['[a]\noffset=100\n', 2, /multiple of 512/],
    ['[a]\ndirect=0\n', 2, /there is no page cache here/],
  ];
  it.each(faults)('says where %j is wrong and what would be right', (text, line, says) => {
    const failure = catchError(() => parseFioJobs(text, 'jobs.fio'));
    expect(failure).toBeInstanceOf(FioJobError);
    expect((failure as FioJobError).line).toBe(line);
    expect((failure as FioJobError).message).toMatch(says);
    expect((failure as FioJobError).message).toMatch(line > 0 ? new RegExp(`^jobs\\.fio:${line}: `) : /^jobs\.fio: /);
  });
});

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
