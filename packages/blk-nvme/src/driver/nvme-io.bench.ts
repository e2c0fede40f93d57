import { benchmarks, type Kernel, sqeKernel } from '@dmalab/bench';
import { Bio } from '../block/bio/bio.ts';
import { REQ_OP_READ } from '../block/bio/op.ts';
import { NvmeMachine } from '../testing/nvme-machine.ts';

const OPERATIONS = 512;
const DISK_BYTES = 512 * 2 ** 20;
/** Working set that stays in the cache. */
const HOT_BYTES = 2 ** 20;
/** Reads in flight at a time. */
const DEPTH = 32;

/** Reads at random places from a 512 MiB disk through VT-d, `buffers` apart in memory: driver, controller and back. */
function reads(bioBytes: number, spanBytes: number): () => Kernel {
  return () => {
    const machine = new NvmeMachine({ mode: 'vtd-lazy', controller: { namespaces: [{ sizeBytes: DISK_BYTES }] } });
    if (machine.driver.probe() !== 0) throw new Error('the probe failed');
    fillDisk(machine);
    const { driver, controller, buffers } = machine;
    const { queue } = driver.disk(1)!;
    const slots = Math.floor(spanBytes / bioBytes);
    let ended = 0;
    let place = 1;
    const bios = Array.from({ length: DEPTH }, () => {
      const bio = new Bio();
      bio.endIo = (b) => {
        if (b.status !== 0) throw new Error(`a read ended with ${b.status}`);
        ended++;
      };
      return bio;
    });
    return () => {
      ended = 0;
      for (let i = 0; i < OPERATIONS; i += DEPTH) {
        queue.plug();
        for (let j = 0; j < DEPTH; j++) {
          place = (Math.imul(place, 1664525) + 1013904223) >>> 0;
          const slot = place % slots;
          const bio = bios[j].init(REQ_OP_READ, (slot * bioBytes) / 512);
          bio.addPhys(buffers + slot * bioBytes, bioBytes);
          queue.submitBio(bio);
        }
        queue.unplug();
        while (controller.step());
        driver.poll();
      }
      if (ended !== OPERATIONS) throw new Error(`${ended} of ${OPERATIONS} reads ended`);
      return ended;
    };
  };
}

/** Every page of the media is touched, so that no read is a hole. */
function fillDisk(machine: NvmeMachine): void {
  const { media } = machine.controller.namespace(1)!;
  const page = new Uint8Array(65536).fill(0xa5);
  for (let at = 0; at < DISK_BYTES; at += page.length) media.write(at, page, 0, page.length);
}

/** Copies between random places of the two halves of one arena; a small span stays in the cache. */
function copies(bytes: number, spanBytes: number): () => Kernel {
  return () => {
    const arena = new Uint8Array(2 * spanBytes).fill(1);
    const slots = Math.floor(spanBytes / bytes);
    let place = 1;
    return () => {
      for (let i = 0; i < OPERATIONS; i++) {
        place = (Math.imul(place, 1664525) + 1013904223) >>> 0;
        const at = (place % slots) * bytes;
        arena.copyWithin(spanBytes + at, at, at + bytes);
      }
      if (arena[spanBytes] !== 1) throw new Error('nothing was copied');
      return place;
    };
  };
}

/** One command written, fetched and answered in memory: what a queue entry costs at least. */
const limitSqe = () => sqeKernel(OPERATIONS);

export default benchmarks([
  {
    name: '4 KiB random read through VT-d, cold',
    operations: OPERATIONS,
    tested: reads(4096, DISK_BYTES),
    limitName: 'cold copy of 4 KiB',
    limit: copies(4096, DISK_BYTES),
    atMost: 1.4,
    goal: 11,
  },
  {
    name: '4 KiB read through VT-d, hot',
    operations: OPERATIONS,
    tested: reads(4096, HOT_BYTES),
    limitName: 'hot copy of 4 KiB',
    limit: copies(4096, HOT_BYTES / 2),
    atMost: 2.7,
    goal: 12,
  },
  {
    name: '128 KiB read through VT-d, cold',
    operations: OPERATIONS,
    tested: reads(131072, DISK_BYTES),
    limitName: 'cold copy of 128 KiB',
    limit: copies(131072, DISK_BYTES),
    atMost: 1 / 0.85,
    goal: 14,
  },
  {
    name: 'the model around one 4 KiB read, hot',
    operations: OPERATIONS,
    tested: reads(4096, HOT_BYTES),
    limitName: 'L_sqe',
    limit: limitSqe,
  },
]);
