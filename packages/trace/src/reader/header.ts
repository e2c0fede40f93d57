import type { TraceHeader } from './trace.ts';

/** Takes what a comment line before the first event says into the header. */
export function readHeaderLine(header: TraceHeader, text: string): void {
  header.lines.push(text);
  const tracer = /^# tracer: (.*)$/.exec(text)?.[1];
  if (tracer !== undefined) header.tracer = tracer;
  const entries = /^# entries-in-buffer\/entries-written: (\d+)\/(\d+)/.exec(text);
  if (entries !== null) {
    header.entriesInBuffer = Number(entries[1]);
    header.entriesWritten = Number(entries[2]);
  }
  const cpus = /#P:(\d+)/.exec(text)?.[1];
  if (cpus !== undefined) header.cpus = Number(cpus);
}
