import { benchmarks, type Kernel } from '@dmalab/bench';
import { Bio, REQ_OP_READ } from '@dmalab/blk-nvme';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import type { RunningMachine } from '../machine/machine.ts';
import { MACHINES } from '../machine/presets.ts';
import { startTimedMachine } from './timed-machine.ts';

const DEPTH = 32;
const OPERATIONS = 512;
/** Far more than caches hold, on the disk and in memory. */
const DISK_BYTES = 512 * 2 ** 20;
const DATA_ORDER = 10;
const BLOCK_BYTES = PAGE_SIZE * 2 ** DATA_ORDER;

const MACHINE = { ...MACHINES['x86-vtd'], diskBytes: DISK_BYTES };

/** Where 4 KiB reads go: random places of the disk, each to a page of its own. */
class RandomReads {
  readonly #blocks: readonly number[];
  #place = 1;

  constructor(machine: RunningMachine) {
    const { pages, disk } = machine;
    this.#blocks = Array.from({ length: DISK_BYTES / BLOCK_BYTES }, () => pages.allocPages(0, DATA_ORDER) * PAGE_SIZE);
    const bytes = new Uint8Array(65536).fill(0xa5);
    for (let at = 0; at < DISK_BYTES; at += bytes.length) disk.media.write(at, bytes, 0, bytes.length);
  }

  next(bio: Bio): Bio {
    this.#place = (Math.imul(this.#place, 1664525) + 1013904223) >>> 0;
    const at = (this.#place % (DISK_BYTES / PAGE_SIZE)) * PAGE_SIZE;
    const block = this.#blocks[Math.floor(at / BLOCK_BYTES)];
    bio.init(REQ_OP_READ, at / 512).addPhys(block + (at % BLOCK_BYTES), PAGE_SIZE);
    return bio;
  }
}

function bios(ended: (bio: Bio) => void): Bio[] {
  return Array.from({ length: DEPTH }, () => {
    const bio = new Bio();
    bio.endIo = (each) => {
      if (each.status !== 0) throw new Error(`a read ended with status ${each.status}`);
      ended(each);
    };
    return bio;
  });
}

/** 32 at a time, worked off together: what happens, and nothing about when. */
function functional(): Kernel {
  const machine = bringUp(buildMachine(MACHINE));
  const reads = new RandomReads(machine);
  let ended = 0;
  const inFlight = bios(() => ended++);
  return () => {
    ended = 0;
    for (let round = 0; round < OPERATIONS / DEPTH; round++) {
      for (const bio of inFlight) machine.disk.queue.submitBio(reads.next(bio));
      machine.advance(20_000);
    }
    if (ended !== OPERATIONS) throw new Error(`${ended} of ${OPERATIONS} reads ended`);
    return ended;
  };
}

/** The same reads in virtual time, 32 in flight. */
function timed(): Kernel {
  let ended = 0;
  const idle: Bio[] = [];
  const run = (cpu: number): void => {
    for (let bio = idle.pop(); bio !== undefined; bio = idle.pop()) machine.submitBio(reads.next(bio), cpu);
  };
  const machine = startTimedMachine(MACHINE, { run });
  const reads = new RandomReads(machine.machine);
  idle.push(
    ...bios((bio) => {
      machine.chargeCompletion();
      ended++;
      idle.push(bio);
    }),
  );
  machine.wakeAt(machine.startNanos, 0);
  return () => {
    ended = 0;
    const before = machine.elapsedNanos;
    while (ended < OPERATIONS) machine.step();
    const nanosPerRead = (machine.elapsedNanos - before) / ended;
    if (!(nanosPerRead > 1000 && nanosPerRead < 20_000)) throw new Error(`${nanosPerRead} ns of virtual time a read`);
    return ended;
  };
}

export default benchmarks([
  {
    name: '4 KiB random read in virtual time, QD 32',
    operations: OPERATIONS,
    tested: timed,
    limitName: 'the same without time',
    limit: functional,
    atMost: 1.5,
    goal: 13,
  },
]);
