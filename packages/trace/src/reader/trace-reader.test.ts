import { describe, expect, it } from 'vitest';
import { EventKind } from '../format/event-kind.ts';
import { eventAt } from '../log/event-at.ts';
import { encodeUtf8 } from '../log/utf8.ts';
import { renderEvent } from '../render/render-event.ts';
import type { Trace } from './trace.ts';
import { readTrace, TraceReader } from './trace-reader.ts';

const MAP = 'map: IOMMU: iova=0x00000000fffff000 - 0x0000000100000000 paddr=0x000000000ab5c000 size=4096';

function read(text: string): Trace {
  return readTrace(encodeUtf8(text));
}

describe('line prefixes (D95)', () => {
  it.each([
    ['          <idle>-0       [000] d.h1.     4.447572: ', '<idle>', 0, 0, 'd.h1.', true],
    ['           <...>-1234567 [000] ..s1.     4.447572: ', '<...>', 1234567, 0, '..s1.', true],
    [' iou-wrk-120-121-122     [012] .....     4.447572: ', 'iou-wrk-120-121', 122, 12, '.....', false],
    ['   a - b: [c] /d-9999999 [127] DNZff 12345.000001: ', 'a - b: [c] /d', 9999999, 127, 'DNZff', true],
    ['            -1-2-3       [1023] dNh2.     0.999999: ', '-1-2', 3, 1023, 'dNh2.', true],
    ['          naïve-77      [000] d..z.     4.447572: ', 'naïve', 77, 0, 'd..z.', false],
    ['                -5       [000] .....     4.447572: ', '', 5, 0, '.....', false],
  ])('reads %s', (prefix, comm, pid, cpu, flags, inInterrupt) => {
    const { log, notes } = read(`${prefix}${MAP}\n`);
    expect(notes).toEqual([]);
    expect([log.comm(0), log.pid(0), log.cpu(0), log.flags(0)]).toEqual([comm, pid, cpu, flags]);
    expect(log.inInterrupt(0)).toBe(inInterrupt);
  });

  it.each([
    ['without flags', '             fio-112     [000]     4.447572: '],
    ['with the four flags of older kernels', '             fio-112     [000] d.h1     4.447572: '],
    ['with a thread group', '             fio-112     (    110) [000] .....     4.447572: '],
    ['with a thread group that was not known', '          <idle>-0       (-------) [000] .....     4.447572: '],
  ])('reads a trace %s and prints it again', (_, prefix) => {
    const { log, notes } = read(`${prefix}${MAP}\n`);
    expect(notes).toEqual([]);
    expect(log.time(0)).toBe(4_447_572);
    expect(renderEvent(log, 0)).toBe(prefix + MAP);
  });

  it('reads lines whose columns another tool has moved', () => {
    const { log } = read(`fio-bar-112 [000] d.h1. 4.447572: ${MAP}\n`);
    expect([log.comm(0), log.pid(0)]).toEqual(['fio-bar', 112]);
  });

  it('returns a task name that is no UTF-8 to the bytes it came from', () => {
    const bytes = encodeUtf8(`             x?y-112     [000] .....     4.447572: ${MAP}\n`);
    bytes[14] = 0xff;
    const { log } = readTrace(bytes);
    expect(encodeUtf8(`${renderEvent(log, 0)}\n`)).toEqual(bytes);
  });
});

const PREFIX = '             fio-112     [000] .....     4.447572: ';

describe('numbers', () => {
  it('D2 reads the all-ones address as -1, in hex and in decimal', () => {
    const { log } = read(
      `${PREFIX}dma_map_phys: d dir=TO_DEVICE dma_addr=ffffffffffffffff size=1 phys_addr=fffffffffffff attrs=\n` +
        `${PREFIX}block_bio_queue: 259,0 R 18446744073709551615 + 8 [fio]\n`,
    );
    expect([log.address(0), log.phys(0), log.address(1)]).toEqual([-1, 2 ** 52 - 1, -1]);
  });

  it.each([
    'dma_map_phys: d dir=TO_DEVICE dma_addr=fffffffffffff001 size=18446744073709551614 phys_addr=20000000000001 attrs=',
    'swiotlb_bounced: dev_name: d dma_mask=fedcba9876543210 dev_addr=0 size=1 FORCE',
    'dma_unmap_phys: d dir=TO_DEVICE dma_addr=0 size=1 attrs=MMIO|0x8000000000000000',
    'map: IOMMU: iova=0x0020000000000001 - 0x0020000000001001 paddr=0x000000000ab5c000 size=4096',
    'map: IOMMU: iova=0xfffffffffffff000 - 0x0000000000000000 paddr=0x000000000ab5c000 size=4096',
    'nvme_complete_rq: nvme0: qid=1, cmdid=1, res=0xfffffffffffffffe, retries=0, flags=0x0, status=0x0',
  ])('keeps the text beside a number that a double can not hold: %s', (body) => {
    const { log, notes } = read(`${PREFIX}${body}\n`);
    expect(notes).toEqual([]);
    expect(log.exactBody(0)).toBe(body.slice(body.indexOf(': ') + 2));
    expect(renderEvent(log, 0)).toBe(PREFIX + body);
  });

  it('takes the nearest double for such a number', () => {
    const { log } = read(`${PREFIX}dma_sync_single_for_cpu: d dir=TO_DEVICE dma_addr=fffffffffffff001 size=1\n`);
    expect(log.address(0)).toBe(Number(0xfffffffffffff001n));
  });
});

describe('what is no known event', () => {
  it('keeps an event of unknown name, and counts it by name', () => {
    const line = `${PREFIX}sched_switch: prev_comm=a ==> next_comm=b: c`;
    const { log, counts, unknownNames, notes } = read(`${line}\n${PREFIX}${MAP}\n${line}\n`);
    expect(log.kind(0)).toBe(EventKind.UNKNOWN);
    expect(renderEvent(log, 0)).toBe(line);
    expect(eventAt(log, 2)).toMatchObject({ event: 'unknown', name: 'sched_switch', line: 3 });
    expect(counts).toMatchObject({ events: 3, unknownEvents: 2, notUnderstood: 0 });
    expect([...unknownNames]).toEqual([['sched_switch', 2]]);
    expect(notes).toEqual([]);
  });

  it.each([
    ['unreadable', 'Segmentation fault'],
    ['unreadable', '             fio-112     [000] .....     4.44757: map: IOMMU: x'],
    ['unreadable', '             fio-112     [0x0] .....     4.447572: map: IOMMU: x'],
    ['malformed', `${PREFIX}map: IOMMU: iova=0x0 - 0x1 paddr=0x2 size=4096`],
    ['malformed', `${PREFIX}${MAP} more`],
    ['malformed', `${PREFIX}dma_unmap_phys: d dir=SIDEWAYS dma_addr=0 size=1 attrs=`],
    ['malformed', `${PREFIX}dma_unmap_phys: d dir=TO_DEVICE dma_addr=0 size=1 attrs=NO_SUCH`],
    ['malformed', `${PREFIX}dma_unmap_phys: d dir=TO_DEVICE dma_addr=12345678901234567 size=1 attrs=`],
    ['malformed', `${PREFIX}dma_unmap_phys: d dir=TO_DEVICE dma_addr=1 size= attrs=`],
    ['malformed', `${PREFIX}dma_sync_sg_for_cpu: a dir=TO_DEVICE dma_addrs={0x1} sizes={0x3,0x4}`],
    ['malformed', `${PREFIX}dma_sync_sg_for_cpu: a dir=TO_DEVICE dma_addrs={} sizes={0x3}`],
    ['malformed', `${PREFIX}dma_sync_sg_for_cpu: a dir=TO_DEVICE dma_addrs={0x1,} sizes={0x3}`],
    ['malformed', `${PREFIX}dma_free: d dir=TO_DEVICE dma_addr=0 size=1 virt_addr=1234 attrs=`],
  ])('keeps a line that is %s with its number: %s', (kind, line) => {
    const { log, notes, counts } = read(`# tracer: nop\n${PREFIX}${MAP}\n${line}\n${PREFIX}${MAP}\n`);
    expect(notes).toEqual([{ line: 3, kind, text: line }]);
    expect(counts).toMatchObject({ lines: 4, events: 2, notUnderstood: 1 });
    expect([log.length, log.line(1), log.address(1), log.deviceId(1)]).toEqual([2, 4, 0xfffff000, -1]);
  });

  it('leaves nothing of a malformed line in the event after it', () => {
    const list = (address: string, attrs: string) =>
      `${PREFIX}dma_unmap_sg: d dir=TO_DEVICE phys_addrs={${address}} attrs=${attrs}\n`;
    const { log } = read(list('0x1', 'NO_SUCH') + list('0x2', ''));
    expect([log.length, log.physCount(0), log.physAt(0, 0)]).toEqual([1, 1, 2]);
  });

  it('does not take the next line for the end of a short one', () => {
    const next = `         fio-112     [000] .....     4.447572: ${MAP}`;
    const { log, notes } = read(`cut\n${next}\n`);
    expect(notes).toEqual([{ line: 1, kind: 'unreadable', text: 'cut' }]);
    expect([log.length, log.comm(0), log.line(0)]).toEqual([1, 'fio', 2]);
  });

  it.each([
    ['CPU:0 [LOST 123 EVENTS]', 123],
    ['CPU:11 [LOST EVENTS]', 0],
    ['CPU:1 [77 EVENTS DROPPED]', 77],
  ])('notes that the kernel lost events: %s', (line, lostEvents) => {
    const { notes, counts } = read(`${PREFIX}${MAP}\n${line}\n`);
    expect(notes).toEqual([{ line: 2, kind: 'lost', text: line }]);
    expect(counts).toMatchObject({ lostMarkers: 1, lostEvents, notUnderstood: 0 });
  });

  it('takes comment lines before the first event as the header, later ones as notes', () => {
    const { header, notes } = read(
      '# tracer: function\n#\n# entries-in-buffer/entries-written: 5/17   #P:64\n' +
        `${PREFIX}${MAP}\n##### CPU 2 buffer started ####\n\n`,
    );
    expect(header).toMatchObject({ tracer: 'function', entriesInBuffer: 5, entriesWritten: 17, cpus: 64 });
    expect(header.lines).toHaveLength(3);
    expect(notes).toEqual([{ line: 5, kind: 'comment', text: '##### CPU 2 buffer started ####' }]);
  });
});

describe('ends of lines and of the file', () => {
  it('reads CR LF', () => {
    const lines = [
      '# tracer: nop',
      `${PREFIX}${MAP}`,
      `${PREFIX}sched: a`,
      `${PREFIX}dma_unmap_phys: d dir=NONE dma_addr=0 size=1 attrs=`,
    ];
    const { log, notes, header } = read(lines.map((line) => `${line}\r\n`).join(''));
    expect(notes).toEqual([]);
    expect(header.tracer).toBe('nop');
    expect([0, 1, 2].map((i) => renderEvent(log, i))).toEqual(lines.slice(1));
  });

  it('reads a last line without newline, and says so', () => {
    const { log, notes, endsWithNewline } = read(`${PREFIX}${MAP}\n${PREFIX}${MAP}`);
    expect([log.length, notes.length, endsWithNewline]).toEqual([2, 0, false]);
  });

  it('reports a file that was cut inside a line', () => {
    const cut = `${PREFIX}${MAP.slice(0, 40)}`;
    const { log, notes, counts } = read(`${PREFIX}${MAP}\n${cut}`);
    expect(log.length).toBe(1);
    expect(notes).toEqual([{ line: 2, kind: 'truncated', text: cut }]);
    expect(counts.notUnderstood).toBe(1);
  });

  it('reads nothing from nothing', () => {
    const { log, counts, endsWithNewline } = read('');
    expect([log.length, counts.lines, endsWithNewline]).toEqual([0, 0, true]);
  });
});

describe('batches', () => {
  it('hands over each batch and the rest, and keeps string numbers', () => {
    const batches: string[][] = [];
    const reader = new TraceReader({
      batchEvents: 2,
      onBatch: ({ log, notes }) => {
        const lines = Array.from({ length: log.length }, (_, i) => `${log.line(i)} ${log.commId(i)} ${log.text(i)}`);
        batches.push([...lines, ...notes.map(({ line }) => `note ${line}`)]);
      },
    });
    for (const body of ['a', 'b', 'c']) reader.push(encodeUtf8(`${PREFIX}sched: ${body}\nnonsense\n`));
    const { log, counts } = reader.finish();
    const [comm] = [log.strings.find('fio')];
    expect(batches).toEqual([
      [`1 ${comm} a`, `3 ${comm} b`, 'note 2'],
      [`5 ${comm} c`, 'note 4', 'note 6'],
    ]);
    expect(counts).toMatchObject({ events: 3, notUnderstood: 3 });
  });

  it('hands over notes too when there are very many', () => {
    const batches: number[] = [];
    const reader = new TraceReader({ batchEvents: 100, onBatch: ({ notes }) => void batches.push(notes.length) });
    reader.push(encodeUtf8('odd\n'.repeat(140_000)));
    reader.finish();
    expect(batches).toEqual([65_536, 65_536, 8928]);
  });
});
