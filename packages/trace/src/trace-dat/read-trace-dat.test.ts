import { deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../log/utf8.ts';
import type { Trace } from '../reader/trace.ts';
import { renderEvent } from '../render/render-event.ts';
import { readTraceDat } from './read-trace-dat.ts';
import { isTraceDat } from './trace-dat-file.ts';

const PAGE = 4096;

const HEADER_PAGE = `	field: u64 timestamp;	offset:0;	size:8;	signed:0;
	field: local_t commit;	offset:8;	size:8;	signed:1;
	field: int overwrite;	offset:8;	size:1;	signed:1;
	field: char data;	offset:16;	size:4080;	signed:1;
`;

const COMMON = `format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
`;

const UNMAP = `name: unmap
ID: 7
${COMMON}
	field:u64 iova;	offset:8;	size:8;	signed:0;
	field:size_t size;	offset:16;	size:8;	signed:0;
	field:size_t unmapped_size;	offset:24;	size:8;	signed:0;

print fmt: "IOMMU: iova=0x%016llx - 0x%016llx size=%zu unmapped_size=%zu", REC->iova, REC->iova + REC->size, REC->size, REC->unmapped_size
`;

const SYNC = `name: dma_sync_single_for_cpu
ID: 9
${COMMON}
	field:__data_loc char[] device;	offset:8;	size:4;	signed:0;
	field:enum dma_data_direction dir;	offset:12;	size:4;	signed:0;

print fmt: "%s dir=%s dma_addr=%llx size=%zu", __get_str(device), __print_symbolic(REC->dir, { 0, "BIDIRECTIONAL" }, { 1, "TO_DEVICE" }), 0xf000ULL, (size_t)64
`;

const IN_KERNEL = `name: nvme_sq
ID: 11
${COMMON}
	field:int qid;	offset:8;	size:4;	signed:1;

print fmt: "nvme%d: %sqid=%d", 0, nvme_trace_disk_name(p, REC->qid), REC->qid
`;

/** Bytes put together in a byte order. */
class Bytes {
  readonly #parts: Uint8Array[] = [];
  readonly #isBigEndian: boolean;
  length = 0;

  constructor(isBigEndian = false) {
    this.#isBigEndian = isBigEndian;
  }

  add(bytes: Uint8Array | string): this {
    const part = typeof bytes === 'string' ? encodeUtf8(bytes) : bytes;
    this.#parts.push(part);
    this.length += part.length;
    return this;
  }

  number(size: 1 | 2 | 4 | 8, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value), !this.#isBigEndian);
    return this.add(this.#isBigEndian ? bytes.slice(8 - size) : bytes.slice(0, size));
  }

  sized(size: 4 | 8, text: string): this {
    return this.number(size, encodeUtf8(text).length).add(text);
  }

  padTo(length: number): this {
    return this.add(new Uint8Array(length - this.length));
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#parts.flatMap((part) => [...part]));
  }
}

type Order = { readonly isBigEndian: boolean };
const LITTLE: Order = { isBigEndian: false };

function entry({ isBigEndian }: Order, type: number, delta: number, data: Uint8Array): Uint8Array {
  const word = isBigEndian ? type * 2 ** 27 + delta : delta * 32 + type;
  return new Bytes(isBigEndian).number(4, word).add(data).done();
}

function record({ isBigEndian }: Order, id: number, flags: number, count: number, pid: number): Bytes {
  return new Bytes(isBigEndian).number(2, id).number(1, flags).number(1, count).number(4, pid);
}

function unmap(order: Order, delta: number, iova: number, pid = 112, flags = 0, count = 0): Uint8Array {
  const data = record(order, 7, flags, count, pid).number(8, iova).number(8, 4096).number(8, 0).done();
  return entry(order, data.length / 4, delta, data);
}

function page({ isBigEndian }: Order, nanos: number, entries: readonly Uint8Array[], commitFlags = 0): Uint8Array {
  const size = entries.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Bytes(isBigEndian).number(8, nanos).number(8, commitFlags + size);
  for (const one of entries) bytes.add(one);
  return bytes.padTo(PAGE).done();
}

function start({ isBigEndian }: Order, version: string): Bytes {
  const bytes = new Bytes(isBigEndian).add(Uint8Array.of(0x17, 0x08, 0x44)).add(`tracing${version}\0`);
  return bytes
    .number(1, isBigEndian ? 1 : 0)
    .number(1, 8)
    .number(4, PAGE);
}

function headerInfo(bytes: Bytes): Bytes {
  return bytes.add('header_page\0').sized(8, HEADER_PAGE).add('header_event\0').sized(8, 'ignored');
}

function formats(bytes: Bytes): Bytes {
  const systems = [['iommu', UNMAP] as const, ['dma', SYNC, IN_KERNEL] as const];
  bytes.number(4, systems.length);
  for (const [system, ...texts] of systems) {
    bytes.add(`${system}\0`).number(4, texts.length);
    for (const text of texts) bytes.sized(8, text);
  }
  return bytes;
}

function version6(order: Order, cpus: readonly Uint8Array[], withOptions = false): Uint8Array {
  const bytes = headerInfo(start(order, '6')).number(4, 1).sized(8, 'name: function');
  formats(bytes).sized(4, 'symbols').sized(4, '').sized(8, '112 fio\n').number(4, cpus.length);
  if (withOptions) bytes.add('options  \0').number(2, 5).sized(4, 'Linux').number(2, 0);
  bytes.add('flyrecord\0');
  let at = 2 * PAGE;
  for (const { length } of cpus) {
    bytes.number(8, at).number(8, length);
    at += length;
  }
  bytes.padTo(2 * PAGE);
  for (const cpu of cpus) bytes.add(cpu);
  return bytes.done();
}

interface Layout7 extends Order {
  readonly isCompressed: boolean;
  readonly sizeBytes: 4 | 8;
  readonly hasPageSize: boolean;
}

/** Sections one after the other; the options, which must know where they are, last. */
function version7(layout: Layout7, cpus: readonly Uint8Array[]): Uint8Array {
  const { isBigEndian, isCompressed, sizeBytes, hasPageSize } = layout;
  const file = start(layout, '7').add(isCompressed ? 'zlib\x001.2\0' : 'none\0\0');
  const optionsAt = 3 * PAGE;
  file.number(8, optionsAt);
  const packed = (data: Uint8Array): Uint8Array => {
    const small = deflateSync(data);
    return new Bytes(isBigEndian).number(4, small.length).number(4, data.length).add(new Uint8Array(small)).done();
  };
  const section = (id: number, data: Uint8Array, flags = isCompressed ? 1 : 0): number => {
    const content = flags === 1 && id !== 3 ? packed(data) : data;
    const at = file.length;
    file.number(2, id).number(2, flags).number(4, 0).number(sizeBytes, content.length).add(content);
    return at;
  };
  const header = section(16, headerInfo(new Bytes(isBigEndian)).done());
  const events = section(18, formats(new Bytes(isBigEndian)).done());
  const comms = section(21, new Bytes(isBigEndian).sized(8, '112 fio\n').done());
  const stored = cpus.map((pages) =>
    isCompressed ? new Bytes(isBigEndian).number(4, 1).add(packed(pages)).done() : pages,
  );
  const buffer = file.length;
  file
    .number(2, 3)
    .number(2, isCompressed ? 1 : 0)
    .number(4, 0)
    .number(sizeBytes, 1);
  const list = new Bytes(isBigEndian).number(8, buffer).add('\0local\0');
  if (hasPageSize) list.number(4, PAGE);
  list.number(4, stored.length);
  for (const [cpu, data] of stored.entries()) {
    list
      .number(4, cpu * 2)
      .number(8, file.length)
      .number(8, data.length);
    file.add(data);
  }
  const all = new Bytes(isBigEndian);
  for (const [id, at] of [
    [16, header],
    [18, events],
    [21, comms],
  ] as const)
    all.number(2, id).number(4, 8).number(8, at);
  all.number(2, 3).number(4, list.length).add(list.done()).number(2, 0).number(4, 8).number(8, 0);
  file.padTo(optionsAt);
  section(0, all.done(), 0);
  return file.done();
}

function lines({ log }: Trace): string[] {
  return Array.from({ length: log.length }, (_, i) => renderEvent(log, i));
}

const UNMAP_TEXT = (iova: string, end: string) => `unmap: IOMMU: iova=0x${iova} - 0x${end} size=4096 unmapped_size=0`;
const FIRST = UNMAP_TEXT('00000000fff00000', '00000000fff01000');
const SECOND = UNMAP_TEXT('0000000000001000', '0000000000002000');

function twoCpus(order: Order): Uint8Array[] {
  const early = page(order, 1_000_000_000, [unmap(order, 0, 0xfff00000, 0, 0x01 | 0x08, 0x12)]);
  return [page(order, 1_000_000_500, [unmap(order, 7000, 0x1000)]), early];
}

const EXPECTED = [
  `          <idle>-0       [00N] d.h21     1.000000: ${FIRST}`,
  `             fio-112     [000] .....     1.000008: ${SECOND}`,
];

function expected(cpuOfFirst: number): string[] {
  return EXPECTED.map((line) => line.replace('N', String(cpuOfFirst)));
}

describe('readTraceDat', () => {
  it.each([
    ['6, little endian', version6(LITTLE, twoCpus(LITTLE)), 1],
    ['6, with options', version6(LITTLE, twoCpus(LITTLE), true), 1],
    ['6, big endian', version6({ isBigEndian: true }, twoCpus({ isBigEndian: true })), 1],
    ...[true, false].flatMap((isBigEndian) =>
      [true, false].flatMap((isCompressed) =>
        ([4, 8] as const).map((sizeBytes): [string, Uint8Array, number] => {
          const layout = { isBigEndian, isCompressed, sizeBytes, hasPageSize: sizeBytes === 8 };
          return [`7, ${JSON.stringify(layout)}`, version7(layout, twoCpus(layout)), 2];
        }),
      ),
    ),
  ])('merges the CPUs of a file of version %s by time', (_, bytes, secondCpu) => {
    expect(isTraceDat(bytes)).toBe(true);
    const trace = readTraceDat(bytes, { decompress: (_, data) => new Uint8Array(inflateSync(data)) });
    expect(trace.notes).toEqual([]);
    expect(lines(trace)).toEqual(expected(secondCpu));
  });

  it('follows time extensions, absolute stamps and padding', () => {
    const extend = entry(LITTLE, 30, 5, new Bytes().number(4, 1).done());
    const stamp = entry(LITTLE, 31, 3_000, new Bytes().number(4, 0).done());
    const padding = entry(LITTLE, 29, 1, new Bytes().number(4, 12).add(new Uint8Array(8)).done());
    const large = record(LITTLE, 7, 0, 0, 112).number(8, 0x1000).number(8, 4096).number(8, 0).done();
    const long = entry(
      LITTLE,
      0,
      0,
      new Bytes()
        .number(4, large.length + 4)
        .add(large)
        .done(),
    );
    const rest = entry(LITTLE, 29, 0, new Uint8Array(60));
    const trace = readTraceDat(
      version6(LITTLE, [page(LITTLE, 0, [extend, padding, unmap(LITTLE, 0, 1), stamp, long, rest])]),
    );
    expect([trace.log.time(0), trace.log.time(1)]).toEqual([Math.round((2 ** 27 + 6) / 1000), 3]);
    expect([trace.log.length, trace.notes]).toEqual([2, []]);
  });

  it('says where the ring buffer lost events', () => {
    const stored = page(LITTLE, 0, [unmap(LITTLE, 0, 1)], 2 ** 31 + 2 ** 30);
    new DataView(stored.buffer).setUint32(16 + 36, 5, true);
    const unknown = page(LITTLE, 1, [unmap(LITTLE, 0, 1)], 2 ** 31);
    const { counts, notes } = readTraceDat(version6(LITTLE, [Uint8Array.from([...stored, ...unknown])]));
    expect(notes.map(({ text }) => text)).toEqual(['CPU:0 [LOST 5 EVENTS]', 'CPU:0 [LOST EVENTS]']);
    expect(counts).toMatchObject({ events: 2, lostMarkers: 2, lostEvents: 5 });
  });

  it('prints dynamic strings and symbols', () => {
    const device = encodeUtf8('0000:00:03.0\0\0\0\0');
    const data = record(LITTLE, 9, 0, 0, 7)
      .number(4, 16 + 13 * 65536)
      .number(4, 1)
      .add(device)
      .done();
    const trace = readTraceDat(version6(LITTLE, [page(LITTLE, 0, [entry(LITTLE, data.length / 4, 0, data)])]));
    expect(lines(trace)).toEqual([
      '           <...>-7       [000] .....     0.000000: dma_sync_single_for_cpu: 0000:00:03.0 dir=TO_DEVICE dma_addr=f000 size=64',
    ]);
  });

  it('notes an event that only the kernel can print, and one without format', () => {
    const sq = record(LITTLE, 11, 0, 0, 7).number(4, 3).done();
    const odd = record(LITTLE, 99, 0, 0, 7).done();
    const entries = [sq, odd].map((data) => entry(LITTLE, data.length / 4, 0, data));
    const { notes, log } = readTraceDat(version6(LITTLE, [page(LITTLE, 0, entries)]));
    expect(log.length).toBe(0);
    expect(notes.map(({ kind, text }) => `${kind} ${text.replace(/^.*: (?=nvme)/, '')}`)).toEqual([
      'malformed nvme_sq: [qid=3]',
      'unreadable event number 99 has no format in the file',
    ]);
  });

  const compressed = version7(
    { isBigEndian: false, isCompressed: true, sizeBytes: 8, hasPageSize: true },
    twoCpus(LITTLE),
  );
  const whole = version6(LITTLE, twoCpus(LITTLE));

  it.each([
    ['other bytes', new Uint8Array(64), 'ERR_TRACE_DAT_FORMAT'],
    ['another version', start(LITTLE, '8').done(), 'ERR_TRACE_DAT_FORMAT'],
    ['a cut header', whole.slice(0, 300), 'ERR_TRACE_DAT_TRUNCATED'],
    ['a cut buffer', whole.slice(0, -1), 'ERR_TRACE_DAT_TRUNCATED'],
    ['compression without decompressor', compressed, 'ERR_TRACE_DAT_COMPRESSED'],
  ])('refuses %s', (_, bytes, code) => {
    expect(() => readTraceDat(bytes)).toThrow(expect.objectContaining({ code }));
  });
});
