const REPAINT_MILLIS = 100;
const BAR_CELLS = 28;

/**
 * Progress of something that takes longer than a second, on standard error: a bar on a terminal, nothing where the
 * output is not one, so that logs stay clean.
 */
export class Progress {
  readonly #label: string;
  readonly #isTerminal = process.stderr.isTTY === true;
  #paintedAt = 0;

  constructor(label: string) {
    this.#label = label;
  }

  /** @param share 0 to 1 */
  show(share: number): void {
    if (!this.#isTerminal) return;
    const now = performance.now();
    if (now - this.#paintedAt < REPAINT_MILLIS) return;
    this.#paintedAt = now;
    const full = Math.round(Math.min(share, 1) * BAR_CELLS);
    const bar = '#'.repeat(full) + '.'.repeat(BAR_CELLS - full);
    process.stderr.write(`\r${this.#label} [${bar}] ${Math.round(share * 100)} %`);
  }

  /** Wipes the bar. */
  done(): void {
    if (this.#isTerminal && this.#paintedAt > 0) process.stderr.write('\r\x1b[K');
  }
}
