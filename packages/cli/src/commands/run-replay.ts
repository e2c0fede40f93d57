import { basename } from 'node:path';
import {
  type DmaDebugReport,
  disagreements,
  type FieldAgreement,
  type IovaAgreement,
  type NvmeAgreement,
  type ReplayOptions,
  type ReplayReport,
  type ReplayWindow,
  replayPage,
  type SwiotlbAgreement,
  type TableAgreement,
  TraceReplay,
} from '@dmalab/integration';
import type { Trace, TraceNote, TraceSummary } from '@dmalab/trace';
import { readText } from '../input-file.ts';
import { chooseOtherMachine, type OtherChoice } from '../machine-choice.ts';
import { bytes, figure, printJson, table } from '../output.ts';
import { writeText } from '../output-file.ts';
import { TimelineFile } from '../timeline-file.ts';
import { streamTraceFile } from '../trace-file.ts';
import { UserError } from '../user-error.ts';
import { printDiagnosis } from './print-diagnosis.ts';
import { printWhatIf } from './print-what-if.ts';
import type { ReplayFlags } from './replay.ts';

const MOST_NOTES_SHOWN = 5;
const MOST_FINDINGS_SHOWN = 20;

/** Events that fit the memory of any machine together with all that the searches keep of them. */
const DEFAULT_WINDOW = 2 ** 16;

/** Reads the trace, replays it and prints what came out. With `--check`, exit code 1 for a disagreement or a finding. */
export async function runReplay(file: string, flags: ReplayFlags): Promise<void> {
  const { check, json, perfetto, report: page } = flags;
  const other = await otherChoice(flags);
  const replay = new TraceReplay(await replayOptions(flags, other));
  const timeline = perfetto === undefined ? null : new TimelineFile(perfetto);
  const trace = await streamTraceFile(file, windowEvents(flags), (batch) => {
    replay.take(batch);
    timeline?.take(batch.log);
  });
  const [summary, report, notes] = [replay.summary(trace), replay.report(), replay.notes];
  timeline?.finish(report);
  if (page !== undefined) {
    const shown = { name: basename(file), summary, report };
    writeText(page, replayPage({ ...shown, ...(other !== undefined && { otherMachine: other.description }) }));
  }
  if (json) printJson({ file, trace: { ...summary, unknown: unknownLines(trace) }, notes, ...report });
  else printReport(file, trace, { summary, report, notes });
  const found = disagreements(report.agreement) + report.dmaDebug.findings.length;
  process.exitCode = check && found > 0 ? 1 : 0;
}

async function otherChoice({ as: machine, dmaMask }: ReplayFlags): Promise<OtherChoice | undefined> {
  if (machine !== undefined) return chooseOtherMachine(machine, dmaMask);
  if (dmaMask === undefined) return undefined;
  throw new UserError('--dma-mask', 'stands without --as', 'name the machine with --as');
}

async function replayOptions({ boot, nvme }: ReplayFlags, other: OtherChoice | undefined): Promise<ReplayOptions> {
  return {
    nvme: nvme === true,
    ...(boot !== undefined && { bootText: await readText(boot) }),
    ...(other !== undefined && { as: other.machine }),
  };
}

function windowEvents({ window }: ReplayFlags): number {
  if (window === undefined) return DEFAULT_WINDOW;
  if (window === 'all') return Number.POSITIVE_INFINITY;
  const events = Number(window);
  if (Number.isInteger(events) && events > 0) return events;
  throw new UserError(`--window ${window}`, 'is no number of events', 'give a whole number from 1 on, or all');
}

/** What the replay gave, to be shown. */
interface Outcome {
  readonly summary: TraceSummary;
  readonly report: ReplayReport;
  readonly notes: readonly TraceNote[];
}

/** Events without a format here, and lines that are neither event nor comment. */
function unknownLines({ counts }: Trace): number {
  return counts.unknownEvents + counts.notUnderstood;
}

function printReport(file: string, trace: Trace, { summary, report, notes: all }: Outcome): void {
  const seconds = ((summary.lastMicros ?? 0) - (summary.firstMicros ?? 0)) / 1e6;
  console.log(`${file}: ${figure(summary.events)} events in ${seconds.toFixed(3)} s\n`);
  console.log(
    table(
      ['event', 'count'],
      summary.eventsByName.map(({ name, count }) => [name, count]),
    ),
  );
  printDevices(summary);
  printNotUnderstood(trace, summary, all);
  if (report.window !== undefined) printWindow(report.window);
  const { direct, iova, tables, swiotlb, nvme } = report.agreement;
  if (direct !== undefined) console.log(`\ndirect mappings: ${agreeing(direct)}`);
  if (iova !== undefined) printIova(iova);
  if (tables !== undefined) printTables(tables);
  if (swiotlb !== undefined) printSwiotlb(swiotlb);
  if (nvme !== undefined) printNvme(nvme);
  printFindings(report.dmaDebug);
  printDiagnosis(report.diagnosis);
  if (report.whatIf !== undefined) printWhatIf(report.whatIf);
}

function printDevices({ devices, iommu }: TraceSummary): void {
  const head = ['device', 'maps', 'unmaps', 'failed', 'bytes mapped', 'bounced', 'allocated', 'mapped at the end'];
  const rows = devices.map((device) => [
    device.device,
    device.maps,
    device.unmaps,
    device.failedMaps,
    bytes(device.bytesMapped),
    bytes(device.bytesBounced),
    bytes(device.liveAllocatedBytes),
    // A device whose driver leaves unmaps out maps the same address again and again: that is no leak (spec T3).
    device.remaps > 0 ? `${figure(device.liveMappings)} (unmaps elided)` : device.liveMappings,
  ]);
  console.log(`\n${table(head, rows)}`);
  if (iommu.maps === 0) return;
  console.log(
    `\nIOMMU page tables: ${figure(iommu.maps)} maps, ${bytes(iommu.bytesMapped)}; ` +
      `${figure(iommu.unmaps)} unmaps, ${bytes(iommu.bytesUnmapped)}`,
  );
}

function printWindow({ events, lastLine, eventsAfter }: ReplayWindow): void {
  console.log(
    `\nreplayed: the first ${figure(events)} events, to line ${lastLine}; the ${figure(eventsAfter)} after it were ` +
      'counted, checked by dma-debug, and compared where they are direct mappings (--window moves the line)',
  );
}

function printNotUnderstood(trace: Trace, summary: TraceSummary, all: readonly TraceNote[]): void {
  console.log(`\nlines not understood: ${unknownLines(trace) === 0 ? 'none' : unknownLines(trace)}`);
  for (const { name, count } of summary.unknownEvents) console.log(`  event ${name}: ${count}`);
  const notes = all.filter(({ kind }) => kind !== 'comment');
  for (const { line, kind, text } of notes.slice(0, MOST_NOTES_SHOWN)) console.log(`  line ${line}, ${kind}: ${text}`);
  if (notes.length > MOST_NOTES_SHOWN) console.log(`  and ${notes.length - MOST_NOTES_SHOWN} more`);
  const { lostEvents, overwrittenEvents, missingEvents } = summary;
  if (lostEvents + overwrittenEvents > 0) {
    console.log(
      `the kernel lost ${figure(lostEvents + overwrittenEvents)} events: agreement below can only be partial`,
    );
  }
  if (missingEvents > 0)
    console.log(`${figure(missingEvents)} events that the header announces are missing: cut short?`);
}

function printIova(iova: IovaAgreement): void {
  console.log(`\nIO virtual addresses: ${agreeing(iova)}`);
  for (const { devices, mode, modeFrom, reordered, inferredFlushes } of iova.domains) {
    const flushes = mode === 'lazy' ? `, ${inferredFlushes.length} flush instants inferred` : '';
    console.log(`  ${devices.join(', ')}: ${mode} (by the ${modeFrom}), ${reordered} reordered${flushes}`);
  }
  for (const { line, traced, modelled } of iova.residuals.slice(0, MOST_NOTES_SHOWN)) {
    const ours = modelled.map((page) => `0x${page.toString(16)}`).join(' or ');
    console.log(`  line ${line}: the kernel took page 0x${traced.toString(16)}, the model ${ours}`);
  }
}

function printTables(tables: TableAgreement): void {
  const { pages, unmaps, residuals } = tables;
  console.log(`\npage tables: ${agreeing(tables)}: ${figure(pages)} pages, ${figure(unmaps)} unmaps`);
  for (const { line, what, kernel, ours } of residuals.slice(0, MOST_NOTES_SHOWN)) {
    console.log(`  line ${line}, ${what}: the kernel has ${kernel}, the model ${ours}`);
  }
}

function printNvme(nvme: NvmeAgreement): void {
  const { identity, skipped } = nvme;
  console.log(`\nNVMe commands: ${agreeing(nvme)}; ${skipped} not replayed`);
  printFields(nvme);
  console.log(
    `  tags and queue positions: ${agreeing(identity)}; ${figure(identity.explained)} differ for a known reason`,
  );
  printFields(identity);
}

function printFields<Field extends string>({ byField, residuals }: FieldAgreement<Field>): void {
  const fields = Object.entries<number>(byField).map(([field, count]) => `${field} ${figure(count)}`);
  console.log(`  agreeing by field: ${fields.join(', ')}`);
  for (const { line, field, trace, model, because } of residuals.slice(0, MOST_NOTES_SHOWN)) {
    console.log(
      `  line ${line}, ${field}: the kernel has ${trace}, the model ${model}${because === null ? '' : ` (${because})`}`,
    );
  }
}

function printFindings({ findings, devices }: DmaDebugReport): void {
  console.log(`\ndma-debug: ${findings.length === 0 ? 'no finding' : `${figure(findings.length)} findings`}`);
  for (const { line, text } of findings.slice(0, MOST_FINDINGS_SHOWN)) console.log(`  line ${line}: ${text}`);
  if (findings.length > MOST_FINDINGS_SHOWN) console.log(`  and ${findings.length - MOST_FINDINGS_SHOWN} more`);
  for (const { device, elidesUnmaps, elidedUnmaps } of devices) {
    if (elidesUnmaps) console.log(`  ${device}: ${figure(elidedUnmaps)} unmaps left out, where nothing would happen`);
  }
}

function printSwiotlb(swiotlb: SwiotlbAgreement): void {
  console.log(`\nbounce buffers: ${agreeing(swiotlb)}, ${swiotlb.failures} of them failures`);
  const { geometry, inferred, residuals } = swiotlb;
  if (geometry !== null) {
    console.log(`  pool at ${geometry.start}: ${figure(geometry.slotCount)} slots in ${geometry.areaCount} areas`);
  }
  if (inferred.length > 0) console.log(`  inferred from the trace: ${inferred.join(', ')}`);
  for (const { line, kernel, ours } of residuals.slice(0, MOST_NOTES_SHOWN)) {
    console.log(`  line ${line}: the kernel answered ${kernel ?? 'failure'}, the model ${ours ?? 'failure'}`);
  }
}

function agreeing({ compared, agree }: { compared: number; agree: number }): string {
  const share = compared === 0 ? 100 : (100 * agree) / compared;
  return `${figure(agree)} of ${figure(compared)} agree with the kernel (${share.toFixed(share === 100 ? 0 : 2)} %)`;
}
