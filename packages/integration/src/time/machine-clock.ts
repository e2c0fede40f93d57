import type { BusMasterPort } from '@dmalab/blk-nvme/controller';
import type { DmaContext, DmaFront } from '@dmalab/dma-api';
import type { PagingDomain } from '@dmalab/iommu';
import type { BarHandler } from '@dmalab/pci-p2p';
import type { ByteAccess, CpuCache } from '@dmalab/phys-memory';
import type { Swiotlb, SwiotlbOptions } from '@dmalab/swiotlb';
import type { MachineHooks } from '../machine/hooks.ts';
import type { MachineDescription } from '../machine/machine-description.ts';
import { type Costs, settleCosts } from './costs/cost-table.ts';
import { DeviceTiming } from './device/device-timing.ts';
import { DoorbellGate } from './device/doorbell-gate.ts';
import { Link } from './device/link.ts';
import { EVENT_DEVICE, EVENT_DOORBELL, EVENT_INTERRUPT } from './event-codes.ts';
import { EventQueue } from './event-queue.ts';
import type { SpanLog } from './run/span-log.ts';
import { MeteredCache } from './work/metered-cache.ts';
import { meteredFront } from './work/metered-front.ts';
import { MeteredPaging } from './work/metered-paging.ts';
import { MeteredSwiotlb } from './work/metered-swiotlb.ts';
import { WORK_DOORBELL } from './work/work-kinds.ts';
import { WorkMeter } from './work/work-meter.ts';

/**
 * The hooks of a machine that keeps time: CPU work goes to a meter, and what the disk and its link do goes to the event
 * queue. While the machine boots nothing takes time; {@link start} ends that.
 */
export class MachineClock implements MachineHooks {
  readonly costs: Costs;
  readonly events = new EventQueue();
  readonly meter: WorkMeter;
  readonly link: Link;
  readonly device: DeviceTiming;
  readonly controller: MachineHooks['controller'];
  /** The machine's time in whole nanoseconds: that of the event in hand. */
  nowNanos = 0;
  /** When the CPU activity in hand began. */
  activityNanos = 0;
  /** Keeps what happened when, for a timeline; null: nobody asked. */
  spans: SpanLog | null = null;
  #gate: DoorbellGate | null = null;
  #tableLoads = (): number => 0;

  constructor({ costs, devices }: Pick<MachineDescription, 'costs' | 'devices'>) {
    this.costs = settleCosts(costs);
    this.meter = new WorkMeter(this.costs);
    const disk = devices.find(({ kind }) => kind === 'nvme');
    this.link = new Link(this.costs, disk?.attachment === 'switch' ? 1 : 0);
    this.device = new DeviceTiming(this.costs, this.link, {
      now: () => this.nowNanos,
      due: (time) => this.events.push(time, EVENT_DEVICE),
      interrupt: (time, vector) => this.events.push(time, EVENT_INTERRUPT, vector),
      tableLoads: () => this.#tableLoads(),
      span: (kind, start, end, lengthBytes) => this.spans?.add(kind, 0, start, end, lengthBytes),
    });
    // A disk that is no emulation has no shadow doorbells (spec N66).
    this.controller = { timing: this.device, shadowDoorbells: false };
  }

  /** The clock runs from now on. @param tableLoads 32-bit loads of the IOMMU so far */
  start(nowNanos: number, tableLoads: () => number): void {
    this.nowNanos = nowNanos;
    this.#tableLoads = tableLoads;
    this.device.isRunning = true;
    if (this.#gate !== null) this.#gate.isRunning = true;
    this.meter.reset();
  }

  /** Where the CPU activity in hand has got to. */
  get cursorNanos(): number {
    return this.activityNanos + this.meter.spentNanos;
  }

  /** A doorbell that was rung in the past has arrived. */
  ring(offset: number, value: number): void {
    if (this.#gate === null) throw new Error('a doorbell of a machine that was not built with this clock');
    this.#gate.isRunning = false;
    this.#gate.writeRegister(offset, value);
    this.#gate.isRunning = true;
  }

  front(front: DmaFront, context: () => DmaContext): DmaFront {
    return meteredFront(front, this.meter, context);
  }

  paging(domain: PagingDomain): PagingDomain {
    return new MeteredPaging(domain, this.meter);
  }

  swiotlb(options: SwiotlbOptions): Swiotlb {
    return new MeteredSwiotlb(options, this.meter);
  }

  cpuCache(memory: ByteAccess): CpuCache {
    return new MeteredCache(memory, this.meter);
  }

  port(port: BusMasterPort): BusMasterPort {
    return this.device.port(port);
  }

  registers(handler: BarHandler): BarHandler {
    const arrival = (): number => Math.ceil(this.cursorNanos + this.link.writeNanos);
    this.#gate = new DoorbellGate(
      handler,
      (isAdmin) => {
        this.meter.add(WORK_DOORBELL, 1);
        if (isAdmin) this.events.push(arrival(), EVENT_DEVICE);
      },
      (offset, value) => this.events.push(arrival(), EVENT_DOORBELL, offset, value),
    );
    return this.#gate;
  }

  /** A driver that waits holds its CPU. */
  waited(nanoseconds: number): void {
    this.meter.addNanos(nanoseconds);
  }
}
