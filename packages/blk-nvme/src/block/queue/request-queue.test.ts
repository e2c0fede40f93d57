import { TraceRing } from '@dmalab/trace';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bio } from '../bio/bio.ts';
import { BLK_STS_INVAL, BLK_STS_IOERR, BLK_STS_NOTSUPP, BLK_STS_OK, BLK_STS_RESOURCE } from '../bio/block-status.ts';
import { REQ_FUA, REQ_OP_READ, REQ_OP_WRITE, REQ_POLLED, REQ_PREFLUSH } from '../bio/op.ts';
import { emptyLimits, type QueueLimits, validateLimits } from '../limits/queue-limits.ts';
import { TagSet } from '../tags/tag-set.ts';
import { BlockTrace } from './block-trace.ts';
import type { QueueOps } from './queue-ops.ts';
import { MQ_RQ_IN_FLIGHT, type Request } from './request.ts';
import { RequestQueue } from './request-queue.ts';

/** A driver that takes what it is given, and answers when the test says so. */
class Driver implements QueueOps<null> {
  readonly taken: Request<null>[] = [];
  readonly lasts: boolean[] = [];
  answers: number[] = [];

  initRequest(): null {
    return null;
  }

  queueRq(request: Request<null>, last: boolean): number {
    const answer = this.answers.shift() ?? BLK_STS_OK;
    if (answer !== BLK_STS_OK) return answer;
    request.state = MQ_RQ_IN_FLIGHT;
    this.taken.push(request);
    this.lasts.push(last);
    return BLK_STS_OK;
  }

  commitRqs(): void {}

  poll(): number {
    return 0;
  }

  complete(index = 0): void {
    const [request] = this.taken.splice(index, 1);
    request.queue!.end(request, false);
  }
}

let driver: Driver;
let ended: number[];

beforeEach(() => {
  driver = new Driver();
  ended = [];
});

function queueOf(depth: number, elevator: boolean, wanted: Partial<QueueLimits> = {}): RequestQueue<null> {
  const tagSet = new TagSet(driver, depth, { default: 1, read: 0, poll: 0 }, 1);
  const limits = { ...emptyLimits(), maxHwSectors: 64, dmaAlignment: 3, ...wanted };
  validateLimits(limits);
  return new RequestQueue({ tagSet, limits, elevator, trace: new BlockTrace(new TraceRing(64), '259,0') });
}

function bio(opf: number, sector: number, bytes = 4096, phys = 0x100000 + sector * 8192): Bio {
  const made = new Bio().init(opf, sector);
  if (bytes > 0) made.addPhys(phys, bytes);
  made.endIo = ({ status }) => ended.push(status);
  return made;
}

describe('RequestQueue', () => {
  it.each([
    ['a sector inside a block', { logicalBlockSize: 4096 }, bio(REQ_OP_READ, 1), BLK_STS_IOERR],
    ['polling where nothing polls', {}, bio(REQ_OP_READ | REQ_POLLED, 0), BLK_STS_NOTSUPP],
    ['misaligned memory', {}, bio(REQ_OP_READ, 0, 4096, 0x1002), BLK_STS_INVAL],
  ])('N15 and N13 end %s at once', (_what, wanted, made, status) => {
    made.endIo = (b) => ended.push(b.status);
    queueOf(4, false, wanted).submitBio(made);
    expect(ended).toEqual([status]);
    expect(driver.taken).toEqual([]);
  });

  it('N12 ends a split bio once, when its last part did', () => {
    const queue = queueOf(8, false);
    queue.submitBio(bio(REQ_OP_READ, 0, 3 * 32768));
    expect(driver.taken.map(({ sector, bytes }) => [sector, bytes])).toEqual([
      [0, 32768],
      [64, 32768],
      [128, 32768],
    ]);
    driver.complete(1);
    driver.complete(1);
    expect(ended).toEqual([]);
    driver.complete();
    expect(ended).toEqual([BLK_STS_OK]);
  });

  it('N21 takes the driver tag at dispatch with an elevator, and lets bios wait for tags', () => {
    const queue = queueOf(4, true);
    for (let i = 0; i < 12; i++) queue.submitBio(bio(REQ_OP_READ, i * 16));
    expect(driver.taken).toHaveLength(4);
    expect(queue.elevator!.depth).toBe(8);
    for (let i = 0; i < 12; i++) driver.complete();
    expect(ended).toHaveLength(12);
  });

  it('N19 joins a bio to the newest plugged request, N20 and hands all over at the end', () => {
    const queue = queueOf(8, false);
    queue.plug();
    queue.submitBio(bio(REQ_OP_READ, 0));
    queue.submitBio(bio(REQ_OP_READ, 8));
    queue.submitBio(bio(REQ_OP_READ, 40));
    expect(driver.taken).toEqual([]);
    queue.unplug();
    expect(driver.taken.map(({ bytes }) => bytes)).toEqual([8192, 4096]);
    expect(driver.lasts).toEqual([false, true]);
    driver.complete();
    expect(ended).toEqual([BLK_STS_OK, BLK_STS_OK]);
  });

  it('N88 keeps a request that the driver has no resources for, and ends one that it refuses', () => {
    const queue = queueOf(8, false);
    driver.answers = [BLK_STS_OK, BLK_STS_RESOURCE, BLK_STS_IOERR];
    queue.submitBio(bio(REQ_OP_READ, 0));
    queue.submitBio(bio(REQ_OP_READ, 16));
    queue.submitBio(bio(REQ_OP_READ, 32));
    expect(ended).toEqual([BLK_STS_IOERR]);
    expect(driver.taken.map(({ sector }) => sector)).toEqual([0, 16]);
  });

  it('N27 makes flush, data, flush of a forced write where the device has no FUA', () => {
    const queue = queueOf(8, false, { writeCache: true });
    queue.submitBio(bio(REQ_OP_WRITE | REQ_PREFLUSH | REQ_FUA, 0));
    const sizes: number[] = [];
    for (let i = 0; i < 3; i++) {
      sizes.push(driver.taken[0].bytes);
      driver.complete();
    }
    expect(sizes).toEqual([0, 4096, 0]);
    expect(ended).toEqual([BLK_STS_OK]);
  });

  it('N27 shares one flush between those that wait for it', () => {
    const queue = queueOf(8, false, { writeCache: true });
    for (let i = 0; i < 3; i++) queue.submitBio(bio(REQ_OP_WRITE | REQ_PREFLUSH, 0, 0));
    expect(driver.taken).toHaveLength(1);
    driver.complete();
    expect(ended).toHaveLength(1);
    driver.complete();
    expect(ended).toHaveLength(3);
  });

  it('N27 forgets the flags without a write cache', () => {
    const queue = queueOf(8, false);
    queue.submitBio(bio(REQ_OP_WRITE | REQ_PREFLUSH, 0, 0));
    expect(ended).toEqual([BLK_STS_OK]);
    queue.submitBio(bio(REQ_OP_WRITE | REQ_FUA, 0));
    expect(driver.taken[0].opf & REQ_FUA).toBe(0);
  });

  it('N28 sends reads, writes and polled requests to their own contexts', () => {
    const tagSet = new TagSet(driver, 4, { default: 1, read: 2, poll: 1 }, 2);
    expect([0, 1, 2].map((kind) => tagSet.contextFor(kind, 1).index)).toEqual([0, 2, 3]);
  });
});
