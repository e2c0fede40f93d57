import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { isTraceDat, readTraceDat, type Trace, TraceReader, type TraceReaderOptions } from '@dmalab/trace';
import { readInput } from './input-file.ts';
import { UserError } from './user-error.ts';

/**
 * A trace, as text or as the trace.dat that trace-cmd records, plain or compressed.
 * @throws {UserError} when the file can't be read or holds no event
 */
export async function readTraceFile(path: string): Promise<Trace> {
  const trace = await readAnyTrace(path);
  if (trace.counts.events > 0) return trace;
  throw noTrace(path);
}

/**
 * The same in batches of that many events, of which nothing is kept; the trace that is returned holds the last batch,
 * and the counts of the whole. A trace.dat is one batch.
 */
export async function streamTraceFile(
  path: string,
  batchEvents: number,
  onBatch: (trace: Trace) => void,
): Promise<Trace> {
  const trace = await readAnyTrace(path, { batchEvents, onBatch });
  if (trace.counts.events > 0) return trace;
  throw noTrace(path);
}

function noTrace(path: string): UserError {
  return new UserError(path, 'holds no trace event', 'give it the text of /sys/kernel/tracing/trace, or a trace.dat');
}

/** Text is read as it comes; a trace.dat needs to be whole. */
async function readAnyTrace(path: string, options: TraceReaderOptions = {}): Promise<Trace> {
  const reader = new TraceReader(options);
  const binary: Uint8Array[] = [];
  let chunks = 0;
  for await (const chunk of readInput(path)) {
    if (binary.length > 0 || (chunks === 0 && isTraceDat(chunk))) binary.push(chunk);
    else reader.push(chunk);
    chunks++;
  }
  if (binary.length === 0) return reader.finish();
  const trace = readTraceDat(Buffer.concat(binary), { decompress });
  options.onBatch?.(trace);
  return trace;
}

/** What trace-cmd compresses with. */
export function decompress(algorithm: string, bytes: Uint8Array): Uint8Array {
  return algorithm === 'zstd' ? zstdDecompressSync(bytes) : inflateSync(bytes);
}
