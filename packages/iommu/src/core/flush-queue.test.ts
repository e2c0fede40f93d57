import { beforeEach, describe, expect, it } from 'vitest';
import { IovaDomain } from '../iova/iova-domain.ts';
import { RecordingPagingDomain } from '../testing/recording-paging-domain.ts';
import { FLUSH_QUEUE_PER_CPU, FLUSH_QUEUE_SHARED, FlushQueue } from './flush-queue.ts';
import { IotlbGather } from './iotlb-gather.ts';
import { KernelContext } from './kernel-context.ts';

const LIMIT_32 = 0xfffff;
const NEVER = Number.POSITIVE_INFINITY;
let context: KernelContext;
let iova: IovaDomain;
let paging: RecordingPagingDomain;
let queue: FlushQueue;
const gather = new IotlbGather();

function setUp(options = FLUSH_QUEUE_PER_CPU): void {
  context = new KernelContext({ possibleCpus: 2 });
  iova = new IovaDomain(context);
  paging = new RecordingPagingDomain();
  queue = new FlushQueue(context, iova, paging, options);
  gather.reset(true);
}

beforeEach(() => setUp());

function allocate(count: number): number[] {
  return Array.from({ length: count }, () => iova.allocFast(1, LIMIT_32, false));
}

function cached(): number[] {
  return [...iova.cachedRanges()].map(({ pfn }) => pfn);
}

describe('the ring', () => {
  it('V6 I99 I105 holds 255 ranges; the 256th flushes first and is queued alone', () => {
    const pages = allocate(256);
    expect(pages.at(-1)).toBe(0xfff00);
    for (const pfn of pages.slice(0, 255)) queue.queue(pfn, 1, gather);
    expect(paging.invalidations).toEqual([]);
    expect(queue.waiting).toBe(255);
    queue.queue(0xfff00, 1, gather);
    expect(paging.invalidations).toEqual(['all']);
    expect(queue.waiting).toBe(1);
    const reused = allocate(256);
    expect(reused[0]).toBe(0xfff01);
    expect(reused.slice(1, 128)).toEqual(pages.slice(0, 127).reverse());
    expect(reused.slice(128, 255)).toEqual(pages.slice(127, 254).reverse());
    expect(reused[255]).toBe(0xffeff);
  });

  it('I105 a forced flush leaves the timer armed, and another CPU drains at its next queueing', () => {
    const pages = allocate(258);
    context.cpu = 1;
    queue.queue(pages[256], 1, gather);
    context.cpu = 0;
    for (const pfn of pages.slice(0, 256)) queue.queue(pfn, 1, gather);
    expect(queue.timerDue).toBe(16e6);
    expect(cached()).not.toContain(pages[256]);
    context.cpu = 1;
    queue.queue(pages[257], 1, gather);
    expect(cached()).toContain(pages[256]);
    expect(queue.waiting).toBe(2);
  });

  it('I98 the shared shape has one ring for all CPUs and a second of time', () => {
    setUp(FLUSH_QUEUE_SHARED);
    queue.queue(1, 1, gather);
    context.cpu = 1;
    queue.queue(2, 1, gather);
    expect([...queue.entries()].map(({ ring }) => ring)).toEqual([0, 0]);
    expect(queue.timerDue).toBeGreaterThan(1000e6); // 250 ticks lie on the wheel's second level
    expect(queue.timerDue).toBeLessThanOrEqual(1036e6);
  });
});

describe('the timer', () => {
  it('I101 is armed by the first queueing and not pushed back by later ones', () => {
    expect(queue.timerDue).toBe(NEVER);
    queue.queue(5, 1, gather);
    expect(queue.timerDue).toBe(16e6);
    context.nowNanos = 9e6;
    queue.queue(6, 1, gather);
    expect(queue.timerDue).toBe(16e6);
  });

  it('I102 drains every ring into the cache of the CPU that runs it', () => {
    const [first, second] = allocate(2);
    queue.queue(first, 1, gather);
    context.cpu = 1;
    queue.queue(second, 1, gather);
    queue.runTimer();
    expect(queue.timerDue).toBe(NEVER);
    expect(queue.waiting).toBe(0);
    expect(allocate(3)).toEqual([second, first, 0xffffd]);
  });

  it('I102 flushes even when the rings are empty', () => {
    queue.runTimer();
    expect(paging.invalidations).toEqual(['all']);
  });

  it('I106 the newest unmapped range is reused first', () => {
    const pages = allocate(4);
    for (const pfn of pages) queue.queue(pfn, 1, gather);
    queue.runTimer();
    expect(allocate(4)).toEqual(pages.reverse());
  });
});

it('I108 table pages come back with their entry, not before', () => {
  gather.addTablePage(0x7000);
  gather.addTablePage(0x8000);
  queue.queue(5, 1, gather);
  expect(paging.freedTablePages).toEqual([]);
  queue.runTimer();
  expect(paging.freedTablePages).toEqual([0x7000, 0x8000]);
});

it('I110 destroying frees table pages and forgets ranges and timer', () => {
  gather.addTablePage(0x7000);
  queue.queue(5, 1, gather);
  queue.destroy();
  expect(paging.freedTablePages).toEqual([0x7000]);
  expect([queue.waiting, queue.timerDue, cached().length]).toEqual([0, NEVER, 0]);
  expect(paging.invalidations).toEqual([]);
});
