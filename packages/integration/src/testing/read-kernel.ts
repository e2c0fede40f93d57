import { Bio, REQ_OP_READ } from '@dmalab/blk-nvme';
import { PAGE_SIZE } from '@dmalab/phys-memory';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import { MACHINES } from '../machine/presets.ts';

const DEFAULT_DEPTH = 32;
/** Reads in one call of the kernel; a multiple of the depth. */
export const READS = 640;

/**
 * A benchmark kernel: 4 KiB reads through the whole machine, `depth` in flight: bio, driver, mapping, controller, IOMMU,
 * memory and back.
 * @throws {Error} when one fails or gets lost
 */
export function readKernel(name: string, depth = DEFAULT_DEPTH): () => number {
  const machine = bringUp(buildMachine(MACHINES[name]));
  const bios = Array.from({ length: depth }, () => new Bio());
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
    for (let round = 0; round < READS / depth; round++) {
      for (let i = 0; i < depth; i++) {
        at = (Math.imul(at, 1664525) + 1013904223) >>> 0;
        bios[i].init(REQ_OP_READ, (at % (sectors / 8)) * 8).addPhys(pages[i], PAGE_SIZE);
        machine.disk.queue.submitBio(bios[i]);
      }
      machine.advance(20_000);
    }
    if (ended - before !== READS) throw new Error(`${ended - before} of ${READS} reads ended`);
    return ended;
  };
}
