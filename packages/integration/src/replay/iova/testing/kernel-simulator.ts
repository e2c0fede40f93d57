import { DmaDomain, type IommuDevice, KernelContext } from '@dmalab/iommu';
import { readTrace, renderEvent, type Trace, TraceRing } from '@dmalab/trace';
import { IdlePagingDomain } from '../idle-paging-domain.ts';

const PAGE = 4096;
/** Opcode of an NVMe read. */
const NVME_READ = 2;
const NO_DWORDS = new Uint32Array(6);
const ANY_ADDRESS = 2 ** 64;

export interface SimulatedDevice {
  readonly name: string;
  /** NVMe: its controller's name in NVMe events; such a device maps large buffers in two steps. */
  readonly controller?: string;
  /** Bytes in page offsets and lengths are arbitrary, as a network card's are. */
  readonly subPage?: boolean;
  /** Mappings that stay while the load runs, as a receive ring does. */
  readonly ring?: number;
  /** Completions come in softirqs instead of hard interrupts. */
  readonly softirq?: boolean;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly lazy: boolean;
  readonly cpus: number;
  readonly devices: readonly SimulatedDevice[];
  readonly requests: number;
}

interface Mapping {
  readonly handle: number;
  readonly size: number;
  readonly twoStep: boolean;
}

interface Event {
  readonly micros: number;
  readonly cpu: number;
  readonly pid: number;
  readonly flags: string;
  emit(ring: TraceRing): void;
}

interface Port {
  readonly device: SimulatedDevice;
  readonly iommu: IommuDevice;
  readonly domain: DmaDomain;
  readonly live: Mapping[];
  /** CPU that armed the flush timer last. */
  armedCpu: number;
}

/**
 * A kernel's worth of mapping traffic on our own allocator, recorded as a trace with what real traces have: events that lag
 * behind their allocation, interrupts in between, flushes that nobody prints. The answer is known, so a replay can be held
 * against it. Same seed, same trace.
 */
export class KernelSimulator {
  readonly #options: SimulationOptions;
  readonly #context: KernelContext;
  readonly #ports: Port[];
  readonly #events: Event[] = [];
  #random: number;
  #micros = 1_000_000;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = options.seed;
    this.#context = new KernelContext({ possibleCpus: options.cpus });
    this.#ports = options.devices.map((device) => this.#port(device));
  }

  run(): Trace {
    for (const port of this.#ports) for (let i = 0; i < (port.device.ring ?? 0); i++) this.#submit(port, 0);
    for (let i = 0; i < this.#options.requests; i++) {
      const port = this.#ports[this.#below(this.#ports.length)];
      const cpu = this.#below(this.#options.cpus);
      this.#pass(this.#below(10) === 0 ? this.#below(20_000) : this.#below(100));
      if (port.live.length > (port.device.ring ?? 0) + 24 || this.#below(2) === 0) this.#complete(port, cpu, 100 + cpu);
      else this.#submit(port, cpu);
    }
    return this.#trace();
  }

  #port(device: SimulatedDevice): Port {
    const domain = new DmaDomain(this.#context, new IdlePagingDomain(2 ** 48 - 1), { lazy: this.#options.lazy });
    domain.iova.reserve(0xfee00, 0xfeeff);
    const iommu = { name: device.name, busDmaLimit: 0, pci32bitWorkaround: true, minAlignMask: 0 };
    return { device, iommu, domain, live: [], armedCpu: 0 };
  }

  /** A task maps a buffer; interrupts on its CPU may complete others before its map event is recorded. */
  #submit(port: Port, cpu: number): void {
    this.#enter(cpu);
    const pid = 100 + cpu;
    const offset = port.device.subPage === true ? this.#below(PAGE) : 0;
    const size = port.device.subPage === true ? 64 + this.#below(1986) : PAGE << this.#below(7);
    const twoStep = port.device.controller !== undefined && size > PAGE && this.#below(2) === 0;
    const pages = Math.ceil((offset + size) / PAGE);
    if (port.device.controller !== undefined) this.#nvme(port.device.controller, cpu, pid, '.....', false);
    const base = port.domain.allocIova(port.iommu, pages * PAGE, ANY_ADDRESS);
    this.#micros += 1;
    for (let i = this.#below(8) === 0 ? 1 + this.#below(3) : 0; i > 0; i--) {
      const busy = this.#ports[this.#below(this.#ports.length)];
      this.#complete(busy, cpu, pid);
    }
    const phys = 0x10000000 + this.#below(1000) * PAGE;
    if (twoStep) {
      for (let at = 0; at < pages; at++) this.#map(base + at * PAGE, PAGE, phys, cpu, pid);
    } else {
      this.#map(base, pages * PAGE, phys, cpu, pid);
      const device = port.device.name;
      this.#record(cpu, pid, '.....', (ring) =>
        ring.dmaMapPhys(ring.intern(device), 1, base + offset, size, phys + offset, 0),
      );
    }
    port.live.push({ handle: base + offset, size, twoStep });
  }

  /** An interrupt on the CPU, in whatever task runs there, unmaps a buffer. */
  #complete(port: Port, cpu: number, pid: number): void {
    const [mapping] = port.live.splice(this.#below(Math.max(1, port.live.length)), 1);
    if (mapping === undefined) return;
    this.#enter(cpu);
    const flags = port.device.softirq === true ? '..s1.' : 'd.h1.';
    const { handle, size, twoStep } = mapping;
    const base = handle - (handle % PAGE);
    const bytes = Math.ceil((handle + size) / PAGE) * PAGE - base;
    if (port.device.controller !== undefined) this.#nvme(port.device.controller, cpu, pid, flags, true);
    this.#record(cpu, pid, flags, (ring) => ring.iommuUnmap(base, bytes, bytes));
    if (twoStep) {
      port.domain.freeIova(base, bytes);
      return;
    }
    if (port.domain.timerDue === Number.POSITIVE_INFINITY) port.armedCpu = cpu;
    port.domain.unmapRange(handle, size);
    this.#record(cpu, pid, flags, (ring) => ring.dmaUnmapPhys(ring.intern(port.device.name), 1, handle, size, 0));
  }

  #map(iova: number, bytes: number, phys: number, cpu: number, pid: number): void {
    this.#record(cpu, pid, '.....', (ring) => ring.iommuMap(iova, bytes, phys));
  }

  #nvme(controller: string, cpu: number, pid: number, flags: string, completion: boolean): void {
    this.#record(cpu, pid, flags, (ring) => {
      const name = ring.intern(controller);
      const disk = ring.intern(`${controller}n1`);
      if (completion) ring.nvme.sq(name, disk, 1, 0, 0);
      else ring.nvme.setupCmd(name, disk, 1, 0, 1, 0, 0, NVME_READ, NO_DWORDS);
    });
  }

  #record(cpu: number, pid: number, flags: string, emit: (ring: TraceRing) => void): void {
    this.#events.push({ micros: this.#micros, cpu, pid, flags, emit });
    this.#micros += 1 + this.#below(3);
  }

  /** Time passes, and timers that fall due fire: usually on the CPU that armed them (spec I246). */
  #pass(micros: number): void {
    this.#micros += micros;
    for (const port of this.#ports) {
      if (port.domain.timerDue > this.#micros * 1000) continue;
      this.#enter(this.#below(10) === 0 ? this.#below(this.#options.cpus) : port.armedCpu);
      port.domain.runTimers();
    }
  }

  #enter(cpu: number): void {
    this.#context.cpu = cpu;
    this.#context.nowNanos = this.#micros * 1000;
  }

  #trace(): Trace {
    const ring = new TraceRing(2 ** Math.ceil(Math.log2(this.#events.length + 1)));
    ring.on = true;
    for (const event of this.#events) {
      ring.setTime(event.micros);
      ring.setCpu(event.cpu);
      ring.setTask(ring.intern('fio'), event.pid);
      ring.setFlags(ring.intern(event.flags));
      event.emit(ring);
    }
    const { log } = ring.toLog();
    const lines = Array.from({ length: log.length }, (_, i) => `${renderEvent(log, i)}\n`);
    return readTrace(new TextEncoder().encode(lines.join('')));
  }

  /** A whole number from 0 to below `limit`. */
  #below(limit: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * limit);
  }
}
