import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { EventKind } from '../format/event-kind.ts';
import { eventAt } from '../log/event-at.ts';
import type { TraceLog } from '../log/trace-log.ts';
import { encodeUtf8 } from '../log/utf8.ts';
import { readTrace } from '../reader/trace-reader.ts';
import { renderEvent } from '../render/render-event.ts';
import { TraceRing } from './trace-ring.ts';

/** Records one event. */
type Recording = (ring: TraceRing) => void;

const address = fc.oneof(fc.constant(-1), fc.nat({ max: 0xffffffff }), fc.maxSafeNat());
const bytes = fc.oneof(fc.nat(), fc.maxSafeNat());
const small = fc.nat({ max: 70_000 });
const word = fc.nat({ max: 0x7fffffff });
const errno = fc.integer({ min: -4095, max: 0 });
const dir = fc.nat({ max: 5 });
const attrs = fc.nat({ max: 0xffff });
const mask = fc.integer({ min: 0, max: 64 }).map((bits) => (bits <= 53 ? 2 ** bits - 1 : 2 ** bits));
const list = fc.array(address, { maxLength: 140 });
/** Names as devices, disks, flags and drivers have them: no spaces and none of the line's own punctuation. */
const name = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,12}$/);
/** Task names may hold nearly anything (spec D95); leading spaces drown in the padding. */
const comm = fc
  .string({ unit: fc.constantFrom(...'ab-:/<>[] 0.é'), minLength: 1, maxLength: 7 })
  .filter((text) => !text.startsWith(' '));
const word32 = fc.nat({ max: 0xffffffff });

function recording<T>(
  arbitrary: fc.Arbitrary<T>,
  record: (ring: TraceRing, value: T) => void,
): fc.Arbitrary<Recording> {
  return arbitrary.map((value) => (ring) => record(ring, value));
}

const range = fc.record({ device: name, dir, at: address, size: bytes, phys: address, attrs });
const memory = fc.record({ virt: fc.maxSafeNat(), gfp: fc.constantFrom('none', 'GFP_KERNEL|__GFP_NOWARN') });
const alloc = fc.constantFrom(EventKind.DMA_ALLOC, EventKind.DMA_ALLOC_PAGES, EventKind.DMA_ALLOC_SGT_ERR);
const free = fc.constantFrom(EventKind.DMA_FREE, EventKind.DMA_FREE_PAGES);

const dmaEvents = [
  recording(range, (r, v) => r.dmaMapPhys(r.intern(v.device), v.dir, v.at, v.size, v.phys, v.attrs)),
  recording(range, (r, v) => r.dmaUnmapPhys(r.intern(v.device), v.dir, v.at, v.size, v.attrs)),
  recording(fc.tuple(range, memory, alloc), (r, [v, m, kind]) =>
    r.dmaAlloc(r.intern(v.device), v.dir, v.at, v.size, m.virt, r.intern(m.gfp), v.attrs, kind),
  ),
  recording(fc.tuple(range, memory, free), (r, [v, m, kind]) =>
    r.dmaFree(r.intern(v.device), v.dir, v.at, v.size, m.virt, v.attrs, kind),
  ),
  recording(range, (r, v) => r.dmaSyncSingleForCpu(r.intern(v.device), v.dir, v.at, v.size)),
  recording(range, (r, v) => r.dmaSyncSingleForDevice(r.intern(v.device), v.dir, v.at, v.size)),
];

const listEvents = [
  recording(fc.tuple(range, list, memory), (r, [v, l, m]) =>
    r.dmaAllocSgt(r.intern(v.device), v.dir, v.at, v.size, l, l.length, r.intern(m.gfp), v.attrs),
  ),
  recording(fc.tuple(range, list), (r, [v, l]) => r.dmaFreeSgt(r.intern(v.device), v.dir, v.at, v.size, l, l.length)),
  recording(fc.tuple(range, list, fc.array(address, { maxLength: 3 })), (r, [v, l, d]) =>
    r.dmaMapSg(r.intern(v.device), v.dir, l.length, d.length, d, d.map(Math.abs), l, v.attrs),
  ),
  recording(fc.tuple(range, list, errno), (r, [v, l, err]) =>
    r.dmaMapSgErr(r.intern(v.device), v.dir, l, l.length, err, v.attrs),
  ),
  recording(fc.tuple(range, list), (r, [v, l]) => r.dmaUnmapSg(r.intern(v.device), v.dir, l, l.length, v.attrs)),
  recording(fc.tuple(range, list), (r, [v, l]) => r.dmaSyncSgForCpu(r.intern(v.device), v.dir, l, l, l.length)),
  recording(fc.tuple(range, list), (r, [v, l]) => r.dmaSyncSgForDevice(r.intern(v.device), v.dir, l, l, l.length)),
];

const iova = fc.nat({ max: 0xffffffffff });
const span = fc.record({ iova, size: fc.nat(), phys: fc.maxSafeNat() });

const iommuEvents = [
  recording(fc.tuple(range, mask, fc.boolean()), (r, [v, m, force]) =>
    r.swiotlbBounced(r.intern(v.device), m, v.at, v.size, force),
  ),
  recording(span, (r, v) => r.iommuMap(v.iova, v.size, v.phys)),
  recording(span, (r, v) => r.iommuUnmap(v.iova, v.size, v.size)),
  recording(fc.tuple(small, name), (r, [id, n]) => r.addDeviceToGroup(id, r.intern(n))),
  recording(fc.tuple(small, name), (r, [id, n]) => r.removeDeviceFromGroup(id, r.intern(n))),
  recording(name, (r, n) => r.attachDeviceToDomain(r.intern(n))),
  recording(fc.tuple(name, name, address, word), (r, [driver, n, at, flags]) =>
    r.ioPageFault(r.intern(driver), r.intern(n), at, flags),
  ),
];

const queue = fc.record({ controller: name, disk: fc.option(name), qid: small, cmdid: small, nsid: word32 });
const dwords = fc.array(word32, { minLength: 6, maxLength: 6 });

function diskId(ring: TraceRing, disk: string | null): number {
  return disk === null ? -1 : ring.intern(disk);
}

const nvmeEvents = [
  recording(fc.tuple(queue, fc.nat({ max: 255 }), dwords), (r, [q, opcode, d]) =>
    r.nvme.setupCmd(r.intern(q.controller), diskId(r, q.disk), q.qid, q.cmdid, q.nsid, 0, 1, opcode, d),
  ),
  recording(queue, (r, q) => r.nvme.sq(r.intern(q.controller), diskId(r, q.disk), q.qid, q.cmdid, q.qid)),
  recording(fc.tuple(queue, address, small), (r, [q, result, status]) =>
    r.nvme.completeRq(r.intern(q.controller), diskId(r, q.disk), q.qid, q.cmdid, result, 1, 2, status),
  ),
  recording(fc.tuple(name, word), (r, [n, result]) => r.nvme.asyncEvent(r.intern(n), result)),
];

const io = fc.record({ device: name, rwbs: name, sector: address, sectors: small, bytes: word32, ioClass: name });
const request = fc.constantFrom(EventKind.BLOCK_RQ_ISSUE, EventKind.BLOCK_RQ_INSERT, EventKind.BLOCK_RQ_MERGE);
const completion = fc.constantFrom(EventKind.BLOCK_RQ_COMPLETE, EventKind.BLOCK_RQ_ERROR, EventKind.BLOCK_RQ_REQUEUE);
const bio = fc.constantFrom(
  EventKind.BLOCK_BIO_BACKMERGE,
  EventKind.BLOCK_BIO_FRONTMERGE,
  EventKind.BLOCK_BIO_QUEUE,
  EventKind.BLOCK_GETRQ,
);

const blockEvents = [
  recording(fc.tuple(io, request, comm), (r, [v, kind, task]) => {
    const ioClass = r.intern(v.ioClass);
    const device = r.intern(v.device);
    r.block.request(kind, device, r.intern(v.rwbs), v.bytes, v.sector, v.sectors, ioClass, 0, 4, r.intern(task));
  }),
  recording(fc.tuple(io, completion, errno), (r, [v, kind, error]) => {
    const ioClass = r.intern(v.ioClass);
    r.block.completion(kind, r.intern(v.device), r.intern(v.rwbs), v.sector, v.sectors, ioClass, 0, 4, error);
  }),
  recording(fc.tuple(io, bio, comm), (r, [v, kind, task]) =>
    r.block.bio(kind, r.intern(v.device), r.intern(v.rwbs), v.sector, v.sectors, r.intern(task)),
  ),
  recording(fc.tuple(io, comm), (r, [v, task]) =>
    r.block.split(r.intern(v.device), r.intern(v.rwbs), v.sector, v.sectors, r.intern(task)),
  ),
  recording(fc.tuple(name, small), (r, [task, requests]) => r.block.unplug(r.intern(task), requests)),
];

const context = recording(
  fc.record({
    comm,
    pid: small,
    cpu: fc.nat({ max: 4095 }),
    flags: fc.stringMatching(/^[.dDbBNhHs][.a-zA-Z0-9]{4}$/),
    time: fc.nat({ max: 2 ** 45 }),
  }),
  (ring, { comm, pid, cpu, flags, time }) => {
    ring.setTask(ring.intern(comm), pid);
    ring.setCpu(cpu);
    ring.setFlags(ring.intern(flags));
    ring.setTime(time);
  },
);

/** Any event that a ring can record, and changes of its context. */
const arbitraryRecording: fc.Arbitrary<Recording> = fc.oneof(
  context,
  ...dmaEvents,
  ...listEvents,
  ...iommuEvents,
  ...nvmeEvents,
  ...blockEvents,
);

function lines(log: TraceLog): string[] {
  return Array.from({ length: log.length }, (_, i) => renderEvent(log, i));
}

function events(log: TraceLog): unknown[] {
  return Array.from({ length: log.length }, (_, i) => ({ ...eventAt(log, i), line: 0 }));
}

test.prop([fc.array(arbitraryRecording, { maxLength: 40 })], { numRuns: 300 })(
  'D95 D96 N110 what the ring recorded prints, and reads back as the same events and the same lines',
  (recordings) => {
    const ring = new TraceRing(64);
    for (const record of recordings) record(ring);
    const { log } = ring.toLog();
    const printed = lines(log);
    const { log: read, notes } = readTrace(encodeUtf8(printed.map((line) => `${line}\n`).join('')));
    expect(notes).toEqual([]);
    expect(lines(read)).toEqual(printed);
    expect(events(read)).toEqual(events(log));
  },
);
