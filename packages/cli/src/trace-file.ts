import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { isTraceDat, readTraceDat, type Trace, TraceReader } from '@dmalab/trace';
import { readInput } from './input-file.ts';
import { UserError } from './user-error.ts';

/**
 * A trace, as text or as the trace.dat that trace-cmd records, plain or compressed.
 * @throws {UserError} when the file can't be read or holds no event
 */
export async function readTraceFile(path: string): Promise<Trace> {
  const trace = await readAnyTrace(path);
  if (trace.counts.events > 0) return trace;
  throw new UserError(path, 'holds no trace event', 'give it the text of /sys/kernel/tracing/trace, or a trace.dat');
}

/** Text is read as it comes; a trace.dat needs to be whole. */
async function readAnyTrace(path: string): Promise<Trace> {
  const reader = new TraceReader();
  const binary: Uint8Array[] = [];
  let chunks = 0;
  for await (const chunk of readInput(path)) {
    if (binary.length > 0 || (chunks === 0 && isTraceDat(chunk))) binary.push(chunk);
    else reader.push(chunk);
    chunks++;
  }
  return binary.length === 0 ? reader.finish() : readTraceDat(Buffer.concat(binary), { decompress });
}

/** What trace-cmd compresses with. */
export function decompress(algorithm: string, bytes: Uint8Array): Uint8Array {
  return algorithm === 'zstd' ? zstdDecompressSync(bytes) : inflateSync(bytes);
}
