import type { ReplayReport } from '@dmalab/integration';
import { ChromeTraceWriter, type TraceLog } from '@dmalab/trace';
import { PieceFile } from './output-file.ts';

/** A timeline for ui.perfetto.dev: what the trace holds, and what the replay adds to it. */
export class TimelineFile {
  readonly #file: PieceFile;
  readonly #writer: ChromeTraceWriter;

  /** @throws {UserError} when the file can't be written */
  constructor(path: string) {
    this.#file = new PieceFile(path);
    this.#writer = new ChromeTraceWriter((text) => this.#file.write(text));
  }

  take(log: TraceLog): void {
    this.#writer.take(log);
  }

  /** Adds how full each area of the bounce pool was, and closes the file. */
  finish({ diagnosis }: ReplayReport): void {
    for (const [area, { startMicros, stepMicros, values }] of (diagnosis.swiotlb?.usedByArea ?? []).entries()) {
      const points = values.map((slots, i) => [startMicros + i * stepMicros, slots] as const);
      this.#writer.counter({ track: 'SWIOTLB', name: `slots in use, area ${area}`, points });
    }
    this.#writer.end();
    this.#file.close();
  }
}
