import { DmaDomain, KernelContext } from '@dmalab/iommu';
import { PhysMemory } from '@dmalab/phys-memory';
import { Swiotlb, SwiotlbPool } from '@dmalab/swiotlb';
import { renderBody, TraceRing } from '@dmalab/trace';
import { DmaContext, type DmaContextOptions } from '../context/dma-context.ts';
import { Device } from '../device/device.ts';
import type { DeviceOptions } from '../device/device-options.ts';
import { FirstFitPages } from './first-fit-pages.ts';
import { TablePaging } from './table-paging.ts';

/** RAM of the 1 GiB reference guest (spec P9). */
export const ONE_GIB = [
  { start: 0x1000, end: 0x9fbff },
  { start: 0x100000, end: 0x3ffd6fff },
];

/** RAM on both sides of the hole below 4 GiB (spec P9). */
export const FIVE_GIB = [
  { start: 0x1000, end: 0x9fbff },
  { start: 0x100000, end: 0x7ffdefff },
  { start: 0x100000000, end: 0x1bfffffff },
];

export interface TestMachineOptions extends Partial<DmaContextOptions> {
  /** Slots of a bounce pool at {@link TestMachine.POOL}; 0 for none. */
  readonly slots?: number;
  readonly force?: boolean;
  readonly shared?: boolean;
  readonly poolStart?: number;
}

/** A machine whose parts a test can reach: what the kernel would print and trace is at hand. */
export class TestMachine {
  static readonly POOL = 0x3800000;
  readonly memory = new PhysMemory();
  readonly kernel = new KernelContext();
  readonly ring = new TraceRing(4096);
  readonly pages: FirstFitPages;
  readonly pool: SwiotlbPool | null;
  readonly swiotlb: Swiotlb | null;
  readonly context: DmaContext;

  constructor(options: TestMachineOptions = {}) {
    const { memory, ring } = this;
    const { slots = 0, force = false, shared = false, ram = ONE_GIB } = options;
    this.pages = new FirstFitPages(ram);
    const start = options.poolStart ?? TestMachine.POOL;
    this.pool = slots === 0 ? null : new SwiotlbPool({ start, slotCount: slots, shared });
    this.swiotlb = slots === 0 ? null : new Swiotlb({ memory, pool: this.pool, force });
    const { kernel, swiotlb } = this;
    this.context = new DmaContext({ memory, ram, kernel, ring, swiotlb, pageSource: this.pages, ...options });
    ring.on = true;
  }

  device(options: DeviceOptions = {}, name = '0000:00:03.0'): Device {
    return new Device(this.context, name, { driver: 'nvme', ...options });
  }

  /** A device behind a translating domain of its own. */
  translated(options: DeviceOptions = {}, lazy = false): { dev: Device; paging: TablePaging; domain: DmaDomain } {
    const paging = new TablePaging();
    const domain = new DmaDomain(this.kernel, paging, { lazy, trace: this.ring });
    const dev = this.device({ iommu: domain, ...options });
    return { dev, paging, domain };
  }

  /** Everything traced so far, as `name: body` lines. */
  events(): string[] {
    const { log } = this.ring.toLog();
    return Array.from({ length: log.length }, (_, i) => `${log.name(i)}: ${renderBody(log, i)}`);
  }

  /** Texts that one site logged. */
  logged(site: string): string[] {
    return this.context.log.of(site).map((record) => record.text);
  }
}
