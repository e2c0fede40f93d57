import { describe, expect, it } from 'vitest';
import { MACHINES } from '../machine/presets.ts';
import { TimedRun } from '../time/run/timed-run.ts';
import { parseFioJobs } from '../workload/fio-parser.ts';
import { planJobs } from '../workload/workload-plan.ts';
import { fioJson } from './fio-json.ts';
import { fioText } from './fio-text.ts';
import { jobEntries } from './job-entry.ts';

const JOBS = `[global]
size=2m
[mixed]
rw=randrw
rwmixread=75
iodepth=8
numjobs=2
[stream]
rw=write
bs=64k
`;
const file = parseFioJobs(JOBS, 'jobs.fio');

function run(machine = 'x86-direct') {
  const description = MACHINES[machine];
  const timed = new TimedRun(description, planJobs(file, description.diskBytes));
  while (timed.advance(1000));
  return timed.finish();
}

const result = run();
const whole = { version: '1.2.3', isGrouped: false };
const json = fioJson(result, file.jobs, whole);
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

describe('the JSON of fio', () => {
  it('has one entry for each copy of each job, as fio without group_reporting', () => {
    expect(json['fio version']).toBe('fio-3.38-dmalab-1.2.3');
    expect(json.jobs.map(({ jobname }) => jobname)).toEqual(['mixed', 'mixed', 'stream']);
    expect(json.jobs[0]['job options']).toEqual({ name: 'mixed', rw: 'randrw', iodepth: '8', numjobs: '2' });
  });

  it('has figures that fit each other', () => {
    const [{ read, write }] = json.jobs;
    const [{ endNanos }] = result.threads;
    expect(read.io_bytes + write.io_bytes).toBe(2 * 2 ** 20);
    expect(read.total_ios * 4096).toBe(read.io_bytes);
    expect(read.iops).toBeCloseTo(read.total_ios / (endNanos / 1e9), 3);
    expect(read.bw_bytes).toBe(Math.floor(read.io_bytes / (endNanos / 1e9)));
    expect(read.bw).toBe(Math.floor(read.bw_bytes / 1024));
    expect([read.slat_ns.N, read.clat_ns.N, read.lat_ns.N]).toEqual(new Array(3).fill(read.total_ios));
    expect(read.slat_ns.mean + read.clat_ns.mean).toBeCloseTo(read.lat_ns.mean, -1);
    expect(read.clat_ns).toMatchObject({ percentile: { '99.000000': expect.any(Number) } });
  });

  it('says nothing took place where nothing did', () => {
    const { read, trim } = json.jobs[2];
    expect(read).toMatchObject({ io_bytes: 0, iops: 0, runtime: 0, bw_samples: 0 });
    expect(read.clat_ns).toEqual({ min: 0, max: 0, mean: 0, stddev: 0, N: 0 });
    expect(trim).toEqual(read);
  });

  it('puts every I/O into one class of latency', () => {
    for (const { latency_ns, latency_us, latency_ms } of json.jobs) {
      const classes = [latency_ns, latency_us, latency_ms].flatMap((each) => Object.values(each));
      expect(total(classes)).toBeCloseTo(100, 6);
    }
  });

  it('adds the disk up over all jobs', () => {
    const [disk] = json.disk_util;
    expect(disk.read_ios).toBe(total(json.jobs.map(({ read }) => read.total_ios)));
    expect(disk.write_sectors * 512).toBe(total(json.jobs.map(({ write }) => write.io_bytes)));
  });

  it('is the same, byte for byte, on a second run', () => {
    expect(JSON.stringify(fioJson(run(), file.jobs, whole))).toBe(JSON.stringify(json));
  });

  it('has a single entry with group_reporting', () => {
    const { jobs } = fioJson(result, file.jobs, { ...whole, isGrouped: true });
    expect(jobs).toHaveLength(1);
    expect(jobs[0].read.io_bytes + jobs[0].write.io_bytes).toBe(6 * 2 ** 20);
    expect(jobs[0].read.clat_ns.max).toBe(Math.max(...json.jobs.map(({ read }) => read.clat_ns.max)));
  });
});

it('shares the CPU’s time out among the jobs, and loses none', () => {
  const busy = total(result.cpuBusyNanos);
  const entries = jobEntries(result, false);
  const spent = entries.map(({ userShare, systemShare, runtimeNanos }) => (userShare + systemShare) * runtimeNanos);
  expect(total(spent) / busy).toBeCloseTo(1, 9);
});

it('prints what fio prints, where fio prints it', () => {
  const text = fioText(result, false);
  expect(text).toMatch(/^mixed: \(groupid=0, jobs=1\): err= 0: virtual time, x86-direct, phys-based API$/m);
  expect(text).toMatch(/^ {2}read: IOPS=[\d.]+k?, BW=[\d.]+MiB\/s \([\d.]+MB\/s\) \([\d.]+MiB\/\d+usec\)$/m);
  expect(text).toMatch(/^ {4}slat \(nsec\): min=790, max=790, avg=790, stdev=0$/m);
  expect(text).toMatch(/^ {5}lat \(usec\): min=[\d.]+, max=[\d.]+, avg=[\d.]+, stdev=[\d.]+$/m);
  expect(text).toMatch(/\| 99\.99th=\[ *\d+\]$/m);
  expect(text).toMatch(/^ {2}cpu {10}: usr=[\d.]+%, sys=[\d.]+%, ctx=\d+$/m);
  expect(text).toMatch(/^ {2}WRITE: bw=.*, io=[\d.]+MiB, run=\d+(u|m)sec$/m);
});
