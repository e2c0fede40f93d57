import { spawnSync } from 'node:child_process';
import { QemuError } from './qemu-error.ts';

/** Oldest version that everything here was run against. */
const OLDEST = { major: 7, minor: 2 };

/**
 * A QEMU program and what it has, asked of the program itself: properties and devices differ from build to build, so
 * version numbers decide nothing but the lower bound. Answers are kept for the life of the process.
 */
export class QemuBinary {
  readonly program: string;
  /** As it prints it: `7.2.22`. */
  readonly version: string;
  readonly #answers = new Map<string, string>();

  /** @throws {QemuError} when the program is missing or older than 7.2 */
  private constructor(program: string) {
    this.program = program;
    const text = this.#ask('--version');
    const [, version = '', major = '0', minor = '0'] = /version ((\d+)\.(\d+)[\d.]*)/.exec(text) ?? [];
    this.version = version;
    if (Number(major) < OLDEST.major || (Number(major) === OLDEST.major && Number(minor) < OLDEST.minor))
      throw new QemuError(
        'ERR_QEMU_TOO_OLD',
        `${program} is version ${version || 'unknown'}: it takes ${OLDEST.major}.${OLDEST.minor} or newer`,
      );
  }

  static readonly #known = new Map<string, QemuBinary>();

  /** The program of that name or path. @throws {QemuError} when it is missing or too old */
  static find(program: string): QemuBinary {
    const known = QemuBinary.#known.get(program) ?? new QemuBinary(program);
    QemuBinary.#known.set(program, known);
    return known;
  }

  /** Whether it was built with that accelerator (spec B45: Debian 12's has no `qtest`). */
  hasAccelerator(name: string): boolean {
    return this.#ask('-accel', 'help').split(/\s+/).includes(name);
  }

  hasDevice(name: string): boolean {
    return this.#ask('-device', 'help').includes(`name "${name}"`);
  }

  /** Whether a device takes that property. */
  hasProperty(device: string, property: string): boolean {
    return this.hasDevice(device) && new RegExp(`^\\s*${property}=`, 'm').test(this.#ask('-device', `${device},help`));
  }

  #ask(...args: string[]): string {
    const key = args.join(' ');
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const { stdout, stderr, error, status } = spawnSync(this.program, args, { encoding: 'utf8', timeout: 20_000 });
    if (error !== undefined && 'code' in error && error.code === 'ENOENT')
      throw new QemuError(
        'ERR_QEMU_MISSING',
        `there is no ${this.program} here: install QEMU, or name another program`,
      );
    if (error !== undefined || status !== 0)
      throw new QemuError('ERR_QEMU_START', `${this.program} ${key} failed`, (error?.message ?? stderr).trim());
    this.#answers.set(key, stdout);
    return stdout;
  }
}
