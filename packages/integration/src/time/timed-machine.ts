import type { Bio } from '@dmalab/blk-nvme';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import type { RunningMachine } from '../machine/machine.ts';
import type { MachineDescription } from '../machine/machine-description.ts';
import {
  EVENT_DEVICE,
  EVENT_DOORBELL,
  EVENT_INTERRUPT,
  EVENT_POLL,
  EVENT_TICK,
  EVENT_WAKE,
  EVENT_WATCHDOG,
} from './event-codes.ts';
import { MachineClock } from './machine-clock.ts';
import { SPAN_INTERRUPT, SPAN_POLL, SPAN_SUBMIT, SPAN_TIMER } from './run/span-log.ts';
import { WORK_COMPLETE, WORK_INTERRUPT, WORK_POLL, WORK_SUBMIT } from './work/work-kinds.ts';

/** How often the kernel looks for commands past their deadline (spec N26). */
const WATCHDOG_NANOS = 1e9;
const NANOS_PER_SECOND = 1e9;

/** Who gives a timed machine its work. */
export interface TimedClient {
  /** The CPU is free for what can be submitted now: after an interrupt of its own, or because it was asked to wake. */
  run(cpu: number): void;
}

/**
 * A machine in virtual time: one event after the other, in order. A CPU does one thing at a time; what it does takes effect
 * when it begins, except that the disk hears of it when the doorbell arrives, and lasts as long as its work costs. The
 * disk's own time is in {@link MachineClock.device}. Same machine, same client: same times, to the nanosecond.
 */
export class TimedMachine {
  readonly machine: RunningMachine;
  readonly clock: MachineClock;
  /** Nanoseconds that each CPU worked since the start. */
  readonly busyNanos: Float64Array;
  readonly startNanos: number;
  /** Interrupts taken. */
  interrupts = 0;
  readonly #client: TimedClient;
  /** When each CPU is free. */
  readonly #freeAt: Float64Array;
  /** Interrupts and wakes that wait for their CPU already, by vector and by CPU. */
  readonly #vectorWaits: Uint8Array;
  readonly #wakeWaits: Uint8Array;
  readonly #tickNanos: number;
  /** The queue that each CPU may spin on; none without polled queues. */
  readonly #polledQueues: readonly number[];
  #pollIsDue = false;
  readonly #submitBio: RunningMachine['disk']['queue'];
  /** How far the controller's own time has come. */
  #deviceNanos: number;

  /** @param clock that the machine was built with */
  constructor(machine: RunningMachine, clock: MachineClock, client: TimedClient) {
    const { cpus } = machine.description;
    this.machine = machine;
    this.clock = clock;
    this.#client = client;
    this.busyNanos = new Float64Array(cpus);
    this.#freeAt = new Float64Array(cpus);
    this.#vectorWaits = new Uint8Array(cpus + 1);
    this.#wakeWaits = new Uint8Array(cpus);
    this.#submitBio = machine.disk.queue;
    this.#polledQueues = polledQueues(machine);
    this.startNanos = Math.ceil(machine.kernel.nowNanos);
    this.#deviceNanos = this.startNanos;
    const meter = machine.iommu?.meter ?? null;
    clock.start(this.startNanos, meter === null ? () => 0 : () => meter.loads);
    clock.events.push(this.startNanos + WATCHDOG_NANOS, EVENT_WATCHDOG);
    this.#tickNanos = NANOS_PER_SECOND / machine.kernel.hz;
    clock.events.push((Math.floor(this.startNanos / this.#tickNanos) + 1) * this.#tickNanos, EVENT_TICK);
  }

  /** Asks for a {@link TimedClient.run} of a CPU. */
  wakeAt(nanos: number, cpu: number): void {
    this.clock.events.push(Math.ceil(nanos), EVENT_WAKE, cpu);
  }

  /** A CPU hands a bio to the kernel; inside {@link TimedClient.run} only. */
  submitBio(bio: Bio, cpu: number): void {
    this.clock.meter.add(WORK_SUBMIT, 1);
    this.#submitBio.submitBio(bio, cpu);
  }

  /** Work of the caller's kind, on the CPU in hand. */
  charge(kind: number): void {
    this.clock.meter.add(kind, 1);
  }

  /** Carries out the next event; false when there is none before that time. */
  step(untilNanos = Number.POSITIVE_INFINITY): boolean {
    const { events } = this.clock;
    if (events.nextTime > untilNanos || !events.pop()) return false;
    this.clock.nowNanos = events.time;
    switch (events.code) {
      case EVENT_DOORBELL:
        this.clock.ring(events.first, events.second);
        this.#runDevice();
        break;
      case EVENT_DEVICE:
        this.#runDevice();
        break;
      case EVENT_INTERRUPT:
        this.#interrupt(events.first, events.second);
        break;
      case EVENT_WAKE:
        this.#wake(events.first, events.second);
        break;
      case EVENT_POLL:
        this.#poll();
        break;
      case EVENT_TICK:
        this.#tick();
        break;
      default:
        this.#watch();
    }
    return true;
  }

  #runDevice(): void {
    const { clock, machine } = this;
    const { controller } = machine.nvme;
    const passed = clock.nowNanos - this.#deviceNanos;
    if (passed > 0) {
      controller.advance(passed);
      this.#deviceNanos = clock.nowNanos;
    }
    do clock.device.beginStep();
    while (controller.step());
    // A completion that a spinning CPU looks for is there one way over the link later.
    if (this.#polledQueues.length > 0 && !this.#pollIsDue) {
      this.#pollIsDue = true;
      clock.events.push(Math.ceil(clock.nowNanos + clock.link.writeNanos), EVENT_POLL);
    }
  }

  /** CPUs that spin on their queues see what came; while one has something else to do, its completions wait. */
  #poll(): void {
    this.#pollIsDue = false;
    const { ioPath } = this.machine.driver;
    let laterNanos = Number.POSITIVE_INFINITY;
    for (let cpu = 0; cpu < this.#polledQueues.length; cpu++) {
      const hctx = this.#polledQueues[cpu];
      if (!ioPath.queues[hctx].hasCompletion()) continue;
      if (this.#isBusy(cpu)) {
        laterNanos = Math.min(laterNanos, this.#freeAt[cpu]);
        continue;
      }
      this.#begin(cpu);
      this.clock.meter.add(WORK_POLL, 1);
      ioPath.poll(hctx);
      this.#client.run(cpu);
      this.#end(cpu, SPAN_POLL);
    }
    if (laterNanos === Number.POSITIVE_INFINITY) return;
    this.#pollIsDue = true;
    this.clock.events.push(laterNanos, EVENT_POLL);
  }

  /** Messages of a vector that is pending already are one interrupt. */
  #interrupt(vector: number, isRetry: number): void {
    const cpu = this.#cpuOf(vector);
    if (this.#hasToWait(this.#vectorWaits, vector, isRetry, cpu)) return;
    this.interrupts++;
    this.#begin(cpu);
    this.clock.meter.add(WORK_INTERRUPT, 1);
    this.clock.device.deliver(vector);
    this.machine.driver.poll();
    this.#client.run(cpu);
    this.#end(cpu, SPAN_INTERRUPT);
  }

  #wake(cpu: number, isRetry: number): void {
    if (this.#hasToWait(this.#wakeWaits, cpu, isRetry, cpu)) return;
    this.#begin(cpu);
    this.#client.run(cpu);
    this.#end(cpu, SPAN_SUBMIT);
  }

  /**
   * Puts the event in hand off until its CPU is free; one that was put off already stands for all that come meanwhile.
   * @param waits whether there is such an event, by what it is about
   * @param isRetry 1: it is the one that was put off
   */
  #hasToWait(waits: Uint8Array, about: number, isRetry: number, cpu: number): boolean {
    if (isRetry === 0 && waits[about] === 1) return true;
    waits[about] = this.#isBusy(cpu) ? 1 : 0;
    if (waits[about] === 1) this.clock.events.push(this.#freeAt[cpu], this.clock.events.code, about, 1);
    return waits[about] === 1;
  }

  /** Kernel timers are due at whole ticks (spec I103), and fire on the first CPU, which is interrupted for them. */
  #tick(): void {
    const { domain } = this.machine.nvme;
    const { events, nowNanos } = this.clock;
    if (domain === null) return;
    events.push(nowNanos + this.#tickNanos, EVENT_TICK);
    if (domain.timerDue > nowNanos) return;
    this.#begin(0);
    domain.runTimers();
    this.#end(0, SPAN_TIMER);
  }

  #watch(): void {
    this.#begin(0);
    this.machine.driver.timeouts.check();
    this.machine.driver.poll();
    this.#client.run(0);
    this.#end(0, SPAN_TIMER);
    this.clock.events.push(this.clock.nowNanos + WATCHDOG_NANOS, EVENT_WATCHDOG);
  }

  /** A CPU of its own for each I/O queue; the admin queue's is the first (spec N62). */
  #cpuOf(vector: number): number {
    return vector === 0 ? 0 : (vector - 1) % this.busyNanos.length;
  }

  #isBusy(cpu: number): boolean {
    return this.#freeAt[cpu] > this.clock.nowNanos;
  }

  #begin(cpu: number): void {
    const { clock, machine } = this;
    machine.kernel.cpu = cpu;
    machine.kernel.nowNanos = clock.nowNanos;
    clock.activityNanos = clock.nowNanos;
    clock.meter.restart();
  }

  #end(cpu: number, span: number): void {
    const { clock } = this;
    const spent = clock.meter.spentNanos;
    if (clock.spans !== null && spent > 0) clock.spans.add(span, cpu, clock.nowNanos, clock.cursorNanos);
    this.busyNanos[cpu] += spent;
    this.#freeAt[cpu] = Math.max(this.#freeAt[cpu], clock.nowNanos) + Math.ceil(spent);
  }

  /** Time since the start. */
  get elapsedNanos(): number {
    return this.clock.nowNanos - this.startNanos;
  }

  /** The block layer's and the driver's part of a completion; for the client's end-of-I/O callback. */
  chargeCompletion(): void {
    this.clock.meter.add(WORK_COMPLETE, 1);
  }
}

/** Queues without interrupts stand behind all others, one a CPU (spec N28). */
function polledQueues({ description, driver }: RunningMachine): number[] {
  const { default: first = 0, read = 0, poll = 0 } = driver.ioPath.tagSet?.counts ?? {};
  return poll === 0 ? [] : Array.from({ length: description.cpus }, (_, cpu) => first + read + (cpu % poll));
}

/**
 * Builds a machine in virtual time and brings it up; booting takes no time.
 * @param canPoll its driver makes a queue without interrupts for each CPU, for `REQ_POLLED`
 */
export function startTimedMachine(description: MachineDescription, client: TimedClient, canPoll = false): TimedMachine {
  const hooks = new MachineClock(description);
  const parameters = canPoll ? { pollQueues: description.cpus } : {};
  const machine = bringUp(buildMachine(description, { hooks, meterIommu: true }), parameters);
  return new TimedMachine(machine, hooks, client);
}
