import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import type { RegisterBacking } from '@dmalab/phys-memory';
import { QemuBinary } from '../process/qemu-binary.ts';
import { QemuError } from '../process/qemu-error.ts';
import { SupervisedProcess } from '../process/supervised-process.ts';
import { QtestChannel } from '../qtest/qtest-channel.ts';
import { MmioRegisters } from './mmio-registers.ts';
import { PageStock } from './page-stock.ts';
import { Q35, type QemuPlatform } from './platform.ts';
import { QemuPciHost } from './qemu-pci-host.ts';
import { SharedRam } from './shared-ram.ts';

export interface QemuMachineOptions {
  /** Default: {@link Q35}. */
  readonly platform?: QemuPlatform;
  /** Default: the platform's. */
  readonly program?: string;
  /** Default 64 MiB. */
  readonly ramBytes?: number;
  /** Devices, IOMMUs first, each as for `-device`; `@folder` stands for a folder that ends with the machine. */
  readonly devices?: readonly string[];
  /** Files of zeros to make in that folder, for drives: bytes by name. */
  readonly files?: Readonly<Record<string, number>>;
  /** Further arguments, such as drives; `@folder` as above. */
  readonly args?: readonly string[];
  /**
   * Default `tcg`: a processor that sleeps, and time that passes by itself. `qtest`: none, and time moves only when
   * {@link QemuMachine.advance} moves it, where the program has that accelerator (spec B45).
   */
  readonly accelerator?: 'tcg' | 'qtest';
  /** How long QEMU may take for its start, in milliseconds. Default 20 s. */
  readonly startMillis?: number;
  /** How long it may take for one answer. Default 10 s. */
  readonly answerMillis?: number;
}

const MIB = 2 ** 20;

/**
 * A QEMU without an operating system, in our hands through the qtest protocol (spec B41 to B53): registers, config
 * space, RAM and interrupts, all synchronous. Close it when done; it is closed with the process otherwise.
 *
 * ```ts
 * using machine = new QemuMachine({ devices: ['intel-iommu'] });
 * machine.readMmio(0xfed90008); // VT-d's CAP
 * ```
 */
export class QemuMachine implements Disposable {
  readonly platform: QemuPlatform;
  readonly binary: QemuBinary;
  readonly ram: SharedRam;
  /** Free pages of its RAM. */
  readonly pages: PageStock;
  readonly pci: QemuPciHost;
  readonly #process: SupervisedProcess;
  readonly #channel: QtestChannel;
  readonly #hasSteppedTime: boolean;
  #isClosed = false;

  /** @throws {QemuError} */
  constructor(options: QemuMachineOptions = {}) {
    this.platform = options.platform ?? Q35;
    this.binary = QemuBinary.find(options.program ?? this.platform.program);
    this.#hasSteppedTime = options.accelerator === 'qtest';
    if (this.#hasSteppedTime && !this.binary.hasAccelerator('qtest'))
      throw new QemuError('ERR_QEMU_TOO_OLD', `${this.binary.program} was built without the qtest accelerator`);
    const ramBytes = options.ramBytes ?? 64 * MIB;
    this.#process = new SupervisedProcess('dmalab-qemu-');
    try {
      this.#channel = this.#start(options, ramBytes);
      const { ramStart, freeRam } = this.platform;
      this.ram = new SharedRam(this.#process.path('ram'), ramStart, ramBytes);
      this.pages = new PageStock(freeRam, ramStart + ramBytes);
      this.pci = new QemuPciHost(this);
    } catch (error) {
      this.#process.end();
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The folder that lives as long as the machine. */
  get folder(): string {
    return this.#process.folder;
  }

  /** A 32-bit register of whatever is at that address. */
  readMmio(at: number): number {
    return this.#channel.requestNumber(`readl 0x${at.toString(16)}`);
  }

  writeMmio(at: number, value: number): void {
    this.#channel.request(`writel 0x${at.toString(16)} 0x${(value >>> 0).toString(16)}`);
  }

  /** Bytes through the machine's own bus: for device memory; RAM is faster through {@link ram}. */
  readBus(at: number, lengthBytes: number): Uint8Array {
    return Buffer.from(
      this.#channel.request(`read 0x${at.toString(16)} 0x${lengthBytes.toString(16)}`).slice(2),
      'hex',
    );
  }

  writeBus(at: number, bytes: Uint8Array): void {
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
    this.#channel.request(`write 0x${at.toString(16)} 0x${bytes.length.toString(16)} 0x${hex}`);
  }

  /** Any commands of the protocol, sent together; what each answered after `OK`. */
  qtest(...commands: readonly string[]): string[] {
    return this.#channel.requestAll(commands);
  }

  /** Registers at an address, for a driver. */
  registers(base: number): RegisterBacking {
    return new MmioRegisters(this, base);
  }

  /** Watches the lines of an interrupt controller by its path, such as `ioapic`; once a machine (spec B49). */
  interceptInterrupts(path: string): void {
    this.#channel.request(`irq_intercept_in ${path}`);
  }

  /** Level of a watched line as of the latest answer. */
  isLineRaised(line: number): boolean {
    return this.#channel.irqLevels.get(line) ?? false;
  }

  /** Lets that much time pass where time is stepped; elsewhere it passes by itself and this only looks in (spec 8). */
  advance(nanoseconds: number): void {
    if (this.#hasSteppedTime) this.#channel.request(`clock_step ${Math.max(1, Math.round(nanoseconds))}`);
    else this.#channel.request('endianness');
  }

  /** Ends QEMU and removes its files; harmless when it is gone already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.close();
    this.ram.close();
    this.#process.end();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #start(options: QemuMachineOptions, ramBytes: number): QtestChannel {
    const { startMillis = 20_000, answerMillis = 10_000 } = options;
    const process = this.#process;
    execFileSync(
      'mkfifo',
      ['lifeline', 'q.in', 'q.out'].map((name) => process.path(name)),
    );
    const { word, lengthBytes } = this.platform.firmware;
    writeFileSync(
      process.path('firmware'),
      Uint8Array.from({ length: lengthBytes }, (_, i) => word[i % word.length]),
    );
    // QEMU makes its RAM file itself, but only after it has opened the FIFOs: too late for our first store.
    for (const [name, bytes] of Object.entries({ ...options.files, ram: ramBytes })) {
      writeFileSync(process.path(name), '');
      truncateSync(process.path(name), bytes);
    }
    process.start(this.binary.program, this.#arguments(options, ramBytes));
    return new QtestChannel(process, { startMillis, answerMillis });
  }

  #arguments({ accelerator = 'tcg', devices = [], args = [] }: QemuMachineOptions, ramBytes: number): string[] {
    const file = (name: string) => this.#process.path(name);
    return [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none', '-serial', 'none'],
      ...['-qtest', `pipe:${file('q')}`, '-qtest-log', 'none'],
      ...this.platform.args,
      ...['-accel', accelerator, '-bios', file('firmware'), '-m', `${ramBytes / MIB}M`],
      ...['-object', `memory-backend-file,id=ram,size=${ramBytes},mem-path=${file('ram')},share=on`],
      ...['-machine', 'memory-backend=ram'],
      ...args.map((argument) => argument.replaceAll('@folder', this.#process.folder)),
      ...devices.flatMap((device) => ['-device', device.replaceAll('@folder', this.#process.folder)]),
    ];
  }
}
