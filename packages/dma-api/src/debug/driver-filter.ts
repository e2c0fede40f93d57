import type { DebugDevice } from './debug-device.ts';

const NAME_CHARACTERS = 63;

/** Which driver's findings are printed (spec D85): boot option `dma_debug_driver=` or the debugfs file. */
export class DriverFilter {
  #name = '';

  constructor(name = '') {
    this.#name = name.slice(0, NAME_CHARACTERS);
  }

  /** A first character that is neither letter nor digit turns the filter off; else the first word is the name. */
  write(text: string): void {
    this.#name = /^[0-9A-Za-z]/.test(text) ? text.split(/\s/, 1)[0].slice(0, NAME_CHARACTERS) : '';
  }

  /** Name and newline, or nothing while it is off. */
  read(): string {
    return this.#name === '' ? '' : `${this.#name}\n`;
  }

  /** A null or unbound device fails while a filter is set. */
  passes(dev: DebugDevice | null): boolean {
    return this.#name === '' || dev?.boundDriver === this.#name;
  }
}
