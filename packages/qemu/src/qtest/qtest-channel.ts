import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { QemuError } from '../process/qemu-error.ts';
import type { SupervisedProcess } from '../process/supervised-process.ts';
import { sleep } from '../process/supervised-process.ts';
import { Watchdog } from '../process/watchdog.ts';

const POLL_MILLIS = 2;
const READ_BYTES = 65536;
/** Commands in flight: their replies have to fit into a FIFO (64 KiB), or both sides would wait for the other. */
const MOST_IN_FLIGHT = 128;
const NEWLINE = 10;

export interface QtestChannelOptions {
  /** How long QEMU may take for its start. */
  readonly startMillis: number;
  /** How long it may take for an answer. */
  readonly answerMillis: number;
}

/**
 * The qtest protocol over two FIFOs (spec B41, B43): a line out, a line back, both blocking, so that a driver may call it
 * from the middle of anything. `IRQ raise N` and `IRQ lower N` come at any time and are kept aside.
 */
export class QtestChannel {
  /** Level of each interrupt line that changed since interception began. */
  readonly irqLevels = new Map<number, boolean>();
  readonly #process: SupervisedProcess;
  readonly #watchdog: Watchdog;
  readonly #out: number;
  readonly #in: number;
  readonly #chunk = Buffer.alloc(READ_BYTES);
  /** Bytes of `#chunk` that no line was made of yet. */
  #start = 0;
  #end = 0;
  #isOpen = true;
  /** QEMU opens its FIFOs before it looks at the rest of its arguments. */
  #hasStarted = false;

  /**
   * Waits until QEMU has opened both FIFOs, `q.in` and `q.out` of its folder.
   * @throws {QemuError} with what QEMU said, when it ended instead
   */
  constructor(process: SupervisedProcess, options: QtestChannelOptions) {
    this.#process = process;
    awaitWriter(process, options.startMillis);
    this.#in = openForReading(process.path('q.out'));
    this.#out = openSync(process.path('q.in'), 'r+'); // for reading too: opening for writing waits for a reader
    this.#watchdog = new Watchdog(process.pid, options.answerMillis);
    try {
      this.request('endianness');
      this.#hasStarted = true;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Sends a command and returns what follows `OK`; empty where nothing does. @throws {QemuError} */
  request(command: string): string {
    this.#send(`${command}\n`);
    return this.#reply(command);
  }

  /** The same for a command that answers a number. */
  requestNumber(command: string): number {
    return Number(this.request(command));
  }

  /** Sends many commands before it looks for their answers. @throws {QemuError} */
  requestAll(commands: readonly string[]): string[] {
    const answers: string[] = [];
    for (let start = 0; start < commands.length; start += MOST_IN_FLIGHT) {
      const batch = commands.slice(start, start + MOST_IN_FLIGHT);
      this.#send(`${batch.join('\n')}\n`);
      for (const command of batch) answers.push(this.#reply(command));
    }
    return answers;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watchdog.stop();
    closeSync(this.#out);
    closeSync(this.#in);
  }

  #send(text: string): void {
    if (!this.#isOpen) throw new QemuError('ERR_QEMU_DIED', 'this machine was closed');
    try {
      writeSync(this.#out, text);
    } catch {
      throw this.#ended();
    }
  }

  #reply(command: string): string {
    for (;;) {
      const line = this.#line();
      if (line.startsWith('OK')) return line.slice(3);
      const irq = /^IRQ (raise|lower) (\d+)$/.exec(line);
      if (irq === null) throw new QemuError('ERR_QEMU_COMMAND', `QEMU refused "${shorten(command)}": ${line}`);
      this.irqLevels.set(Number(irq[2]), irq[1] === 'raise');
    }
  }

  #line(): string {
    for (;;) {
      const newline = this.#chunk.indexOf(NEWLINE, this.#start);
      if (newline >= 0 && newline < this.#end) {
        const line = this.#chunk.toString('latin1', this.#start, newline);
        this.#start = newline + 1;
        return line;
      }
      this.#makeRoom();
      this.#fill();
    }
  }

  /** An unfinished line moves to the front where the buffer ends behind it. */
  #makeRoom(): void {
    if (this.#end < this.#chunk.length && this.#start < this.#end) return;
    if (this.#start === 0 && this.#end > 0)
      throw new QemuError('ERR_QEMU_COMMAND', `QEMU sent a line of over ${READ_BYTES} bytes`);
    this.#chunk.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  #fill(): void {
    this.#watchdog.toggle();
    const count = readSync(this.#in, this.#chunk, this.#end, this.#chunk.length - this.#end, null);
    this.#watchdog.toggle();
    if (count === 0) throw this.#ended();
    this.#end += count;
  }

  #ended(): QemuError {
    const said = this.#process.said();
    if (!this.#hasStarted && !this.#watchdog.hasBitten)
      return new QemuError('ERR_QEMU_START', 'QEMU did not start', said);
    return this.#watchdog.hasBitten
      ? new QemuError('ERR_QEMU_TIMEOUT', 'QEMU stopped answering and was ended', said)
      : new QemuError('ERR_QEMU_DIED', 'QEMU ended while it was in use', said);
  }
}

/** Waits until QEMU has opened its end of the answers: a FIFO that nobody writes reads as ended, else as empty for now. */
function awaitWriter(process: SupervisedProcess, limitMillis: number): void {
  const probe = openSync(process.path('q.out'), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    for (let waited = 0; waited < limitMillis; waited += POLL_MILLIS) {
      if (isWritten(probe)) return;
      if (!process.isRunning()) throw new QemuError('ERR_QEMU_START', 'QEMU did not start', process.said());
      sleep(POLL_MILLIS);
    }
  } finally {
    closeSync(probe);
  }
  throw new QemuError('ERR_QEMU_TIMEOUT', `QEMU did not start within ${limitMillis} ms`, process.said());
}

function isWritten(probe: number): boolean {
  try {
    return readSync(probe, Buffer.alloc(1), 0, 1, null) > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return true;
    throw error;
  }
}

/** Opens a FIFO for blocking reads without waiting for its writer: one of our own lets us in, and leaves at once. */
function openForReading(path: string): number {
  const guard = openSync(path, 'r+');
  const fd = openSync(path, 'r');
  closeSync(guard);
  return fd;
}

function shorten(command: string): string {
  return command.length <= 80 ? command : `${command.slice(0, 77)}...`;
}
