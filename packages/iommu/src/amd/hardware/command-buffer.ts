import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { MemoryPage } from '../../page-table/memory-page.ts';
import { AmdEventCode } from '../../spec/amd-events.ts';
import { AMD_RING_ENTRY_BYTES } from '../../spec/amd-registers.ts';
import { Command } from './command.ts';
import { type Commands, Outcome } from './commands.ts';
import type { AmdDeviations } from './deviations.ts';
import type { EventLog } from './event-log.ts';

/** The command buffer of a unit (spec H32, H41): fetches up to the tail and carries out, in {@link step} only. */
export class CommandBuffer {
  #base = 0;
  #bytes = 4096;
  #head = 0;
  #tail = 0;
  #enabled = false;
  /** CmdBufRun: an error clears it until software turns CmdBufEn off and on (spec H40). */
  #running = false;
  readonly #command = new Command();
  readonly #memory: UnitMemory;
  /** The page of the latest command: the next one is nearly always in it too. */
  readonly #ringPage: MemoryPage;
  readonly #commands: Commands;
  readonly #events: EventLog;
  readonly #isQemu: boolean;

  constructor(memory: UnitMemory, commands: Commands, events: EventLog, deviations: AmdDeviations) {
    this.#memory = memory;
    this.#ringPage = new MemoryPage(memory, 0);
    this.#commands = commands;
    this.#events = events;
    this.#isQemu = deviations === 'qemu';
  }

  get running(): boolean {
    return this.#running;
  }

  get head(): number {
    return this.#head;
  }

  get tail(): number {
    return this.#tail;
  }

  /** Writing the base starts the ring anew (spec H121). */
  setBase(base: number, entries: number): void {
    this.#base = base;
    this.#bytes = entries * AMD_RING_ENTRY_BYTES;
    this.#head = 0;
    this.#tail = 0;
  }

  setHead(offset: number): void {
    this.#head = offset % this.#bytes;
  }

  setTail(offset: number): void {
    this.#tail = offset % this.#bytes;
  }

  setEnabled(enabled: boolean): void {
    if (!enabled) this.#running = false;
    else if (!this.#enabled) this.#running = true;
    this.#enabled = enabled;
  }

  /** Carries out everything up to the tail, or up to the first bad command. */
  step(): void {
    while (this.#running && this.#head !== this.#tail) {
      const at = this.#base + this.#head;
      const error = this.#execute(at);
      if (error !== 0) this.#events.recordCommand(error, at, this.#command.deviceId);
      const stops = error === AmdEventCode.ILLEGAL_COMMAND_ERROR || error === AmdEventCode.COMMAND_HARDWARE_ERROR;
      if (stops && !this.#isQemu) {
        this.#running = false;
        return;
      }
      this.#head = (this.#head + AMD_RING_ENTRY_BYTES) % this.#bytes;
    }
  }

  /** 0, or the code of an event. */
  #execute(at: number): number {
    if (!this.#memory.canAccess(at)) return AmdEventCode.COMMAND_HARDWARE_ERROR;
    const offset = at & 0xfff;
    this.#ringPage.moveTo(at - offset);
    this.#command.fetch(this.#ringPage, offset);
    if (!this.#command.isWellFormed()) return AmdEventCode.ILLEGAL_COMMAND_ERROR;
    switch (this.#commands.execute(this.#command)) {
      case Outcome.DONE:
        return 0;
      case Outcome.DEVICE_TIMEOUT:
        return AmdEventCode.IOTLB_INV_TIMEOUT;
      case Outcome.NO_ACCESS:
        return AmdEventCode.COMMAND_HARDWARE_ERROR;
      default:
        return AmdEventCode.ILLEGAL_COMMAND_ERROR;
    }
  }
}
