import {
  type BlockIos,
  type FioJobFile,
  isBlkparseLine,
  parseFioJobs,
  readBlkparse,
  readBlockEvents,
} from '@dmalab/integration';
import { isTraceDat, readTrace, readTraceDat } from '@dmalab/trace';
import { readWhole } from './input-file.ts';
import { decompress } from './trace-file.ts';

/** What a workload file turned out to be. */
export type WorkloadFile =
  | { readonly kind: 'fio'; readonly jobs: FioJobFile }
  | { readonly kind: 'block-trace'; readonly ios: BlockIos };

/** Lines that are looked at to tell what a text is. */
const LINES_LOOKED_AT = 50;
/** `TASK-PID [CPU] FLAGS SECONDS: EVENT:`, or the first line of what the kernel prints. */
const TRACE_LINE = /^# tracer:|\s\[\d+\]\s.*\s\d+\.\d+: \w+:/;

/**
 * Reads a workload and finds out what it is: a job file unless it looks like a trace.
 * @throws {UserError} when the file can't be read
 * @throws {FioJobError} for a fault in a job file, {BlockTraceError} for a trace without reads and writes
 */
export async function readWorkloadFile(file: string): Promise<WorkloadFile> {
  const bytes = await readWhole(file);
  if (isTraceDat(bytes)) {
    return { kind: 'block-trace', ios: readBlockEvents(readTraceDat(bytes, { decompress }), file) };
  }
  const text = new TextDecoder().decode(bytes);
  const lines = text.split('\n', LINES_LOOKED_AT);
  if (lines.some((line) => TRACE_LINE.test(line))) {
    return { kind: 'block-trace', ios: readBlockEvents(readTrace(bytes), file) };
  }
  if (lines.some(isBlkparseLine)) return { kind: 'block-trace', ios: readBlkparse(text, file) };
  return { kind: 'fio', jobs: parseFioJobs(text, file) };
}
