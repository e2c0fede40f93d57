/** How loud a line is, in the kernel's own words. */
export type LogLevel = 'info' | 'notice' | 'warn' | 'error';

export interface LogRecord {
  readonly level: LogLevel;
  /** Names the place that speaks; a WARN-once site fires once for the whole machine (spec, Notation and T32). */
  readonly site: string;
  readonly device: string | null;
  readonly text: string;
}

/** What the modelled kernel would have printed, in order. */
export class KernelLog {
  readonly records: LogRecord[] = [];
  readonly #fired = new Set<string>();

  /** Prints the first time that this site speaks, whatever the device; true if it did. */
  warnOnce(site: string, device: string | null, text: string): boolean {
    if (this.#fired.has(site)) return false;
    this.#fired.add(site);
    this.add('warn', site, device, text);
    return true;
  }

  add(level: LogLevel, site: string, device: string | null, text: string): void {
    this.records.push({ level, site, device, text });
  }

  /** Lines of one site. */
  of(site: string): LogRecord[] {
    return this.records.filter((record) => record.site === site);
  }

  /** Lets every WARN-once site fire again: two runs on one machine must not hide each other's warnings (spec T32). */
  resetOnce(): void {
    this.#fired.clear();
  }
}
