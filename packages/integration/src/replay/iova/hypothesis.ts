import { DmaDomain, type IommuDevice, type KernelContext, millisToTicks } from '@dmalab/iommu';
import { IdlePagingDomain } from './idle-paging-domain.ts';
import type { MachineFacts } from './machine-facts.ts';
import { GRANULE, type IovaOperation } from './operation.ts';

const ANY_ADDRESS = 2 ** 64; // a 64-bit mask as a double, good for comparing only

/** Something that a hypothesis assumed because the trace does not show it. A list, newest first, shared between copies. */
export interface Assumption {
  readonly kind: 'flush' | 'moved';
  /** flush: it happened before this line was processed; the earliest line that would do as well. */
  readonly line: number;
  readonly earliestLine: number;
  /** flush: on which CPU, when the timer had been armed, the time of the operation before and after, entries freed. */
  readonly cpu: number;
  readonly armedMicros: number;
  readonly afterMicros: number;
  readonly beforeMicros: number;
  readonly entriesFreed: number;
  /** moved: the map event whose allocation happened before `line`. */
  readonly movedLine: number;
  readonly before: Assumption | null;
}

/** One way in which the trace may have come about: an allocator in the state it then has, and what was assumed. */
export class Hypothesis {
  readonly domain: DmaDomain;
  readonly #context: KernelContext;
  readonly #devices: IommuDevice[];
  /** When the flush timer was armed, on the trace's clock; infinity while it is off. */
  armedMicros = Number.POSITIVE_INFINITY;
  /** The CPU that armed it. */
  armedCpu = 0;
  /** Indices of operations that were carried out ahead of their place. */
  ahead: readonly number[] = [];
  moved = 0;
  /** Microseconds by which the assumed flushes lie outside what the timer allows, in all (spec I103). */
  strainMicros = 0;
  assumptions: Assumption | null = null;

  constructor(context: KernelContext, facts: MachineFacts, lazy: boolean, devices: readonly string[]) {
    this.#context = context;
    this.domain = new DmaDomain(context, new IdlePagingDomain(facts.apertureEnd), { lazy });
    for (const { lo, hi } of facts.reserved) this.domain.iova.reserve(lo, hi);
    this.#devices = devices.map((name) => ({
      name,
      busDmaLimit: 0,
      pci32bitWorkaround: facts.below4gFirst,
      minAlignMask: 0,
    }));
  }

  copyFrom(other: Hypothesis): void {
    this.domain.copyAllocator(other.domain);
    for (const [i, device] of other.#devices.entries()) this.#devices[i].pci32bitWorkaround = device.pci32bitWorkaround;
    this.armedMicros = other.armedMicros;
    this.armedCpu = other.armedCpu;
    this.ahead = other.ahead;
    this.moved = other.moved;
    this.strainMicros = other.strainMicros;
    this.assumptions = other.assumptions;
  }

  /** Asks for less faith than `other`: fewer moves, else flushes nearer to the timer's. */
  isPlainerThan(other: Hypothesis): boolean {
    return this.moved !== other.moved ? this.moved < other.moved : this.strainMicros < other.strainMicros;
  }

  /** Equal for hypotheses that are equal: tells most that differ apart at once. */
  fingerprint(): number {
    const { iova, flushQueue } = this.domain;
    return (iova.signature >>> 0) + 2 ** 32 * (flushQueue?.waiting ?? 0) + 2 ** 44 * this.ahead.length;
  }

  /** Has the same future as `other`. */
  equals(other: Hypothesis): boolean {
    return (
      this.armedMicros === other.armedMicros &&
      this.armedCpu === other.armedCpu &&
      this.ahead.length === other.ahead.length &&
      this.ahead.every((index) => other.ahead.includes(index)) &&
      this.#devices.every((device, i) => device.pci32bitWorkaround === other.#devices[i].pci32bitWorkaround) &&
      this.domain.sameAllocator(other.domain)
    );
  }

  /** The page number that this request gets. */
  allocate(operation: IovaOperation, device: number): number {
    this.#enter(operation);
    return this.domain.allocIova(this.#devices[device], operation.pages * GRANULE, ANY_ADDRESS) / GRANULE;
  }

  release(operation: IovaOperation): void {
    this.#enter(operation);
    const bytes = operation.pages * GRANULE;
    if (operation.twoStep) this.domain.freeIova(operation.pfn * GRANULE, bytes);
    else this.domain.unmapRange(operation.pfn * GRANULE, bytes);
    const armed = (this.domain.flushQueue?.timerDue ?? Number.POSITIVE_INFINITY) !== Number.POSITIVE_INFINITY;
    if (armed && this.armedMicros === Number.POSITIVE_INFINITY) {
      this.armedMicros = operation.timeMicros;
      this.armedCpu = operation.cpu;
    }
  }

  /** The flush timer fires on `cpu`, some time between `afterMicros` and this operation. */
  flushBefore(operation: IovaOperation, cpu: number, afterMicros: number): void {
    const queue = this.domain.flushQueue;
    if (queue === null) return;
    this.#enter(operation);
    this.#context.cpu = cpu;
    const entriesFreed = queue.waiting;
    this.strainMicros += flushStrain(this.armedMicros, afterMicros, operation.timeMicros, this.#context.hz);
    if (cpu !== this.armedCpu) this.strainMicros += OTHER_CPU_STRAIN_MICROS;
    queue.runTimer();
    this.#assume({
      kind: 'flush',
      line: operation.line,
      earliestLine: operation.line,
      cpu,
      armedMicros: this.armedMicros,
      afterMicros,
      beforeMicros: operation.timeMicros,
      entriesFreed,
      movedLine: 0,
    });
    this.armedMicros = Number.POSITIVE_INFINITY;
  }

  /** The trace ends here: once half of the timer's window is over, it has rather fired than not. */
  end(timeMicros: number): void {
    if (this.armedMicros === Number.POSITIVE_INFINITY) return;
    const tickMicros = 1e6 / this.#context.hz;
    const middle = this.armedMicros + (millisToTicks(FLUSH_TIMEOUT_MILLIS, this.#context.hz) + 0.5) * tickMicros;
    this.strainMicros += Math.max(0, timeMicros - middle);
  }

  /** Depot reclaim that is due by `nowNanos` runs. */
  reclaim(operation: IovaOperation, nowNanos: number): void {
    this.#enter(operation);
    this.#context.nowNanos = nowNanos;
    this.domain.iova.runReclaim();
  }

  assumeMoved(operation: IovaOperation, before: IovaOperation): void {
    this.moved++;
    this.#assume({
      kind: 'moved',
      line: before.line,
      earliestLine: before.line,
      cpu: operation.cpu,
      armedMicros: 0,
      afterMicros: 0,
      beforeMicros: 0,
      entriesFreed: 0,
      movedLine: operation.line,
    });
  }

  #assume(assumption: Omit<Assumption, 'before'>): void {
    this.assumptions = { ...assumption, before: this.assumptions };
  }

  #enter(operation: IovaOperation): void {
    this.#context.cpu = operation.cpu;
    this.#context.nowNanos = operation.timeMicros * 1000;
  }
}

const FLUSH_TIMEOUT_MILLIS = 10;
/** A timer usually runs on the CPU that armed it (spec I246): another one counts like a flush that is so much too late. */
const OTHER_CPU_STRAIN_MICROS = 2_000;
/** A timer runs this much after its tick on an idle machine (spec I103). */
const SOFTIRQ_DELAY_MICROS = 300;

/** How far [after, before] is from the instants at which a timer armed then can fire: 0 if they meet (spec I103). */
export function flushStrain(armedMicros: number, afterMicros: number, beforeMicros: number, hz: number): number {
  const tickMicros = 1e6 / hz;
  const earliest = armedMicros + millisToTicks(FLUSH_TIMEOUT_MILLIS, hz) * tickMicros;
  const latest = earliest + tickMicros + SOFTIRQ_DELAY_MICROS;
  return Math.max(0, earliest - beforeMicros, afterMicros - latest);
}
