import { FioJobError } from './fio-error.ts';
import type { AccessPattern, FioJob, FioJobFile, JobPace } from './fio-job.ts';
import {
  type BlockShare,
  parseBytes,
  parseCount,
  parseDiskSize,
  parseFlag,
  parseShares,
  parseTime,
} from './fio-values.ts';

/** A key with the text after `=`, and where it stands. */
interface Setting {
  readonly text: string;
  readonly line: number;
}

type Settings = Map<string, Setting>;

interface Section {
  readonly name: string;
  readonly line: number;
  readonly settings: Settings;
}

const PATTERNS: Readonly<Record<string, AccessPattern>> = {
  read: 'read',
  write: 'write',
  rw: 'rw',
  readwrite: 'rw',
  randread: 'randread',
  randwrite: 'randwrite',
  randrw: 'randrw',
};

/** fio's names for one key, the one used here last. */
const ALIASES: Readonly<Record<string, string>> = {
  readwrite: 'rw',
  blocksize: 'bs',
  io_limit: 'io_size',
  wait_for_previous: 'stonewall',
};

const KEYS = new Set([
  ...['rw', 'bs', 'bssplit', 'size', 'io_size', 'offset'],
  ...['iodepth', 'rwmixread', 'rwmixwrite', 'numjobs', 'randseed', 'group_reporting'],
  ...['loops', 'number_ios', 'stonewall', 'startdelay', 'runtime', 'time_based', 'thinktime', 'rate_iops', 'hipri'],
]);

/** How fio itself works, or what is so here in any case: every block is verified, offsets are drawn with repetition. */
const WITHOUT_EFFECT = new Set([
  ...['description', 'direct', 'filename', 'invalidate', 'ioengine', 'thread', 'randrepeat', 'norandommap'],
  ...['verify', 'do_verify', 'verify_fatal', 'clat_percentiles', 'registerfiles', 'fixedbufs'],
]);

const NANOS_PER_SECOND = 1e9;
const DEFAULT_SEED = 0x12345678;
const SECTOR_BYTES = 512;
const MAX_BLOCK_BYTES = 8 * 1024 * 1024; // spec N50: the largest transfer of the driver

/**
 * Reads a fio job file.
 * @param file its name, for messages
 * @throws {FioJobError} for a line that is neither section, setting nor comment, an unknown key, or a value out of range
 */
export function parseFioJobs(text: string, file: string): FioJobFile {
  const withoutEffect: { key: string; line: number }[] = [];
  const sections = readSections(text, file, withoutEffect);
  const jobs = sections.map((section) => settle(section, file));
  if (jobs.length === 0)
    throw new FioJobError(file, 0, 'holds no job', 'add a section such as [job1] with rw= and bs=');
  return { file, jobs, withoutEffect };
}

/** Splits the text into its jobs, each with the settings of the `[global]` sections before it. */
function readSections(text: string, file: string, withoutEffect: { key: string; line: number }[]): Section[] {
  const sections: Section[] = [];
  let global: Settings = new Map();
  let current: Settings | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const content = raw.replace(/^\s*[#;].*$/, '').trim();
    if (content === '') continue;
    const header = /^\[(.+)\]$/.exec(content);
    if (header !== null) {
      current = new Map(global);
      if (header[1] === 'global') global = current;
      else sections.push({ name: header[1], line, settings: current });
      continue;
    }
    if (current === null)
      throw new FioJobError(file, line, `"${content}" stands before any section`, 'start with [global] or [jobname]');
    readSetting(content, file, line, current, withoutEffect);
  }
  return sections;
}

function readSetting(
  content: string,
  file: string,
  line: number,
  settings: Settings,
  withoutEffect: { key: string; line: number }[],
): void {
  const [, name, text = ''] = /^([^=\s]+)\s*(?:=\s*(.*))?$/.exec(content) ?? [];
  if (name === undefined) throw new FioJobError(file, line, `"${content}" is not a setting`, 'write key=value');
  const key = ALIASES[name] ?? name;
  if (WITHOUT_EFFECT.has(key)) withoutEffect.push({ key, line });
  else if (KEYS.has(key)) settings.set(key, { text, line });
  else throw new FioJobError(file, line, `unknown key "${name}"`, `the keys are ${[...KEYS].sort().join(', ')}`);
  if (key === 'direct' && text !== '1') {
    throw new FioJobError(
      file,
      line,
      `direct=${text} asks for buffered I/O`,
      'there is no page cache here: leave it out or write direct=1',
    );
  }
}

/** Turns the text of one section into values. */
function settle({ name, line, settings }: Section, file: string): FioJob {
  const value = <T>(key: string, parse: (text: string) => T | null, otherwise: T, what: string): T => {
    const setting = settings.get(key);
    if (setting === undefined) return otherwise;
    const parsed = parse(setting.text);
    if (parsed === null)
      throw new FioJobError(file, setting.line, `${key}=${setting.text} is not ${what}`, remedies[key]);
    return parsed;
  };
  const count = (key: string, least: number, most: number, otherwise: number): number =>
    value(key, (text) => parseCount(text, least, most), otherwise, `a number from ${least} to ${most}`);
  const [readBlocks, writeBlocks] = blocks(settings, value);
  return {
    name,
    line,
    pattern: value('rw', (text) => PATTERNS[text] ?? null, 'read', 'an access pattern'),
    readBlocks,
    writeBlocks,
    size: value('size', parseDiskSize, null, 'a size'),
    sizeLine: settings.get('size')?.line ?? line,
    offsetBytes: value('offset', (text) => wholeSectors(parseBytes(text)), 0, 'a multiple of 512 bytes'),
    ioSize: value('io_size', parseDiskSize, null, 'a size'),
    ioDepth: count('iodepth', 1, 1023, 1),
    readMix: settings.has('rwmixwrite') ? 100 - count('rwmixwrite', 0, 100, 50) : count('rwmixread', 0, 100, 50),
    copies: count('numjobs', 1, 64, 1),
    seed: count('randseed', 0, 2 ** 32 - 1, DEFAULT_SEED),
    isGrouped: value('group_reporting', parseFlag, false, 'a switch'),
    isPolled: value('hipri', parseFlag, false, 'a switch'),
    pace: pace(settings, line, file, value, count),
  };
}

type CountOf = (key: string, least: number, most: number, otherwise: number) => number;

function pace(settings: Settings, line: number, file: string, value: ValueOf, count: CountOf): JobPace {
  const time = (key: string, unit: 's' | 'us', otherwise: number): number =>
    value(key, (text) => parseTime(text, unit), otherwise, 'a time');
  const isTimeBased = value('time_based', parseFlag, false, 'a switch');
  if (isTimeBased && !settings.has('runtime')) {
    const place = settings.get('time_based')?.line ?? line;
    throw new FioJobError(file, place, 'time_based without a runtime', 'add for example runtime=1');
  }
  return {
    loops: count('loops', 1, 1_000_000, 1),
    mostIos: settings.has('number_ios') ? count('number_ios', 1, 2 ** 32, 1) : Number.POSITIVE_INFINITY,
    waitsForEarlier: value('stonewall', parseFlag, false, 'a switch'),
    delayNanos: time('startdelay', 's', 0),
    runtimeNanos: time('runtime', 's', Number.POSITIVE_INFINITY),
    isTimeBased,
    thinkNanos: time('thinktime', 'us', 0),
    nanosPerIo: settings.has('rate_iops') ? NANOS_PER_SECOND / count('rate_iops', 1, 1e9, 1) : 0,
  };
}

const remedies: Readonly<Record<string, string>> = {
  rw: `write one of ${Object.keys(PATTERNS).join(', ')}`,
  bs: 'write for example bs=4k, or bs=4k,64k for reads and writes; multiples of 512 up to 8m',
  bssplit: 'write for example bssplit=4k/60:64k/40; multiples of 512 up to 8m, shares that add up to 100',
  size: 'write for example size=64m or size=50%',
  io_size: 'write for example io_size=1g',
  offset: 'write for example offset=1m',
  iodepth: 'write for example iodepth=32',
  rwmixread: 'write for example rwmixread=70',
  rwmixwrite: 'write for example rwmixwrite=30',
  numjobs: 'write for example numjobs=2',
  randseed: 'write for example randseed=42',
  group_reporting: 'write group_reporting, or group_reporting=0',
  hipri: 'write hipri, or hipri=0',
  loops: 'write for example loops=3',
  number_ios: 'write for example number_ios=1000',
  stonewall: 'write stonewall, or stonewall=0',
  startdelay: 'write for example startdelay=1, or 500ms',
  runtime: 'write for example runtime=10, or 500ms',
  time_based: 'write time_based, or time_based=0',
  thinktime: 'write for example thinktime=100, microseconds, or 1ms',
  rate_iops: 'write for example rate_iops=5000',
};

type ValueOf = <T>(key: string, parse: (text: string) => T | null, otherwise: T, what: string) => T;
type Mix = readonly BlockShare[];

/** Block sizes of reads and writes: `bssplit` wins over `bs`; one text for both, or two with a comma between. */
function blocks(settings: Settings, value: ValueOf): [reads: Mix, writes: Mix] {
  const key = settings.has('bssplit') ? 'bssplit' : 'bs';
  const parse = (text: string): [Mix, Mix] | null => {
    const parts = text.split(',').map((part) => (key === 'bs' ? single(part) : parseShares(part)));
    if (parts.length > 2 || parts.some((mix) => mix === null || !mix.every(isBlockSize))) return null;
    return [parts[0] as Mix, (parts[1] ?? parts[0]) as Mix];
  };
  const four: Mix = [{ bytes: 4096, percent: 100 }];
  return value(key, parse, [four, four], 'a block size that the disk can transfer');
}

function single(text: string): Mix | null {
  const bytes = parseBytes(text);
  return bytes === null ? null : [{ bytes, percent: 100 }];
}

function isBlockSize({ bytes }: BlockShare): boolean {
  return bytes > 0 && bytes <= MAX_BLOCK_BYTES && bytes % SECTOR_BYTES === 0;
}

function wholeSectors(bytes: number | null): number | null {
  return bytes !== null && bytes % SECTOR_BYTES === 0 ? bytes : null;
}
