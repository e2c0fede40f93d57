import {
  type Calibration,
  cpuNanosPerIo,
  fioText,
  type MachineDescription,
  type TimedResult,
  type WorkloadResult,
} from '@dmalab/integration';
import { bytes, figure, table } from '../output.ts';
import type { WorkloadFile } from '../workload-file.ts';

/** As fio prints it, and below it where the time went. */
export function printTimed(file: string, work: WorkloadFile, result: TimedResult, isGrouped: boolean): void {
  printSkipped(file, work);
  console.log(fioText(result, isGrouped));
  const { parts, done, elapsedNanos } = result;
  const ios = done.reads + done.writes;
  const busy = result.cpuBusyNanos.reduce((sum, nanos) => sum + nanos, 0);
  const rows = cpuNanosPerIo(result).map(([part, nanos]) => [part, Math.round(nanos), share(nanos * ios, busy)]);
  console.log(`\nCPU time for one I/O: ${figure(Math.round(busy / ios))} ns\n`);
  console.log(table(['part', 'ns', 'share'], rows));
  console.log(
    `\ndevice: link to memory busy ${share(parts.linkUp, elapsedNanos)}, from memory ${share(parts.linkDown, elapsedNanos)}; ` +
      `table walks ${figure(Math.round(parts.walks / ios))} ns for one I/O`,
  );
  console.log(`verified: ${bytes(done.bytesVerified)}, all that was read. Times are virtual: docs/cost-model.md.`);
}

export function printFunctional(file: string, { name, era }: MachineDescription, done: WorkloadResult): void {
  console.log(`${file} on ${name}, ${era}-based API, without time\n`);
  console.log(`reads: ${figure(done.reads)}, ${bytes(done.bytesRead)}, verified ${bytes(done.bytesVerified)}`);
  console.log(`writes: ${figure(done.writes)}, ${bytes(done.bytesWritten)}`);
}

/** Says what of a trace is not run. */
function printSkipped(file: string, work: WorkloadFile): void {
  if (work.kind === 'fio') return;
  const { ios } = work;
  const rest = Object.entries(ios.skipped).map(([what, times]) => `${what} ${figure(times)}`);
  console.log(`${file}: ${figure(ios.count)} reads and writes of disk ${ios.device}`);
  if (rest.length > 0) console.log(`not run: ${rest.join(', ')}`);
  console.log('');
}

function share(part: number, whole: number): string {
  return `${whole === 0 ? 0 : ((100 * part) / whole).toFixed(1)} %`;
}

/** What the time stamps of a trace said, before it is used. */
export function printCalibration({ figures, resolutionNanos, notes }: Calibration): void {
  const head = ['between events', 'samples', 'median', 'ns', '+-', 'cost'];
  const rows = figures.map(({ what, samples, medianNanos, nanos, uncertainNanos, cost }) => [
    what,
    samples,
    medianNanos,
    nanos ?? 'too few',
    uncertainNanos,
    cost,
  ]);
  console.log(`time stamps of ${figure(resolutionNanos)} ns\n\n${table(head, rows)}\n`);
  for (const note of notes) console.log(note);
  console.log('');
}
