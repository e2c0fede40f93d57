import type { TraceSummary } from '@dmalab/trace';
import type { MachineDescription } from '../../machine/machine-description.ts';
import { disagreements, type ReplayReport } from '../../replay/replay-trace.ts';
import { type Html, html } from '../html.ts';
import { machinesSection } from '../machine/machines-section.ts';
import { cards, dataTable, page, plots, type Section } from '../page.ts';
import { lineChart } from '../svg/line-chart.ts';
import { bytes, figure } from '../units.ts';
import { agreementSection } from './agreement-section.ts';
import { findingsSection } from './findings-section.ts';
import { iovaSections } from './iova-sections.ts';
import { swiotlbSection } from './swiotlb-section.ts';
import { whatIfSection } from './what-if-section.ts';

/** What a page about a trace is made of. */
export interface ReplayPageInput {
  /** Name of the trace, as its reader knows it. */
  readonly name: string;
  readonly summary: TraceSummary;
  readonly report: ReplayReport;
  /** The machine to which the requests were given too; it is drawn. */
  readonly otherMachine?: MachineDescription;
}

/** A trace as a page to show to somebody else: figures, plots over time, findings, agreement. */
export function replayPage(input: ReplayPageInput): string {
  const { name, summary, report, otherMachine } = input;
  const { diagnosis } = report;
  const sections: Section[] = [
    findingsSection(report),
    ...(report.whatIf === undefined ? [] : [whatIfSection(report.whatIf, diagnosis.swiotlb ?? null)]),
    ...(diagnosis.swiotlb === undefined ? [] : [swiotlbSection(diagnosis.swiotlb)]),
    ...diagnosis.iova.flatMap(iovaSections),
    activitySection(input),
    agreementSection(report.agreement),
    ...(otherMachine === undefined ? [] : [machinesSection([otherMachine])]),
  ];
  const intro = html`<p class="soft">A DMA trace of a real kernel, replayed by dmalab. Times are the trace’s own clock; line numbers are those of the file.</p>${windowNote(report)}${figures(summary, report)}`;
  return page(`DMA trace ${name}`, intro, sections);
}

/** Of a trace longer than the window: what the plots below are about. */
function windowNote({ window }: ReplayReport): Html | null {
  if (window === undefined) return null;
  const { events, lastLine, eventsAfter } = window;
  return html`<p class="bad">Plots, agreement and diagnosis are about the first ${figure(events)} events, to line ${figure(lastLine)}. The ${figure(eventsAfter)} after it were counted and checked for driver faults.</p>`;
}

function figures(summary: TraceSummary, report: ReplayReport) {
  const length = ((summary.lastMicros ?? 0) - (summary.firstMicros ?? 0)) / 1e6;
  const lost = summary.lostEvents + summary.overwrittenEvents;
  return cards([
    ['events', figure(summary.events)],
    ['length', `${length.toFixed(3)} s`],
    ['devices', figure(summary.devices.length)],
    ['bytes mapped', bytes(summary.devices.reduce((sum, { bytesMapped }) => sum + bytesMapped, 0))],
    ['bytes bounced', bytes(summary.devices.reduce((sum, { bytesBounced }) => sum + bytesBounced, 0))],
    ['driver faults', figure(report.dmaDebug.findings.length)],
    ['disagreements', figure(disagreements(report.agreement))],
    ['lines not understood', figure(summary.notUnderstood)],
    ['events lost', figure(lost)],
  ]);
}

function activitySection({ summary, report }: ReplayPageInput): Section {
  const { events, mapped } = report.diagnosis;
  const charts = [
    lineChart({
      title: 'Mapped by device.',
      note: 'Bytes, the most of each stretch; mappings of the two-step interface name no device and are not in it.',
      unit: 'bytes',
      series: mapped,
    }),
    lineChart({ title: 'Events by kind.', note: 'How many in each stretch.', unit: 'count', series: events }),
  ];
  const rows = summary.devices.map((device) => [
    device.device,
    figure(device.maps),
    figure(device.unmaps),
    figure(device.failedMaps),
    bytes(device.bytesMapped),
    bytes(device.bytesBounced),
    device.remaps > 0 ? `${figure(device.liveMappings)} (unmaps left out)` : figure(device.liveMappings),
  ]);
  const columns = ['maps', 'unmaps', 'failed', 'bytes mapped', 'bounced', 'mapped at the end'].map((name) => ({
    name,
  }));
  const table = dataTable([{ name: 'device', isText: true }, ...columns], rows);
  return { title: 'Activity', body: html`${plots(mapped.length === 0 ? charts.slice(1) : charts)}${table}` };
}
