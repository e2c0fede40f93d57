import { BLK_STS_OK, REQ_OP_READ, REQ_OP_WRITE } from '@dmalab/blk-nvme';
import { afterAll, expect, it } from 'vitest';
import { ARM_VIRT, Q35, type QemuPlatform, RISCV_VIRT } from '../machine/platform.ts';
import { describeOnQemu } from '../testing/describe-on-qemu.ts';
import { DISK_BYTES, type DiskMachine } from '../testing/disk-machine.ts';
import { DiskStage } from '../testing/disk-stage.ts';
import { modelDiskMachine } from '../testing/model-disk-machine.ts';
import { qemuDiskMachine } from '../testing/qemu-disk-machine.ts';
import { AMD_VI, missing, type QemuIommu, RISCV, SMMUV3, VTD_LEGACY, VTD_SCALABLE } from '../testing/qemu-iommus.ts';

/** Offsets and lengths of the pieces of a transfer, from the start of its buffer. */
type Pieces = readonly (readonly [offset: number, lengthBytes: number])[];

const PAGE = 4096;
/** Scattered, so that they don't merge into one piece, for which the driver would rather use an SGL. */
const EVERY_OTHER_PAGE: Pieces = Array.from({ length: 64 }, (_, i) => [2 * i * PAGE, PAGE]);
const FOUR_OF_FIVE_PAGES: Pieces = Array.from({ length: 200 }, (_, i) => [5 * i * PAGE, 4 * PAGE]);

/** What a transfer looks like on the wire. */
interface Shape {
  readonly name: string;
  readonly pieces: Pieces;
  /** An SGL and not PRPs, where the controller takes them. */
  readonly sgl?: true;
}

const SHAPES: readonly Shape[] = [
  { name: 'one page: PRP1', pieces: [[0, PAGE]] },
  { name: 'a sector in the middle of a page', pieces: [[1024, 512]] },
  { name: 'two pages: PRP1 and PRP2', pieces: [[0, 2 * PAGE]] },
  { name: 'an unaligned first page and a little of the next', pieces: [[PAGE - 512, 1024]] },
  {
    name: 'three pages: a list in the small pool',
    pieces: [
      [0, PAGE],
      [2 * PAGE, 2 * PAGE],
    ],
  },
  {
    name: 'an unaligned first page and a list',
    pieces: [
      [1536, PAGE - 1536],
      [2 * PAGE, 15 * PAGE],
    ],
  },
  { name: '64 scattered pages: a list in the large pool', pieces: EVERY_OTHER_PAGE },
  { name: '800 pages: a list of lists', pieces: FOUR_OF_FIVE_PAGES },
  {
    name: '800 pages, the first unaligned: a list of lists',
    pieces: [[512, 4 * PAGE - 512], ...FOUR_OF_FIVE_PAGES.slice(1)],
  },
  { name: 'SGL, one descriptor in the command', pieces: [[512, 3 * PAGE]], sgl: true },
  { name: 'SGL, a segment of descriptors', pieces: EVERY_OTHER_PAGE, sgl: true },
  {
    name: 'SGL, pieces that no PRP could describe',
    pieces: [
      [512, 1024],
      [2 * PAGE, 512],
      [3 * PAGE + 1536, 1024],
    ],
    sgl: true,
  },
];

interface Backing {
  readonly name: string;
  readonly whyNot: string;
  make(): DiskMachine;
}

const BACKINGS: readonly Backing[] = [
  { name: 'our models', whyNot: '', make: () => modelDiskMachine(null) },
  { name: 'our models behind VT-d legacy', whyNot: '', make: () => modelDiskMachine('legacy') },
  { name: 'our models behind VT-d scalable', whyNot: '', make: () => modelDiskMachine('scalable') },
  onQemu(Q35, null),
  onQemu(Q35, VTD_LEGACY),
  onQemu(Q35, VTD_SCALABLE),
  onQemu(Q35, AMD_VI),
  onQemu(ARM_VIRT, null),
  onQemu(ARM_VIRT, SMMUV3),
  onQemu(RISCV_VIRT, null),
  onQemu(RISCV_VIRT, RISCV),
];

function onQemu(platform: QemuPlatform, iommu: QemuIommu | null): Backing {
  const name = `QEMU ${platform.name}${iommu === null ? '' : ` behind ${iommu.name}`}`;
  return { name, whyNot: iommu?.whyNot() ?? missing(platform, 'nvme'), make: () => qemuDiskMachine(platform, iommu) };
}

for (const { name, whyNot, make } of BACKINGS) {
  describeOnQemu(`the NVMe driver on ${name}`, whyNot, () => {
    const stages: DiskStage[] = [];
    const start = (sglThreshold = 0): DiskStage => {
      const stage = new DiskStage(make(), { sglThreshold });
      stages.push(stage);
      return stage;
    };
    afterAll(() => {
      for (const stage of stages) stage.close();
    });

    it('N55 to N57 brings the controller up and finds its namespace', () => {
      const stage = start();
      expect(stage.driver.probe()).toBe(0);
      expect(stage.driver.state.current).toBe('LIVE');
      expect(stage.driver.disk(1)?.capacitySectors).toBe(DISK_BYTES / 512);
      expect(stage.iommuFaults()).toEqual([]);
    });

    it.each(SHAPES)('moves every byte to the disk and back: $name', ({ pieces, sgl = false }) => {
      const stage = probedStage(stages, start, sgl);
      const lengthBytes = Math.max(...pieces.map(([offset, length]) => offset + length));
      const [from, to] = [stage.buffer(lengthBytes), stage.buffer(lengthBytes)];
      const pattern = Uint8Array.from({ length: lengthBytes }, (_, i) => (i * 31 + (i >>> 9) + pieces.length) & 0xff);
      stage.machine.memory.write(from, pattern);
      expect(stage.io(REQ_OP_WRITE, 7, at(from, pieces)).status).toBe(BLK_STS_OK);
      expect(stage.io(REQ_OP_READ, 7, at(to, pieces)).status).toBe(BLK_STS_OK);
      expect(stage.newestUsesSgl()).toBe(sgl);
      const expected = new Uint8Array(lengthBytes);
      for (const [offset, length] of pieces) expected.set(pattern.subarray(offset, offset + length), offset);
      const arrived = new Uint8Array(lengthBytes);
      stage.machine.memory.read(to, arrived);
      expect(Buffer.compare(arrived, expected)).toBe(0); // what lies between the pieces stays as it was: zero
      expect(stage.iommuFaults()).toEqual([]);
    });

    it('N96 shuts down, and N97 comes back from a reset with its data', () => {
      const stage = start();
      stage.driver.probe();
      const buffer = stage.buffer(PAGE);
      stage.machine.memory.fill(buffer, PAGE, 0x5a);
      stage.io(REQ_OP_WRITE, 0, [[buffer, PAGE]]);
      expect(stage.driver.reset()).toBe(0);
      stage.machine.memory.fill(buffer, PAGE, 0);
      stage.io(REQ_OP_READ, 0, [[buffer, PAGE]]);
      expect(stage.machine.memory.load32(buffer + PAGE - 4)).toBe(0x5a5a5a5a);
      stage.driver.remove();
      expect(stage.iommuFaults()).toEqual([]);
    });
  });
}

/** A machine for all shapes of a kind, since each start costs a while. */
function probedStage(
  stages: readonly DiskStage[],
  start: (sglThreshold: number) => DiskStage,
  sgl: boolean,
): DiskStage {
  const sglThreshold = sgl ? 1 : 0;
  const known = stages.find(
    ({ driver }) => driver.state.current === 'LIVE' && driver.parameters.sglThreshold === sglThreshold,
  );
  if (known !== undefined) return known;
  const stage = start(sglThreshold);
  stage.driver.probe();
  return stage;
}

function at(buffer: number, pieces: Pieces): [number, number][] {
  return pieces.map(([offset, length]) => [buffer + offset, length]);
}
