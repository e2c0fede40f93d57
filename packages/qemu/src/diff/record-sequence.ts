import { ArmSmmuV3, IntelIommu, type IommuUnitDriver, type IommuUnitDriverOptions, IotlbGather } from '@dmalab/iommu';
import type { RegisterBacking } from '@dmalab/phys-memory';
import { ENGINE_BYTES } from '../engine/dma-engine.ts';
import { PageStock } from '../machine/page-stock.ts';
import type { DiffSide } from './diff-side.ts';
import { diffSides, RECORDED_RID } from './diff-units.ts';
import type { UnitName } from './operation.ts';

const READ = 1;
const READ_WRITE = 3;
const PAGE = 4096;
const IOVA = 0x10_0000_0000;
const RECORDED_DEVICE = '00:04.0';
/** RAM of both platforms behind what QEMU puts in front. */
const PAGES = { vtd: 0x100_0000, 'vtd-scalable': 0x100_0000, smmuv3: 0x4100_0000 } as const;
const PAGES_BYTES = 0x100_0000;

const DRIVERS: Readonly<Record<UnitName, (options: IommuUnitDriverOptions) => IommuUnitDriver>> = {
  vtd: (options) => new IntelIommu({ ...options, mode: 'legacy' }),
  'vtd-scalable': (options) => new IntelIommu({ ...options, mode: 'scalable' }),
  smmuv3: (options) => new ArmSmmuV3(options),
};

/**
 * What our driver does to QEMU's unit from its start to a fault, as a sequence: tables and queues set up, pages mapped,
 * reached, unmapped and missed. Something to begin with, and to change by hand.
 * @throws {QemuError}
 */
export function recordSequence(unit: UnitName, program?: string): string {
  const { qemu } = diffSides(unit, [RECORDED_RID], program);
  try {
    const recorder = new Recorder(qemu, unit);
    const pages = new PageStock(PAGES[unit], PAGES[unit] + PAGES_BYTES);
    const driver = DRIVERS[unit]({
      registers: recorder,
      memory: recorder,
      allocTablePage: () => pages.allocTablePage(),
      freeTablePage: (phys) => pages.freeTablePage(phys),
      allocTable: (lengthBytes) => pages.allocTable(lengthBytes),
      freeTable: (phys, lengthBytes) => pages.freeTable(phys, lengthBytes),
    });
    driver.enable();
    useDomain(recorder, driver, pages, qemu.completionPages);
    return recorder.text;
  } finally {
    qemu.close();
  }
}

function useDomain(
  recorder: Recorder,
  driver: IommuUnitDriver,
  pages: PageStock,
  completionPages: readonly number[],
): void {
  const domain = driver.createDomain();
  for (const page of completionPages) domain.map(page, page, PAGE, READ_WRITE);
  driver.attachDevice(RECORDED_RID, domain);
  const buffer = pages.allocPages(0, 1);
  domain.map(IOVA, buffer, PAGE, READ_WRITE);
  domain.map(IOVA + PAGE, buffer + PAGE, PAGE, READ);
  recorder.comment('a writable page, a read-only one, and one that is not mapped');
  recorder.dma(true, IOVA + ENGINE_BYTES);
  recorder.show(buffer + ENGINE_BYTES, 16);
  recorder.dma(false, IOVA + ENGINE_BYTES);
  for (const missed of [IOVA + PAGE, IOVA + 2 * PAGE]) {
    recorder.dma(true, missed);
    driver.handleFaultEvent(0);
  }
  recorder.comment('unmapped, and invalidated before anybody looks');
  const gather = new IotlbGather();
  domain.unmap(IOVA, PAGE, gather);
  domain.iotlbSync(gather);
  recorder.dma(false, IOVA);
  driver.handleFaultEvent(0);
}

/** Registers and memory of a side, which writes down what is done to them. */
class Recorder implements RegisterBacking {
  readonly #side: DiffSide;
  #lines: string[];

  constructor(side: DiffSide, unit: UnitName) {
    this.#side = side;
    this.#lines = [`unit ${unit}`];
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  comment(text: string): void {
    this.#lines.push(`# ${text}`);
  }

  readRegister(offset: number): number {
    this.#lines.push(`readl ${hex(offset)}`);
    return this.#side.readRegister(offset);
  }

  writeRegister(offset: number, value: number): void {
    this.#lines.push(`writel ${hex(offset)} ${hex(value >>> 0)}`);
    this.#side.writeRegister(offset, value);
  }

  advance(nanoseconds: number): void {
    this.#lines.push(`clock ${nanoseconds}`);
    this.#side.advance(nanoseconds);
  }

  load32(at: number): number {
    return new DataView(this.show(at, 4).slice().buffer).getUint32(0, true);
  }

  store32(at: number, value: number): void {
    this.#write(at, [value]);
  }

  store64(at: number, low: number, high: number): void {
    this.#write(at, [low, high]);
  }

  /** A read that only wants to be compared. */
  show(at: number, lengthBytes: number): Uint8Array {
    this.#lines.push(`read ${hex(at)} ${lengthBytes}`);
    return this.#side.readMemory(at, lengthBytes);
  }

  dma(isWrite: boolean, iova: number): void {
    this.#lines.push(`dma ${RECORDED_DEVICE} ${isWrite ? 'w' : 'r'} ${hex(iova)}`);
    if (isWrite) this.#side.dmaWrite(RECORDED_RID, iova, new Uint8Array(ENGINE_BYTES));
    else this.#side.dmaRead(RECORDED_RID, iova);
  }

  /** Stores that follow each other become one line: a table is zeroed word by word. */
  #write(at: number, words: readonly number[]): void {
    const bytes = new Uint8Array(Uint32Array.from(words, (word) => word >>> 0).buffer);
    this.#side.writeMemory(at, bytes);
    const text = Buffer.from(bytes).toString('hex');
    const [, start, before = ''] = /^write (0x[0-9a-f]+) ([0-9a-f]+)$/.exec(this.#lines.at(-1) ?? '') ?? [];
    const continues = start !== undefined && Number(start) + before.length / 2 === at && before.length < 2 * PAGE;
    if (continues) this.#lines[this.#lines.length - 1] = `write ${start} ${before}${text}`;
    else this.#lines.push(`write ${hex(at)} ${text}`);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
