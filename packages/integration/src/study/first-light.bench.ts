import { benchmarks } from '@dmalab/bench';
import { Bio, REQ_OP_READ } from '@dmalab/blk-nvme';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import { MACHINES } from '../machine/presets.ts';

const DEPTH = 32;
const OPERATIONS = 640;

/** 4 KiB reads at depth 32 through the whole machine: bio, driver, mapping, controller, IOMMU, memory and back. */
function reads(name: string) {
  const machine = bringUp(buildMachine(MACHINES[name]));
  const bios = Array.from({ length: DEPTH }, () => new Bio());
  const pages = bios.map(() => machine.pages.allocPages(0, 0) * PAGE_SIZE);
  let ended = 0;
  for (const bio of bios) {
    bio.endIo = ({ status }) => {
      if (status !== 0) throw new Error(`a read ended with status ${status}`);
      ended++;
    };
  }
  const sectors = machine.description.diskBytes / 512;
  let at = 1;
  return () => {
    const before = ended;
    for (let round = 0; round < OPERATIONS / DEPTH; round++) {
      for (let i = 0; i < DEPTH; i++) {
        at = (Math.imul(at, 1664525) + 1013904223) >>> 0;
        bios[i].init(REQ_OP_READ, (at % (sectors / 8)) * 8).addPhys(pages[i], PAGE_SIZE);
        machine.disk.queue.submitBio(bios[i]);
      }
      machine.advance(20_000);
    }
    if (ended - before !== OPERATIONS) throw new Error(`${ended - before} of ${OPERATIONS} reads ended`);
    return ended;
  };
}

/** What no machine can do without: moving the block. */
function hotCopy() {
  const bytes = new Uint8Array(2 ** 20);
  let at = 0;
  return () => {
    for (let i = 0; i < OPERATIONS; i++) {
      at = (at + PAGE_SIZE) & (2 ** 19 - 1);
      bytes.copyWithin(2 ** 19 + at, at, at + PAGE_SIZE);
    }
    return bytes[at] + 1;
  };
}

export default benchmarks(
  ['x86-direct', 'x86-vtd', 'x86-swiotlb'].map((name) => ({
    name: `4 KiB read, whole machine, ${name}`,
    operations: OPERATIONS,
    limitName: 'hot 4 KiB copy',
    tested: () => reads(name),
    limit: hotCopy,
  })),
);
